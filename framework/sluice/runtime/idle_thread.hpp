// sluice/runtime/idle_thread.hpp: how a thread of the pool that has found no work waits for some.
//
// It naps while wakes would bring it next to nothing (nap_habit.hpp). Another thread of the pool that begins a
// step meanwhile looks for work itself after each, so what a nap finds is no measure then; but without end nobody
// naps in vain. One that is in the same step all the while does not, and what waits then is measured.
// Owned by one thread. Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/runtime/nap_habit.hpp>
#include <sluice/runtime/pool_carrier.hpp>

namespace sluice::detail {

class IdleThread {
 public:
  using Nanoseconds = NapHabit::Nanoseconds;

  /// It has had no work since then. Blocks  for a nap, or not at all.
  /// Returns  whether to look again; else it is to sleep until it is woken.
  [[nodiscard]] bool naps(const PoolGroups& groups, Nanoseconds idle_since) noexcept;
  void begin_sleep(Nanoseconds now) noexcept { asleep_since_ = now; }
  void end_sleep(Nanoseconds now) noexcept {
    awake_since_ = now;
    slept_ = true;
  }

 private:
  NapHabit habit_{};
  Nanoseconds asleep_since_ = 0;
  Nanoseconds awake_since_ = 0;
  bool slept_ = false;  // rather than napped, when it last waited
  int in_vain_ = 0;     // naps in a row
};

}  // namespace sluice::detail
