// sluice/os/pipe.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/pipe.hpp>

#include <sluice/os/file.hpp>

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace sluice::detail {

Pipe make_pipe() {
  int numbers[2] = {-1, -1};
  if (pipe2(numbers, O_CLOEXEC) != 0) throw_os_error(errno, "make", "a pipe");
  Pipe pipe{.out = Descriptor(numbers[0]), .in = Descriptor(numbers[1])};
  if (fcntl(numbers[0], F_SETFL, O_NONBLOCK) != 0) throw_os_error(errno, "set up", "a pipe");
  return pipe;
}

}  // namespace sluice::detail
