// sluice/sync/habit.hpp: whether something pays, from how it went before.
//
// For what may help a wait and costs when it does not: spinning in vain takes a core from whoever could
// end the wait. After each time it was in vain the next ones are left out, one, three, seven and at most
// kMost of them; a time when it paid clears that. The counts are hints: threads that race here lose an
// update at worst.
// Layer: sync. Not API; part of BasicQueueCore.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/sync/sync_policy.hpp>

#include <cstdint>

namespace sluice::detail {

template <class Sync>
class BasicHabit {
 public:
  /// Called each time. Returns whether to do it.
  [[nodiscard]] bool try_again() noexcept {
    const std::uint32_t left = left_.load(std::memory_order_relaxed);
    if (left == 0) return true;
    left_.store(left - 1, std::memory_order_relaxed);
    return false;
  }
  /// Called each time it was done.
  void note(bool in_vain) noexcept {
    const std::uint32_t before = skips_.load(std::memory_order_relaxed);
    const std::uint32_t more = before < kMost ? 2 * before + 1 : kMost;
    const std::uint32_t skips = in_vain ? more : 0;
    if (skips != before) skips_.store(skips, std::memory_order_relaxed);
    if (skips != 0) left_.store(skips, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t kMost = 63;

  typename Sync::template Atomic<std::uint32_t> left_{0};
  typename Sync::template Atomic<std::uint32_t> skips_{0};
};

}  // namespace sluice::detail
