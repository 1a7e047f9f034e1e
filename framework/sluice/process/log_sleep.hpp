// sluice/process/log_sleep.hpp: who of the two sleeps, and who has to wake whom.
//
// Each side has a word `sleeping` in its own page: an epoch, and below it what it waits for.
//
// The sleeper:                                  The waker:
//   announce(reason): a new epoch (seq_cst)       changes a word (seq_cst store)
//   looks at that word again (seq_cst)            must_ring(): loads `sleeping` (seq_cst); if it waits
//   waits at its bell, or not                     for such a change and was not rung for in
//   awake()                                       this epoch: rings the bell
//
// (1) No wake-up is lost: sync-point log-announce-or-look. All four steps are seq_cst. Either the
//     change precedes the sleeper's look in their one order, and the look sees it; or it follows, so
//     the announcement precedes the waker's load, which sees the epoch (or a newer one).
// (2) A bell remembers: rung before the sleeper waits at it, the wait ends at once. A ring that comes
//     late wakes the next sleep for no reason; then the sleeper announces a new epoch and looks.
// (3) One ring per epoch. The waker remembers the last epoch it rang for, and a sleeper that was
//     woken does not wait again in the same one.
// (4) A bell has one sleeper, so a wake-up can't be spent on somebody else. If a waker dies between
//     its change and its ring, the sleeper is told of the death (pidfd, hang-up of the socket).
//
//   word            writer   what wakes the sleeper              who rings which bell
//   worker.sleeping worker   kForLease: down.commit, stop        parent, the worker's
//                            kForRoom:  up.freed                 parent, the worker's
//   parent.sleeping router   kForRecords: up.commit              worker, the run's
//
// (5) A router with much under way may sleep until there is *enough*: `parent.enough` is a length of the up
//     log, written before the announcement; 0: any record will do. The worker rings when its log is as long,
//     and else before it sleeps itself, whatever for. That no such sleep is for ever is sync-point
//     log-both-sleep: each side announces its sleep, then looks at the other's announcement, all seq_cst.
//     Either the worker's look comes later, and it rings. Or the router sees the worker's announcement, which
//     it has not rung for, and so what that one committed before: if some of it is unread it reads on. If
//     nothing is, what it lent last was published before that announcement: the worker's own second look
//     finds it, so that one does not sleep now, and rings when it does.
//
// A router that found no room for a lease needs no ring of its own: room comes with a commit.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/prefetch.hpp>
#include <sluice/process/log.hpp>

#include <atomic>
#include <cstdint>

namespace sluice::detail {

inline constexpr std::uint64_t kForLease = 1;
inline constexpr std::uint64_t kForRoom = 2;
inline constexpr std::uint64_t kForRecords = 1;

/// The sleeper's side of its word.
template <class Sync>
class SleepMark {
 public:
  explicit SleepMark(LogWord<Sync>& word) noexcept : word_(word) {}

  /// The sleeper now looks again by seq_cst loads, then waits at its bell or says awake().
  void announce(std::uint64_t reason) noexcept {
    value_ = (value_ & ~kReasons) + kOneEpoch + reason;
    // sync-point log-announce-or-look: the sleeper's announcement.
    word_.exchange(value_, std::memory_order_seq_cst);
  }
  void awake() noexcept {
    value_ &= ~kReasons;
    // Orders nothing: who sees it late rings once too often.
    word_.store(value_, std::memory_order_relaxed);
  }

  [[nodiscard]] static bool waits_for(std::uint64_t word, std::uint64_t reason) noexcept {
    return (word & kReasons) == reason;
  }
  [[nodiscard]] static bool waits(std::uint64_t word) noexcept { return (word & kReasons) != 0; }

 private:
  static constexpr std::uint64_t kReasons = 3;
  static constexpr std::uint64_t kOneEpoch = 4;

  LogWord<Sync>& word_;
  std::uint64_t value_ = 0;
};

/// The waker's side of the other's word.
template <class Sync>
class SleepWatch {
 public:
  explicit SleepWatch(const LogWord<Sync>& word) noexcept : word_(word) {}

  /// A hint: must_ring() comes soon.
  void soon_asked() const noexcept { expect_read(&word_); }

  /// After a seq_cst change. Returns  whether the other sleeps for that reason and was not rung for
  ///          since: the first change that it has to be told of. Then ring, and rang().
  [[nodiscard]] bool must_ring(std::uint64_t reason) noexcept {
    // sync-point log-announce-or-look: the waker's look.
    seen_ = word_.load(std::memory_order_seq_cst);
    return SleepMark<Sync>::waits_for(seen_, reason) && seen_ != rung_;
  }
  void rang() noexcept { rung_ = seen_; }
  /// Whether the other sleeps, or is about to, and was not rung for since.
  [[nodiscard]] bool sleeps_unrung() const noexcept {
    // sync-point log-both-sleep: the router's look.
    const std::uint64_t seen = word_.load(std::memory_order_seq_cst);
    return SleepMark<Sync>::waits(seen) && seen != rung_;
  }

 private:
  const LogWord<Sync>& word_;
  std::uint64_t seen_ = 0;
  std::uint64_t rung_ = 0;
};

}  // namespace sluice::detail
