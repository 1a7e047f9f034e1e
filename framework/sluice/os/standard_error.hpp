// sluice/os/standard_error.hpp: writing to standard error without ever waiting for who reads it.
//
// The stream is shared with other programs, so it must not be made non-blocking itself. A pipe or a terminal is
// opened a second time for each write, a socket has a flag for it, and a file has no reader to wait for. Where a
// pipe can't be opened again (it is another user's), a look comes before the write, and somebody else's
// write between both may still make it wait.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

namespace sluice::detail {

/// At most so many bytes at once are written whole or not at all.
inline constexpr std::size_t kWholeBytes = 4096;

/// Writes what standard error takes now; at most kWholeBytes bytes: whole or not at all, unless it is a terminal.
/// Returns  how many bytes need no further try: 0 when it is full, all when nobody will ever read.
/// Threads  any. Never blocks.
[[nodiscard]] std::size_t offer_to_stderr(std::string_view text) noexcept;

/// Blocks  until standard error may take something, or the time has passed.
void wait_for_stderr(std::chrono::milliseconds time) noexcept;

}  // namespace sluice::detail
