// bench/support/crew.hpp: threads that start together, and where they may run.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string_view>
#include <vector>

namespace sluice::bench {

/// Where threads may run. `free` is what a user gets: the kernel may put both busy threads of a
/// queue on one CPU for seconds. `pinned` puts the i-th thread on the i-th CPU, going round. `together`
/// puts all on one, for ends that take turns: nobody has to wake another CPU, so what they do shows.
enum class Placement { free, pinned, together };

[[nodiscard]] std::string_view name_of(Placement placement) noexcept;

/// Pins the calling thread to the CPU whose number is `index` modulo the number of CPUs that the
/// process was allowed at its start, or, `together`, to the first; does nothing when `placement` is free.
void place_this_thread(Placement placement, std::size_t index);

/// Allows the calling thread all CPUs again.
void unpin_this_thread();

/// Runs every job on a thread of its own; all jobs begin together, after all threads exist.
///
/// Blocks   until every job returned.
/// Throws   what a job threw; the first one when several did.
void run_together(Placement placement, const std::vector<std::function<void()>>& jobs);

/// How much two CPUs do at once compared with one, for independent arithmetic that fills one core:
/// 2 on two whole cores, about 1.3 when both are hyperthreads of one core. On a virtual machine it
/// changes with the minute. Takes about 60 ms.
[[nodiscard]] double two_cpu_factor();

}  // namespace sluice::bench
