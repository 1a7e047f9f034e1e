// sluice/process/travelling_file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/travelling_file.hpp>

#include <sluice/process/channel.hpp>

#include <array>
#include <utility>

namespace sluice::detail {
namespace {

// What travels with the descriptor.
struct Notice {
  static constexpr std::uint64_t kMagic = 0x656c69466c654376;
  std::uint64_t magic = kMagic;
  std::uint64_t token = 0;
};

constexpr const char* kPurpose = "sluice: a large item";

// Each payload begins where anything may begin.
constexpr std::uint64_t kAlignment = 16;

}  // namespace

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
  const Notice notice{.token = token_};
  const PacketStatus status = socket_->send(bytes_of(notice), file_->descriptor().number(), wait);
  if (status != PacketStatus::ok) return status;
  file_.reset();
  ++token_;
  under_way_.push_back(end);
  return status;
}

void FileOutbox::freed(std::uint64_t position) noexcept {
  while (!under_way_.empty() && under_way_.front() <= position) under_way_.pop_front();
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
  Notice notice;
  Packet packet =
      socket_->receive(std::as_writable_bytes(std::span(&notice, 1)), PacketSocket::Wait::no);
  if (packet.status != PacketStatus::ok || packet.size != sizeof notice ||
      notice.magic != Notice::kMagic || notice.token != token || !packet.descriptor.valid()) {
    throw ProtocolViolation("the file of a payload did not come", position);
  }
  const MemoryFile file(std::move(packet.descriptor), kPurpose);
  const std::uint64_t size = file.size_if_frozen();
  if (size == 0) throw ProtocolViolation("the file of a payload can still be changed", position);
  maps_.emplace_back(file, size, MapAccess::frozen);
  last_token_ = token;
}

}  // namespace sluice::detail
