// sluice/sync/wait_point.hpp: where threads sleep until somebody has changed something for them.
//
// One 64-bit word: epoch (upper half, the futex) | wake pending (1 bit) | waiters (31 bits).
//
// The sleeper:                              The waker:
//   ticket = announce()    one more waiter    changes the state (its own seq_cst step, see below)
//   looks at the state again                  wake_one(): load; if somebody waits and no wake is
//   park(ticket)                              pending: epoch + 1 and pending, in one step; futex
//   leave()                one waiter less,
//                          pending cleared;
//                          looks again; others wait and there is work: wake_one()
//
// (1) No wake-up is lost between looking and sleeping, by sync-point announce-or-look: announce() is
//     a seq_cst read-modify-write and the sleeper's second look is a seq_cst load of the word that
//     wakers change by a seq_cst read-modify-write *before* their seq_cst load in wake_one(). All four
//     lie in one order. If the waker's change comes before the sleeper's look, the look sees it (or
//     sees that a change is in progress) and the sleeper does not sleep. Else announce < look <
//     change < load, so the waker sees a waiter.
// (2) No wake-up is lost between the ticket and the futex: wake_one() changes the epoch, and park()
//     sleeps only while the epoch is the ticket's.
// (3) At most one wake is in flight. While `pending` is set wakers pass by, and rely on the woken
//     thread: it leaves (or announces itself again by rearm()), which clears `pending` by a seq_cst
//     read-modify-write, and only then looks, which decides whether to wake the next one. A waker
//     that passed by because of `pending` loaded the word before that clearing step, so its change
//     precedes the look: sync-point pending-or-look, the same argument with clear for announce.
//     `pending` implies a waiter that has not left yet. So every thread that leaves, slept or not,
//     also by deadline, stop or exception, must look and pass the wake on.
// (4) Sleepers never clear the flag of somebody else's sleep, and wakers never clear anything.
//
// A ticket whose sleeper is suspended for exactly 2^32 wakes would be taken for fresh; accepted.
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/assert.hpp>
#include <sluice/sync/sync_policy.hpp>

#include <cstdint>

namespace sluice::detail {

template <class Sync>
class BasicWaitPoint {
 public:
  /// What a sleeper knows of the word at the time it announced itself.
  struct Ticket {
    std::uint32_t epoch = 0;
  };

  BasicWaitPoint() noexcept = default;
  BasicWaitPoint(const BasicWaitPoint&) = delete;
  BasicWaitPoint& operator=(const BasicWaitPoint&) = delete;

  // ---- the sleeper's side ------------------------------------------------------------------------

  /// One more waiter. The caller now looks at the state by seq_cst loads, then parks or leaves.
  [[nodiscard]] Ticket announce() noexcept;

  /// Blocks   until a wake after the ticket was given, or the deadline.
  /// Returns  false when the deadline passed without a wake.
  bool park(Ticket ticket, const Deadline& deadline) noexcept;

  /// Still a waiter, but as if announced anew. The caller looks again.
  [[nodiscard]] Ticket rearm() noexcept;

  /// One waiter less.
  /// Returns  whether other waiters remain: the caller then looks at the state and, when there is
  ///          something for one of them, calls wake_one().
  [[nodiscard]] bool leave() noexcept;

  // ---- the waker's side --------------------------------------------------------------------------

  /// Returns  whether somebody waits and no wake is in flight. One seq_cst load.
  [[nodiscard]] bool needs_wake() const noexcept {
    // sync-point announce-or-look, sync-point pending-or-look: the waker's load. seq_cst because it
    // must not precede the waker's change of the state.
    return wakeable(word_.load(std::memory_order_seq_cst));
  }

  /// Wakes one sleeper, unless nobody waits or a wake is in flight.
  void wake_one() noexcept {
#ifndef SLUICE_MUTANT_NO_WAKE
    if (needs_wake()) wake_one_slow();
#endif
  }

  /// Ends every sleep that has begun or was announced, even while a wake is in flight.
  void wake_all() noexcept;

  // ---- for reports and tests ---------------------------------------------------------------------

  [[nodiscard]] bool has_waiters() const noexcept { return waiters() != 0; }
  [[nodiscard]] std::uint32_t waiters() const noexcept {
    return static_cast<std::uint32_t>(word_.load(std::memory_order_seq_cst) & kWaiters);
  }

 private:
  static constexpr std::uint64_t kOneWaiter = 1;
  static constexpr std::uint64_t kPending = std::uint64_t{1} << 31;
  static constexpr std::uint64_t kWaiters = kPending - 1;
  static constexpr std::uint64_t kOneEpoch = std::uint64_t{1} << 32;
  static constexpr int kEverybody = 0x7fffffff;

  [[nodiscard]] static std::uint32_t epoch_of(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(word >> 32);
  }
  // Waiters and no pending bit: the lower half is between 1 and kWaiters. One comparison.
  [[nodiscard]] static bool wakeable(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(word) - 1U < static_cast<std::uint32_t>(kWaiters);
  }

  void wake_one_slow() noexcept;

  typename Sync::template Atomic<std::uint64_t> word_{0};
  // When the last wake was made, to learn how long wakes take. Orders nothing.
  typename Sync::template Atomic<std::int64_t> woken_at_ns_{0};
};

template <class Sync>
auto BasicWaitPoint<Sync>::announce() noexcept -> Ticket {
  // sync-point announce-or-look: the sleeper's announcement. seq_cst: see (1).
  const std::uint64_t before = word_.fetch_add(kOneWaiter, std::memory_order_seq_cst);
  SLUICE_ASSERT((before & kWaiters) != kWaiters, "more than 2^31 waiters");
  return {epoch_of(before)};
}

template <class Sync>
bool BasicWaitPoint<Sync>::park(Ticket ticket, const Deadline& deadline) noexcept {
  bool in_time = true;
  bool slept = false;
  // Signals end a futex wait early; the epoch decides, not the return value.
  // sync-point wake-all: acquires what was changed before wake_all(); see there.
  while (epoch_of(word_.load(std::memory_order_acquire)) == ticket.epoch) {
    if (!in_time) return false;
    in_time = Sync::sleep(word_, ticket.epoch, deadline);
    slept = true;
  }
  if (slept) Sync::note_wake(Sync::now_ns() - woken_at_ns_.load(std::memory_order_relaxed));
  return true;
}

template <class Sync>
auto BasicWaitPoint<Sync>::rearm() noexcept -> Ticket {
  std::uint64_t word = word_.load(std::memory_order_relaxed);
  // sync-point pending-or-look: clears before the caller looks. seq_cst: see (3).
  while (!word_.compare_exchange_weak(word, word & ~kPending, std::memory_order_seq_cst,
                                      std::memory_order_relaxed)) {
  }
  return {epoch_of(word)};
}

template <class Sync>
bool BasicWaitPoint<Sync>::leave() noexcept {
  std::uint64_t word = word_.load(std::memory_order_relaxed);
  std::uint64_t after = 0;
  // sync-point pending-or-look: clears before the caller looks. seq_cst: see (3).
  do {
    SLUICE_ASSERT((word & kWaiters) != 0, "leave() without announce()");
    after = (word - kOneWaiter) & ~kPending;
  } while (!word_.compare_exchange_weak(word, after, std::memory_order_seq_cst,
                                        std::memory_order_relaxed));
  return (after & kWaiters) != 0;
}

template <class Sync>
void BasicWaitPoint<Sync>::wake_one_slow() noexcept {
  // Reloads are seq_cst for the same reason as in needs_wake().
  std::uint64_t word = word_.load(std::memory_order_seq_cst);
  do {
    if (!wakeable(word)) return;
    woken_at_ns_.store(Sync::now_ns(), std::memory_order_relaxed);
  } while (!word_.compare_exchange_weak(word, (word + kOneEpoch) | kPending,
                                        std::memory_order_seq_cst, std::memory_order_seq_cst));
  Sync::wake(word_, 1);
}

template <class Sync>
void BasicWaitPoint<Sync>::wake_all() noexcept {
  // sync-point wake-all: a read-modify-write of the word on both sides (here and in announce() or
  // rearm()), so one of them comes first. Ours first: the sleeper's acquires our release and its
  // look sees what we changed before. The sleeper's first: its ticket is outdated by this step.
  // So wake_all() may also follow changes that are not seq_cst, such as a stop request.
  woken_at_ns_.store(Sync::now_ns(), std::memory_order_relaxed);
  const std::uint64_t before = word_.fetch_add(kOneEpoch, std::memory_order_seq_cst);
  if ((before & kWaiters) != 0) Sync::wake(word_, kEverybody);
}

extern template class BasicWaitPoint<StandardSync>;
using WaitPoint = BasicWaitPoint<StandardSync>;

}  // namespace sluice::detail
