// sluice/os/standard_error.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/standard_error.hpp>

#include <sluice/os/descriptor.hpp>

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

// Of a call that has returned `put`.
std::size_t taken(ssize_t put, std::string_view text) noexcept {
  if (put >= 0) return static_cast<std::size_t>(put);
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return later ? 0 : text.size();  // an error is nobody's
}

bool takes_some() noexcept {
  pollfd watched = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  return poll(&watched, 1, 0) > 0;
}

std::size_t offer_to_reader(std::string_view text) noexcept {
  const Descriptor again(
      open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_APPEND));
  if (again.valid()) return taken(write(again.number(), text.data(), text.size()), text);
  if (errno == ENXIO) return text.size();  // its reader is gone
  if (!takes_some()) return 0;
  return taken(write(STDERR_FILENO, text.data(), text.size()), text);
}

}  // namespace

std::size_t offer_to_stderr(std::string_view text) noexcept {
  const std::string_view part = text.substr(0, kWholeBytes);
  struct stat file = {};
  if (fstat(STDERR_FILENO, &file) != 0) return text.size();
  if (S_ISSOCK(file.st_mode)) {
    return taken(send(STDERR_FILENO, part.data(), part.size(), MSG_DONTWAIT | MSG_NOSIGNAL), part);
  }
  if (S_ISFIFO(file.st_mode) || S_ISCHR(file.st_mode)) return offer_to_reader(part);
  return taken(write(STDERR_FILENO, part.data(), part.size()), part);
}

void wait_for_stderr(std::chrono::milliseconds time) noexcept {
  pollfd watched = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  static_cast<void>(poll(&watched, 1, static_cast<int>(time.count())));
}

}  // namespace sluice::detail
