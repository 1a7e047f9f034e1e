// sluice/process/log_format.hpp: how leases and records lie in a log, a packet or a file.
//
// A record is a head of 16 bytes and `length` bytes after it, padded to a multiple of 8. Logs are
// between processes of one machine and one program, so numbers are as the machine has them.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace sluice::detail {

/// The values of RecordType, and what only the parent writes.
inline constexpr std::uint8_t kLeaseRecord = 1;
inline constexpr std::uint8_t kOutputRecord = 2;
inline constexpr std::uint8_t kDoneRecord = 3;
inline constexpr std::uint8_t kFailedRecord = 4;
inline constexpr std::uint8_t kNoteRecord = 5;
/// Of packets alone: no lease follows; all records are in the file that comes along.
inline constexpr std::uint8_t kStopRecord = 6;
inline constexpr std::uint8_t kFileRecord = 7;

/// A flag: instead of the payload there is an Elsewhere.
inline constexpr std::uint16_t kIsElsewhere = 1;
/// A flag: in front of the payload there are a number and as many BlockEntries. A lease has the number in
/// its head.
inline constexpr std::uint16_t kHasBlocks = 2;

/// Pass it by value, in two registers, for the reason given in read_head().
struct RecordHead {
  std::uint32_t length = 0;
  std::uint8_t type = 0;
  std::uint8_t port = 0;
  std::uint16_t flags = 0;
  std::uint64_t id = 0;

  [[nodiscard]] bool operator==(const RecordHead&) const = default;
};
static_assert(sizeof(RecordHead) == 16);

/// Between the head of a lease and its payload.
struct LeaseHead {
  std::uint64_t item = 0;
  std::uint32_t attempt = 0;
  std::uint32_t blocks = 0;  ///< entries behind it
};
static_assert(sizeof(LeaseHead) == 16);

/// Where a large payload is: in the file that travels over the socket with that token.
struct Elsewhere {
  std::uint64_t token = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
static_assert(sizeof(Elsewhere) == 24);

inline constexpr std::uint64_t kRecordAlignment = 8;

[[nodiscard]] constexpr std::uint64_t padded(std::uint64_t length) noexcept {
  return (length + kRecordAlignment - 1) & ~(kRecordAlignment - 1);
}
/// What a record with `length` bytes after its head takes.
[[nodiscard]] constexpr std::uint64_t record_size(std::uint64_t length) noexcept {
  return sizeof(RecordHead) + padded(length);
}

/// Reads each word of the head once, whatever a compiler would like: the writer may be hostile and
/// change it between two reads.
[[nodiscard]] inline RecordHead read_head(const std::byte* from) noexcept {
  struct First {
    std::uint32_t length;
    std::uint8_t type;
    std::uint8_t port;
    std::uint16_t flags;
  };
  const auto* words = reinterpret_cast<const volatile std::uint64_t*>(from);
  // Not both words at once: a processor waits when it loads in one piece what was just stored in two.
  const auto first = std::bit_cast<First>(std::uint64_t{words[0]});
  return {.length = first.length,
          .type = first.type,
          .port = first.port,
          .flags = first.flags,
          .id = words[1]};
}

template <class T>
[[nodiscard]] std::span<const std::byte> bytes_of(const T& value) noexcept {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

/// A T at that place. The caller has checked the length.
template <class T>
[[nodiscard]] T value_at(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace sluice::detail
