// sluice/sync/spin_habit.hpp: whether it pays to spin before a sleep, from how it went before.
//
// Spinning in vain takes a core from whoever could end the wait. After each time it was in vain the
// next waits sleep at once, one, three, seven and at most kMost of them; a spin that was worth it
// clears that. The counts are hints: threads that race here lose an update at worst.
// Layer: sync. Not API; part of BasicQueueCore.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/sync/sync_policy.hpp>

#include <cstdint>

namespace sluice::detail {

template <class Sync>
class BasicSpinHabit {
 public:
  /// Called before each wait.
  [[nodiscard]] bool try_spin() noexcept {
    const std::uint32_t left = left_.load(std::memory_order_relaxed);
    if (left == 0) return true;
    left_.store(left - 1, std::memory_order_relaxed);
    return false;
  }
  /// Called after a wait for which try_spin() said yes.
  void note(bool in_vain) noexcept {
    const std::uint32_t before = skips_.load(std::memory_order_relaxed);
    const std::uint32_t doubled = before < kMost ? 2 * before + 1 : kMost;
    const std::uint32_t skips = in_vain ? doubled : 0;
    if (skips != before) skips_.store(skips, std::memory_order_relaxed);
    if (skips != 0) left_.store(skips, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t kMost = 63;

  typename Sync::template Atomic<std::uint32_t> left_{0};
  typename Sync::template Atomic<std::uint32_t> skips_{0};
};

}  // namespace sluice::detail
