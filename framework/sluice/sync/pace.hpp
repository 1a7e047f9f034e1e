// sluice/sync/pace.hpp: keeps the faster end of a queue from chasing the slower one.
//
// When one end has caught up with the other, each of its looks at the other's index takes that cache
// line away from the core that is about to write it, both then move at the speed of cache misses, and
// they stay that way: the end that looks is the one with time to spare. So when two looks in quick
// succession found only a few items, the next one waits until more can be there. A look that finds
// nothing is never followed by a wait, so a single item in flight is not delayed.
//
// Guarded by the claim of its side, except wait(), which any thread may call before claiming.
// Layer: sync. Not API; part of BasicRingIndex.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/sync/sync_policy.hpp>

#include <cstdint>

namespace sluice::detail {

/// Its address tells threads apart.
inline constinit thread_local char thread_mark = 0;

template <class Sync>
class BasicPace {
 public:
  /// Blocks   until the other side may be looked at again; at most kWaitNs.
  void wait() noexcept {
    const std::int64_t next = next_look_ns_.load(std::memory_order_relaxed);
    if (next == 0) return;
    while (Sync::now_ns() < next) Sync::pause();
  }

  /// A look found `found` more items or slots than were known.
  void note(std::uint64_t found) noexcept {
    std::int64_t next = 0;
    if (found < kFew) {
      const std::int64_t now = Sync::now_ns();
      if (now - last_few_ns_ < kQuickNs) next = now + kWaitNs;
      last_few_ns_ = now;
    }
    next_look_ns_.store(next, std::memory_order_relaxed);
  }

  /// The thread that last used this side. A thread that finds its own mark on the other side is
  /// alone, or takes turns; it has nobody to wait for.
  void mark() noexcept { last_user_.store(&thread_mark, std::memory_order_relaxed); }
  [[nodiscard]] bool marked_by_me() const noexcept {
    return last_user_.load(std::memory_order_relaxed) == &thread_mark;
  }

 private:
  static constexpr std::uint64_t kFew = 16;
  static constexpr std::int64_t kQuickNs = 400;
  static constexpr std::int64_t kWaitNs = 600;

  template <class V>
  using Atomic = typename Sync::template Atomic<V>;

  Atomic<const char*> last_user_{nullptr};  // first: shares a line with the index, written as often
  Atomic<std::int64_t> next_look_ns_{0};
  typename Sync::template Plain<std::int64_t> last_few_ns_{0};
};

}  // namespace sluice::detail
