// sluice/os/this_process.hpp: what this process has used, and names for its threads.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::detail {

/// CPU seconds of all threads of the process so far.
[[nodiscard]] double process_cpu_seconds() noexcept;

/// The number by which the system knows this process.
[[nodiscard]] int process_id() noexcept;

/// How many descriptors it may have open at a time.
[[nodiscard]] std::size_t descriptor_limit() noexcept;

/// SIGKILL for this process: it is gone when this returns, if it does.
void kill_this_process() noexcept;

/// SIGSTOP for this process. Returns  when it was continued.
void stop_this_process() noexcept;
/// Blocks until a signal was handled.
void sleep_until_signal() noexcept;

/// Names the calling thread; the system shows the first 15 bytes.
void name_this_thread(std::string_view name) noexcept;

}  // namespace sluice::detail
