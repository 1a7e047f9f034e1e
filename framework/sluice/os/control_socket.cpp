// sluice/os/control_socket.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/control_socket.hpp>

#include <sluice/os/file.hpp>
#include <sluice/os/process_setup.hpp>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

// Room for the control message, aligned as its header wants it.
struct Rights {
  alignas(cmsghdr) unsigned char bytes[CMSG_SPACE(sizeof(int) * ControlSocket::kMostDescriptors)];
};

void attach(msghdr& message, Rights& rights, std::span<const int> descriptors) noexcept {
  const std::size_t size = descriptors.size() * sizeof(int);
  std::memset(&rights, 0, sizeof(rights));
  message.msg_control = rights.bytes;
  message.msg_controllen = CMSG_SPACE(size);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(header), descriptors.data(), size);
}

void detach(msghdr& message, std::vector<Descriptor>& descriptors) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      descriptors.emplace_back(number);
    }
  }
}

}  // namespace

std::pair<ControlSocket, ControlSocket> ControlSocket::make_pair() {
  int numbers[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, numbers) != 0) {
    throw_os_error(errno, "make", "a pair of sockets");
  }
  Descriptor one(numbers[0]);
  Descriptor other(numbers[1]);
  return {ControlSocket(beside_standard_streams(std::move(one))),
          ControlSocket(beside_standard_streams(std::move(other)))};
}

ControlSocket::Sent ControlSocket::send(std::span<const std::byte> bytes,
                                        std::span<const int> descriptors) {
  if (bytes.size() > kMostBytes || descriptors.size() > kMostDescriptors) {
    throw_os_error(EMSGSIZE, "send", "a message to another process");
  }
  iovec part = {const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Rights rights;
  if (!descriptors.empty()) attach(message, rights, descriptors);
  for (;;) {
    if (sendmsg(socket_.number(), &message, MSG_NOSIGNAL) >= 0) return Sent::sent;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Sent::full;
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) return Sent::gone;
    throw_os_error(errno, "send", "a message to another process");
  }
}

ControlSocket::Got ControlSocket::receive(Packet& packet) {
  packet.descriptors.clear();
  packet.descriptors.reserve(kMostDescriptors);  // first, so that none is lost to bad_alloc
  packet.lost_descriptors = false;
  std::byte bytes[kMostBytes];
  iovec part = {bytes, sizeof(bytes)};
  Rights rights;
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t got = -1;
  do {
    message.msg_control = rights.bytes;
    message.msg_controllen = sizeof(rights.bytes);
    got = recvmsg(socket_.number(), &message, MSG_CMSG_CLOEXEC);
    // A reset is told once, before what was sent earlier: so ask again.
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Got::nothing;
    throw_os_error(errno, "receive", "a message from another process");
  }
  detach(message, packet.descriptors);
  packet.bytes.assign(bytes, bytes + got);
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    packet.descriptors.clear();
    packet.lost_descriptors = true;
  }
  return got == 0 ? Got::ended : Got::packet;
}

void ControlSocket::shut_down() noexcept {
  if (socket_.valid()) static_cast<void>(shutdown(socket_.number(), SHUT_RDWR));
}

bool is_control_socket(int number) noexcept {
  int type = 0;
  socklen_t size = sizeof(type);
  return getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

}  // namespace sluice::detail
