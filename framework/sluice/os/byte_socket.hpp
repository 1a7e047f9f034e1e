// sluice/os/byte_socket.hpp: single bytes between two processes, without any memory.
//
// A pair of SOCK_SEQPACKET sockets as ControlSocket has, for ends that must hear whatever the state of their
// heap: neither sending nor receiving allocates or throws. What is longer is dropped, what is empty reads as the end, and descriptors
// that came with it are closed by the system.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <cstddef>
#include <utility>

namespace sluice::detail {

/// One end. Threads  any: each call is one of the system.
class ByteSocket {
 public:
  /// `not_now`: the same call may succeed later. `ended`: no call ever will.
  enum class Status : unsigned char { ok, not_now, ended };

  ByteSocket() noexcept = default;
  /// One that another process made.
  explicit ByteSocket(Descriptor socket) noexcept : socket_(std::move(socket)) {}
  /// Throws  std::system_error.
  [[nodiscard]] static std::pair<ByteSocket, ByteSocket> make_pair();

  /// Never blocks, raises no SIGPIPE.
  [[nodiscard]] Status send(std::byte byte) const noexcept;
  /// The next byte that was sent; those that were sent before a death still come. Never blocks.
  /// `to` changes only when it is `ok`.
  [[nodiscard]] Status receive(std::byte& to) const noexcept;

  [[nodiscard]] bool valid() const noexcept { return socket_.valid(); }
  [[nodiscard]] int number() const noexcept { return socket_.number(); }
  [[nodiscard]] Descriptor take_descriptor() && noexcept { return std::move(socket_); }

 private:
  Descriptor socket_{};
};

}  // namespace sluice::detail
