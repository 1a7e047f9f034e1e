// sluice/os/control_socket.hpp: whole messages with descriptors between two processes.
//
// A pair of SOCK_SEQPACKET sockets: a message is there whole or not at all, whenever its sender is
// killed, and what was sent before a death can still be read. Both ends never block.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace sluice::detail {

class ControlSocket {
 public:
  static constexpr std::size_t kMostBytes = 64 * 1024;
  static constexpr std::size_t kMostDescriptors = 32;

  struct Packet {
    std::vector<std::byte> bytes{};
    std::vector<Descriptor> descriptors{};
    /// Some descriptors did not arrive, for lack of room in this process; then none is here.
    bool lost_descriptors = false;
  };
  enum class Sent : unsigned char { sent, full, gone };
  enum class Got : unsigned char { packet, nothing, ended };

  ControlSocket() noexcept = default;
  explicit ControlSocket(Descriptor socket) noexcept : socket_(std::move(socket)) {}
  /// Throws  std::system_error.
  [[nodiscard]] static std::pair<ControlSocket, ControlSocket> make_pair();

  /// The descriptors stay the caller's. `gone`: nobody will ever read.
  /// Throws  std::system_error, e.g. when too many descriptors are on their way.
  [[nodiscard]] Sent send(std::span<const std::byte> bytes, std::span<const int> descriptors);
  /// Throws  std::system_error.
  [[nodiscard]] Got receive(Packet& packet);

  /// Both ends are told that it is over, whoever else may hold them open.
  void shut_down() noexcept;

  [[nodiscard]] bool valid() const noexcept { return socket_.valid(); }
  [[nodiscard]] int number() const noexcept { return socket_.number(); }
  void reset() noexcept { socket_.reset(); }
  [[nodiscard]] Descriptor& descriptor() noexcept { return socket_; }

 private:
  Descriptor socket_{};
};

/// Whether the number is an open socket of this kind.
[[nodiscard]] bool is_control_socket(int number) noexcept;

}  // namespace sluice::detail
