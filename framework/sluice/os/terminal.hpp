// sluice/os/terminal.hpp: what is at the other end of standard output and standard error.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace sluice::detail {

/// Whether standard error is a terminal.
[[nodiscard]] bool stderr_is_terminal() noexcept;

/// Columns of the terminal at standard error; 80 when it does not tell.
[[nodiscard]] std::size_t stderr_columns() noexcept;

/// Whether nobody reads standard output any more: it is a pipe or socket without a reader.
[[nodiscard]] bool stdout_is_closed() noexcept;

/// Writes out what stdio holds for standard output, if that can't block: not while another thread
/// is inside a call on it, not while its reader is behind.
void flush_stdout_without_waiting() noexcept;

}  // namespace sluice::detail
