// sluice/os/packet_socket.hpp: a pair of sockets for packets that come whole or not at all, and for
// descriptors that travel with them.
//
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace sluice::detail {

/// `full` and `nothing` only when the call was not to wait.
enum class PacketStatus : unsigned char { ok, full, nothing, closed };

/// What came. `size` may be more than the buffer was: then the rest is lost.
struct Packet {
  PacketStatus status = PacketStatus::nothing;
  std::size_t size = 0;
  Descriptor descriptor{};
  bool more_descriptors = false;  ///< more than one came; all are closed
};

/// One end. Threads  one at a time.
class PacketSocket {
 public:
  enum class Wait : unsigned char { no, yes };

  PacketSocket() noexcept = default;
  explicit PacketSocket(Descriptor descriptor) noexcept;
  /// Throws  std::system_error when there is no descriptor left.
  [[nodiscard]] static std::pair<PacketSocket, PacketSocket> make_pair();

  /// All pieces as one packet, with that descriptor, if it is not -1. Raises no SIGPIPE.
  /// Throws  std::system_error, for a packet that is too large, too.
  [[nodiscard]] PacketStatus send(std::span<const std::span<const std::byte>> pieces,
                                  int descriptor, Wait wait) const;
  [[nodiscard]] PacketStatus send(std::span<const std::byte> bytes, int descriptor,
                                  Wait wait) const;
  /// `closed` once the other end is closed and everything was received.
  /// Throws  std::system_error, when a descriptor came and there is none left, too.
  [[nodiscard]] Packet receive(std::span<std::byte> to, Wait wait) const;

  /// Whether a packet can be received at once.
  [[nodiscard]] bool has_packet() const noexcept;
  /// Whether every copy of the other end is closed; there may be packets left.
  [[nodiscard]] bool hung_up() const noexcept;

  [[nodiscard]] const Descriptor& descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] Descriptor take_descriptor() && noexcept { return std::move(descriptor_); }

 private:
  Descriptor descriptor_{};
};

}  // namespace sluice::detail
