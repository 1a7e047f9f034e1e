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

/// The calling thread, as the system knows it.
[[nodiscard]] int this_thread_id() noexcept;
/// Returns  nanoseconds for which that thread of this process could have run and had no processor;
///          0 when the system does not tell.
/// Threads  any.
[[nodiscard]] std::int64_t run_delay_ns(int thread_id) noexcept;

/// Returns  nanoseconds of the steady clock.
[[nodiscard]] std::int64_t steady_now_ns() noexcept;

}  // namespace sluice::detail
