// bench/support/sample.hpp: what one run cost and how much the machine disturbed it.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>

namespace sluice::bench {

/// Quantiles of the time that single items took in one run; zeros where it was not measured.
struct Latency {
  double p50_ns = 0;
  double p99_ns = 0;
  double p999_ns = 0;
};

/// One run of a contestant. Shares are fractions of the run's wall time.
struct Sample {
  double wall_s = 0;
  double cpu_s = 0;                        // user and system, children that ended included
  std::uint64_t voluntary_switches = 0;    // a thread went to sleep
  std::uint64_t involuntary_switches = 0;  // a thread was put aside
  double steal = 0;                        // per CPU: the host ran something else
  double foreign = 0;                      // per CPU: other processes of this machine ran
  double cpu_wait = 0;  // at least one runnable thread of the machine waited for a CPU; -1: unknown
  std::uint64_t items = 0;
  Latency latency;

  [[nodiscard]] double rate() const noexcept { return static_cast<double>(items) / wall_s; }
  [[nodiscard]] double cores() const noexcept { return cpu_s / wall_s; }
  [[nodiscard]] double cpu_ns_per_item() const noexcept {
    return cpu_s * 1e9 / static_cast<double>(items);
  }
  [[nodiscard]] double switches_per_item() const noexcept {
    return static_cast<double>(voluntary_switches + involuntary_switches) /
           static_cast<double>(items);
  }
};

/// Runs `body` and reads the clocks of this process and of the machine before and after.
///
/// Units    `items` is what rates and costs per item refer to. Steal and foreign time come from
///          /proc/stat, which counts ticks of 10 ms: in a run of 0.3 s on two CPUs one tick is 1.7
///          %.
[[nodiscard]] Sample measure(std::uint64_t items, const std::function<Latency()>& body);

}  // namespace sluice::bench
