// sluice/os/byte_socket.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/byte_socket.hpp>

#include <sluice/os/control_socket.hpp>

#include <cerrno>

#include <sys/socket.h>

namespace sluice::detail {
namespace {

// Of a call that has failed. The system may be out of memory even if we need none.
ByteSocket::Status status_after(int error) noexcept {
  const bool later = error == EAGAIN || error == EWOULDBLOCK || error == ENOMEM || error == ENOBUFS;
  return later ? ByteSocket::Status::not_now : ByteSocket::Status::ended;
}

}  // namespace

std::pair<ByteSocket, ByteSocket> ByteSocket::make_pair() {
  auto ends = ControlSocket::make_pair();
  return {ByteSocket(std::move(ends.first.descriptor())),
          ByteSocket(std::move(ends.second.descriptor()))};
}

ByteSocket::Status ByteSocket::send(std::byte byte) const noexcept {
  for (;;) {
    if (::send(number(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return Status::ok;
    if (errno != EINTR) return status_after(errno);
  }
}

ByteSocket::Status ByteSocket::receive(std::byte& to) const noexcept {
  for (;;) {
    std::byte bytes[2];  // a longer message shows
    const ssize_t got = recv(number(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (got == 0) return Status::ended;
    if (got == 1) {
      to = bytes[0];
      return Status::ok;
    }
    // A reset is told once, before what was sent earlier: so ask again.
    if (got < 0 && errno != EINTR && errno != ECONNRESET) return status_after(errno);
  }
}

}  // namespace sluice::detail
