// sluice/sync/task_account.hpp: the settled side of the account behind task_done() and join().
//
// The other side are the ring's indices, so that counting costs a put and a get nothing:
//   unfinished = tail - settled, settled = done + dropped, in flight = got - done.
//
// (1) done <= got always: a settler raises the count by compare-and-swap, after checking it.
// (2) unfinished is zero only when it really was at one moment: settled is read before the tail, and
//     settled never passes the tail, so equality means that neither moved in between.
// (3) No joiner sleeps for ever. sync-point settle-or-join: settling is a seq_cst read-modify-write
//     of done (or dropped) followed by a seq_cst look at the joiners' wait point; a joiner announces
//     itself by a seq_cst read-modify-write and then looks at done and dropped by seq_cst loads. The
//     one that comes second sees the other (wait_point.hpp, announce-or-look).
// Layer: sync. Not API; reached through Queue<T>.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/sync/wait_point.hpp>

#include <cstdint>

namespace sluice::detail {

template <class Sync>
class BasicTaskAccount {
 public:
  /// Raises the count by n, or does nothing.
  /// `got` is called for a fresh count of items taken, when the remembered one is too small.
  /// Returns  false when more would be done than were taken.
  template <class Got>
  [[nodiscard]] bool settle(std::uint64_t n, [[maybe_unused]] const Got& got) noexcept {
    // sync-point settle-or-join: who sees others' items done must also see that they were taken.
    std::uint64_t done = done_.load(std::memory_order_acquire);
    do {
#ifndef SLUICE_MUTANT_DOUBLE_SETTLE
      if (!within(done, n, allowed_.load(std::memory_order_relaxed)) && !allow(done, n, got())) {
        return false;
      }
#endif
      // sync-point settle-or-join: releases the settler's work to whoever joins. seq_cst: see (3).
    } while (!done_.compare_exchange_weak(done, done + n, std::memory_order_seq_cst,
                                          std::memory_order_acquire));
    return true;
  }

  /// settle() for somebody who has taken the n items and settles them once: nothing is checked.
  void settle_taken(std::uint64_t n) noexcept {
    done_.fetch_add(n, std::memory_order_seq_cst);  // sync-point settle-or-join, as in settle()
  }

  /// Settles what cancel, or a put that makes room, dropped.
  void drop(std::uint64_t n) noexcept {
    dropped_.fetch_add(n, std::memory_order_seq_cst);  // sync-point settle-or-join
  }

  /// To be read before the tail: see (2).
  [[nodiscard]] std::uint64_t settled() const noexcept {
    // sync-point settle-or-join: acquires what was done before. seq_cst: see (3).
    return done_.load(std::memory_order_seq_cst) + dropped_.load(std::memory_order_seq_cst);
  }

  [[nodiscard]] std::uint64_t done() const noexcept {
    return done_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_.load(std::memory_order_acquire);
  }

  [[nodiscard]] BasicWaitPoint<Sync>& joiners() noexcept { return joiners_; }
  [[nodiscard]] const BasicWaitPoint<Sync>& joiners() const noexcept { return joiners_; }

 private:
  [[nodiscard]] static bool within(std::uint64_t done, std::uint64_t n,
                                   std::uint64_t got) noexcept {
    return done <= got && n <= got - done;
  }
  // `got` only grows, so remembering an old one errs towards asking again.
  [[nodiscard]] bool allow(std::uint64_t done, std::uint64_t n, std::uint64_t got) noexcept {
    allowed_.store(got, std::memory_order_relaxed);
    return within(done, n, got);
  }

  template <class V>
  using Atomic = typename Sync::template Atomic<V>;

  Atomic<std::uint64_t> done_{0};
  Atomic<std::uint64_t> allowed_{0};  // items taken, as last seen by a settler
  Atomic<std::uint64_t> dropped_{0};
  BasicWaitPoint<Sync> joiners_;
};

}  // namespace sluice::detail
