// sluice/os/pipe.hpp: a pipe whose reading end never waits.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

namespace sluice::detail {

struct Pipe {
  Descriptor out{};  ///< to read from; without data a read gives EAGAIN
  Descriptor in{};   ///< to write to; waits while the pipe is full
};

/// Both ends are closed on exec. Throws  std::system_error.
[[nodiscard]] Pipe make_pipe();

}  // namespace sluice::detail
