// sluice/process/travelling_file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/travelling_file.hpp>

#include <sluice/process/channel.hpp>

#include <array>
#include <utility>

namespace sluice::detail {
namespace {

// What travels with the descriptor. By kind, as Travelling numbers them.
constexpr std::uint64_t kMagics[] = {0x656c69466c654376, 0x6b636f6c42654376};

struct Notice {
  std::uint64_t magic = 0;
  std::uint64_t number = 0;
};

// Of a kind that nobody has asked for yet; an honest sender has no more under way.
constexpr std::size_t kMostArrived = 2 * kMostFiles;

constexpr const char* kPurpose = "sluice: a large item";

// Each payload begins where anything may begin.
constexpr std::uint64_t kAlignment = 16;

}  // namespace

PacketStatus send_travelling(const PacketSocket& socket, Travelling kind, std::uint64_t number,
                             int descriptor, PacketSocket::Wait wait) {
  const Notice notice{.magic = kMagics[static_cast<std::size_t>(kind)], .number = number};
  return socket.send(bytes_of(notice), descriptor, wait);
}

Descriptor Arrivals::take(Travelling kind, std::uint64_t number, std::uint64_t position) {
  std::deque<Arrived>& arrived = arrived_[static_cast<std::size_t>(kind)];
  for (;;) {
    if (arrived.empty()) receive(position);
    if (arrived.empty()) continue;
    Arrived next = std::move(arrived.front());
    arrived.pop_front();
    if (next.number == number) return std::move(next.descriptor);
    if (next.number > number) {
      throw ProtocolViolation("the file of a payload did not come", position);
    }
  }
}

void Arrivals::receive(std::uint64_t position) {
  Notice notice;
  Packet packet =
      socket_->receive(std::as_writable_bytes(std::span(&notice, 1)), PacketSocket::Wait::no);
  const bool whole = packet.status == PacketStatus::ok && packet.size == sizeof notice &&
                     packet.descriptor.valid();
  for (std::size_t kind = 0; whole && kind < 2; ++kind) {
    if (notice.magic != kMagics[kind] || arrived_[kind].size() == kMostArrived) continue;
    arrived_[kind].push_back({notice.number, std::move(packet.descriptor)});
    return;
  }
  throw ProtocolViolation("the file of a payload did not come", position);
}

Elsewhere FileOutbox::put(std::span<const std::byte> bytes) {
  if (!file_.has_value()) {
    file_.emplace(kPurpose);
    size_ = 0;
  }
  static constexpr std::array<std::byte, kAlignment> kZeros{};
  const std::uint64_t gap = (kAlignment - size_ % kAlignment) % kAlignment;
  file_->append(std::span(kZeros).first(gap));
  file_->append(bytes);
  const Elsewhere where{.token = token_, .offset = size_ + gap, .size = bytes.size()};
  size_ = where.offset + where.size;
  return where;
}

PacketStatus FileOutbox::send(std::uint64_t end, PacketSocket::Wait wait) {
  file_->freeze();
  const PacketStatus status =
      send_travelling(*socket_, Travelling::file, token_, file_->descriptor().number(), wait);
  if (status != PacketStatus::ok) return status;
  file_.reset();
  ++token_;
  under_way_.add(end);
  return status;
}

std::span<const std::byte> FileInbox::open(const Elsewhere& where, std::uint64_t position) {
  if (where.token == last_token_ + 1) {
    receive(where.token, position);
  } else if (where.token != last_token_ || maps_.empty()) {
    throw ProtocolViolation("a payload is said to be in a file that does not come next", position);
  }
  const std::span<const std::byte> file = maps_.back().bytes();
  if (where.offset > file.size() || where.size > file.size() - where.offset) {
    throw ProtocolViolation("a payload is longer than its file", position);
  }
  return file.subspan(where.offset, where.size);
}

void FileInbox::receive(std::uint64_t token, std::uint64_t position) {
  const MemoryFile file(arrivals_->take(Travelling::file, token, position), kPurpose);
  const std::uint64_t size = file.size_if_frozen();
  if (size == 0) throw ProtocolViolation("the file of a payload can still be changed", position);
  maps_.emplace_back(file, size, MapAccess::frozen);
  last_token_ = token;
}

}  // namespace sluice::detail
