// sluice/os/packet_socket.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/packet_socket.hpp>

#include <sluice/os/file.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

constexpr const char* kName = "a worker's socket";
constexpr std::size_t kMostPieces = 4;

// Room for two, so that a second descriptor is seen rather than cut off.
struct alignas(cmsghdr) DescriptorRoom {
  std::array<char, CMSG_SPACE(2 * sizeof(int))> bytes{};
};

// Every descriptor that came; most often one.
std::vector<Descriptor> descriptors_of(msghdr& message) {
  std::vector<Descriptor> found;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof number);
      found.emplace_back(number);
    }
  }
  return found;
}

}  // namespace

PacketSocket::PacketSocket(Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}

std::pair<PacketSocket, PacketSocket> PacketSocket::make_pair() {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw_os_error(errno, "make", kName);
  }
  return {PacketSocket(Descriptor(ends[0])), PacketSocket(Descriptor(ends[1]))};
}

PacketStatus PacketSocket::send(std::span<const std::span<const std::byte>> pieces, int descriptor,
                                Wait wait) const {
  std::array<iovec, kMostPieces> parts{};
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    parts[i] = {.iov_base = const_cast<std::byte*>(pieces[i].data()), .iov_len = pieces[i].size()};
  }
  msghdr message = {};
  message.msg_iov = parts.data();
  message.msg_iovlen = pieces.size();
  DescriptorRoom room;
  if (descriptor >= 0) {
    message.msg_control = room.bytes.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int));
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
  }
  const int flags = MSG_NOSIGNAL | (wait == Wait::no ? MSG_DONTWAIT : 0);
  for (;;) {
    if (sendmsg(descriptor_.number(), &message, flags) >= 0) return PacketStatus::ok;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return PacketStatus::full;
    if (errno == EPIPE || errno == ECONNRESET) return PacketStatus::closed;
    throw_os_error(errno, "send to", kName);
  }
}

PacketStatus PacketSocket::send(std::span<const std::byte> bytes, int descriptor, Wait wait) const {
  return send(std::span<const std::span<const std::byte>>(&bytes, 1), descriptor, wait);
}

Packet PacketSocket::receive(std::span<std::byte> to, Wait wait) const {
  iovec part = {.iov_base = to.data(), .iov_len = to.size()};
  DescriptorRoom room;
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.bytes.data();
  message.msg_controllen = room.bytes.size();
  const int flags = MSG_CMSG_CLOEXEC | MSG_TRUNC | (wait == Wait::no ? MSG_DONTWAIT : 0);
  ssize_t size = -1;
  // An end that closes with something unread says so once, ahead of what it had sent.
  bool was_reset = false;
  do {
    size = recvmsg(descriptor_.number(), &message, flags);
  } while (size < 0 &&
           (errno == EINTR || (errno == ECONNRESET && !std::exchange(was_reset, true))));
  Packet packet;
  if (size < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return packet;
    if (errno != ECONNRESET) throw_os_error(errno, "receive from", kName);
    size = 0;
  }
  std::vector<Descriptor> came = descriptors_of(message);
  const bool cut = (message.msg_flags & MSG_CTRUNC) != 0;
  if (cut && came.empty()) throw_os_error(EMFILE, "receive a descriptor from", kName);
  packet.more_descriptors = cut || came.size() > 1;
  if (came.size() == 1 && !cut) packet.descriptor = std::move(came.front());
  // Nobody sends packets of nothing, so that nothing is the end.
  packet.status = size == 0 ? PacketStatus::closed : PacketStatus::ok;
  packet.size = static_cast<std::size_t>(size);
  return packet;
}

bool PacketSocket::has_packet() const noexcept {
  std::byte unused{};
  return recv(descriptor_.number(), &unused, sizeof unused, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC) >
         0;
}

bool PacketSocket::hung_up() const noexcept {
  pollfd waited = {.fd = descriptor_.number(), .events = 0, .revents = 0};
  return poll(&waited, 1, 0) > 0 && (waited.revents & POLLHUP) != 0;
}

}  // namespace sluice::detail
