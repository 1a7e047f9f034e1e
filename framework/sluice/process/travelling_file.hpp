// sluice/process/travelling_file.hpp: payloads that are too large for a log, on their way to the
// other process: in memory that is frozen, whose descriptor goes over the socket.
//
// (1) A file is frozen before it is sent, and sent before what refers to it is published. So whoever
//     reads a reference finds its file in the socket, in the order of the tokens, from 1 on.
// (2) A frozen file can neither change nor shrink nor fault: it is checked once, when it comes.
// (3) So many at most are under way that sending one never waits (kMostFiles).
// (4) Blocks (process/block_exchange.hpp) travel over the same socket, with numbers of their own, and so
//     many at most. Whoever wants the next of one kind keeps what comes of the other.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/memory_map.hpp>
#include <sluice/os/packet_socket.hpp>
#include <sluice/process/log_format.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

namespace sluice::detail {

/// Sent and not yet given back by the reader, in one direction.
inline constexpr std::size_t kMostFiles = 16;

enum class Travelling : std::uint8_t { file, block };

/// Sends a descriptor. Numbers of a kind grow; they begin at 1.
[[nodiscard]] PacketStatus send_travelling(const PacketSocket& socket, Travelling kind,
                                           std::uint64_t number, int descriptor,
                                           PacketSocket::Wait wait);

/// The receiving end of a socket.
class Arrivals {
 public:
  explicit Arrivals(const PacketSocket& socket) noexcept : socket_(&socket) {}

  /// The descriptor of that kind and number, which was sent; lower numbers are dropped.
  /// Throws   ProtocolViolation, with `position`; std::system_error.
  [[nodiscard]] Descriptor take(Travelling kind, std::uint64_t number, std::uint64_t position);

 private:
  struct Arrived {
    std::uint64_t number = 0;
    Descriptor descriptor{};
  };
  void receive(std::uint64_t position);

  const PacketSocket* socket_;
  std::deque<Arrived> arrived_[2]{};
};

/// What was sent and is not given back yet, by the positions up to which the reader needs it.
class UnderWay {
 public:
  void add(std::uint64_t end) { ends_.push_back(end); }
  void freed(std::uint64_t position) noexcept {
    while (!ends_.empty() && ends_.front() <= position) ends_.pop_front();
  }
  [[nodiscard]] std::size_t count() const noexcept { return ends_.size(); }
  [[nodiscard]] std::uint64_t oldest_end() const noexcept { return ends_.front(); }

 private:
  std::deque<std::uint64_t> ends_{};
};

/// Payloads of one transaction, or one lease, gathered in one file.
class FileOutbox {
 public:
  explicit FileOutbox(const PacketSocket& socket) noexcept : socket_(&socket) {}

  /// Appends to the file that goes next. Throws  std::system_error.
  [[nodiscard]] Elsewhere put(std::span<const std::byte> bytes);
  [[nodiscard]] bool has_file() const noexcept { return file_.has_value(); }
  void discard() noexcept { file_.reset(); }
  /// Sends it. `end`: when the reader has given back up to there, it needs the file no more.
  [[nodiscard]] PacketStatus send(std::uint64_t end, PacketSocket::Wait wait);

  /// Forgets the files that are given back.
  void freed(std::uint64_t position) noexcept { under_way_.freed(position); }
  [[nodiscard]] bool has_room() const noexcept { return under_way_.count() < kMostFiles; }
  /// Where the oldest one ends; there is no room.
  [[nodiscard]] std::uint64_t oldest_end() const noexcept { return under_way_.oldest_end(); }

 private:
  const PacketSocket* socket_;
  std::optional<MemoryFile> file_{};
  std::uint64_t size_ = 0;
  std::uint64_t token_ = 1;
  UnderWay under_way_{};
};

class FileInbox {
 public:
  explicit FileInbox(Arrivals& arrivals) noexcept : arrivals_(&arrivals) {}

  /// The payload, valid until it is forgotten. `position` is for the message.
  /// Throws   ProtocolViolation; std::system_error.
  [[nodiscard]] std::span<const std::byte> open(const Elsewhere& where, std::uint64_t position);
  void forget() noexcept {
    if (!maps_.empty()) maps_.clear();
  }

 private:
  void receive(std::uint64_t token, std::uint64_t position);

  Arrivals* arrivals_;
  std::deque<MemoryMap> maps_{};
  std::uint64_t last_token_ = 0;
};

}  // namespace sluice::detail
