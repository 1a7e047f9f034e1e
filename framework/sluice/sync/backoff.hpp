// sluice/sync/backoff.hpp: waiting for a claim that another thread holds for a moment.
//
// A claim is held for tens of nanoseconds, unless its holder was preempted. So: a few pauses, then
// the processor is given away (perhaps to the holder), and at last short sleeps, because a holder of
// lower priority never runs while we only yield.
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/sync/sync_policy.hpp>

namespace sluice::detail {

template <class Sync>
class BasicBackoff {
 public:
  void wait() noexcept {
    if (turns_ < kPauses) {
      Sync::pause();
    } else if (turns_ < kPauses + kYields) {
      Sync::yield();
    } else {
      Sync::nap();
      return;  // the count stays where it is
    }
    ++turns_;
  }

 private:
  static constexpr unsigned kPauses = 4;
  static constexpr unsigned kYields = 1000;

  unsigned turns_ = 0;
};

}  // namespace sluice::detail
