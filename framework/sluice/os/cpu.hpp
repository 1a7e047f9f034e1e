// sluice/os/cpu.hpp: the processors this process may use, and giving one away.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::detail {

/// Returns  how many processors the process was allowed to use when it started.
/// Threads  any.
[[nodiscard]] unsigned usable_cpus() noexcept;

/// Lets another runnable thread have this processor.
void yield_cpu() noexcept;

/// Sleeps about that long. Only for a thread that has found yielding useless.
void nap(std::chrono::nanoseconds duration) noexcept;

/// Returns  nanoseconds of the steady clock.
[[nodiscard]] std::int64_t steady_now_ns() noexcept;

}  // namespace sluice::detail
