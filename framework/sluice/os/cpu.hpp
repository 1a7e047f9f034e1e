// sluice/os/cpu.hpp: the processors this process may use, and giving one away.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>

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
/// What a thread has got of the processors, in nanoseconds.
struct ThreadTimes {
  std::int64_t ran = 0;
  std::int64_t delayed = 0;  ///< could have run and had no processor
};
/// Returns  the times of that thread of this process; zeros when the system does not tell.
/// Threads  any.
[[nodiscard]] ThreadTimes thread_times(int thread_id) noexcept;

/// Returns  nanoseconds of the steady clock.
[[nodiscard]] std::int64_t steady_now_ns() noexcept;

}  // namespace sluice::detail
