// sluice/os/terminal.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/terminal.hpp>

#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace sluice::detail {

bool stderr_is_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

std::size_t stderr_columns() noexcept {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

// poll() tells of a pipe's missing reader with POLLERR, of a socket's with POLLHUP.
bool stdout_is_closed() noexcept {
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

void flush_stdout_without_waiting() noexcept {
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  if (::poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0) return;
  if (::ftrylockfile(stdout) != 0) return;
  ::fflush(stdout);
  ::funlockfile(stdout);
}

}  // namespace sluice::detail
