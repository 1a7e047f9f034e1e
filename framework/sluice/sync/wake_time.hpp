// sluice/sync/wake_time.hpp: how long it takes from waking a sleeping thread until it runs.
//
// Between 3 us and 60 us have been seen, depending on the processor's sleep states and on the
// hypervisor, so it is measured rather than assumed. It decides how long spinning is worth while.
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::detail {

/// A running average. Threads  any: a lost update makes no difference, so no read-modify-writes.
class WakeTime {
 public:
  void note(std::int64_t ns) noexcept {
    // A thread that had to queue for a processor says nothing about waking, and spinning longer
    // would only lengthen that queue.
    if (ns < 0 || ns > kMost) return;
    const std::int64_t before = estimate_.load(std::memory_order_relaxed);
    estimate_.store(before + (ns - before) / kWeight, std::memory_order_relaxed);
  }
  [[nodiscard]] std::int64_t estimate_ns() const noexcept {
    return estimate_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t kWeight = 8;
  static constexpr std::int64_t kMost = 60'000;

  std::atomic<std::int64_t> estimate_{6'000};
};

/// Of this process.
inline constinit WakeTime process_wake_time;

}  // namespace sluice::detail
