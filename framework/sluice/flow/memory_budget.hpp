// sluice/flow/memory_budget.hpp: one budget of bytes for all items of a run, and each edge's share of it.
//
// Every byte has one owner, who charged it or took it over, and gives it back:
//   an output        its port, from the moment at which its callback has returned (commit) until an edge accepts it
//                    or refuses it; also in the slot of an order window
//   a queued item    the edge. An accepted output's charge becomes the item's; a copy is charged anew
//   a taken item     the worker, until the item is settled: in its batch, in progress, waiting for a retry, or
//                    finished and waiting for its turn (then the window's, and of who delivers it)
//   a dropped item   cancel, which gives it back
// So `charged` is what all committed items hold, and 0 when a run has ended: the ledger looks (runtime/ledger.cpp).
//
// (1) A charge is never refused, because what is charged exists already. Asked is before an output goes on: it is
//     accepted while no more is charged than the edge's limit, or while its lane is empty. So the budget is
//     exceeded by no more than one item's outputs per worker and an item per producer and lane.
// (2) It can't block for ever. Who waits for memory waits for a lane that is not empty; that lane's consumer can
//     go on, or waits itself for a lane further down; the last one has no outputs, or a feedback takes always.
//     Taking makes the lane empty at last, and settling gives memory back.
// (3) Edges further up have lower limits, so they don't use up what the last stages need to go on.
// (4) No wake-up is lost, by sync-point memory-or-waiter: who waits counts itself in its share's waiters, then
//     announces itself on the run's gong or the pool's bell, and looks at `charged` and at the lane's head; who
//     gives memory back (or takes from a lane) changes `charged` (the head) first and looks at the waiters then.
//     All of these are seq_cst, so one of both sees the other's.
// (5) Who waits goes on when an eighth of the limit is free (or its lane is empty), not with the first byte, so
//     that it is not woken for every item. Nobody depends on it, by (2).
// (6) What items give back the allocator may keep: each thread's free blocks are its own. So now and then, by the
//     bytes given back, the budget looks at the process, and has free pages returned when more is resident than
//     was at the beginning, the budget, and some.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/cache_line.hpp>
#include <sluice/flow/run_control.hpp>
#include <sluice/sync/queue_core.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::detail {

class MemoryBudget;

/// What one edge may use of the budget, and who waits for it there. Any thread.
class MemoryShare {
 public:
  MemoryShare(MemoryBudget& budget, std::size_t limit) noexcept
      : budget_(&budget),
        limit_(static_cast<std::int64_t>(limit)),
        resume_(static_cast<std::int64_t>(limit - limit / 8)) {}

  [[nodiscard]] MemoryBudget& budget() const noexcept { return *budget_; }
  [[nodiscard]] std::size_t limit() const noexcept { return static_cast<std::size_t>(limit_); }

  /// May something be put that is charged already (or will be, with `more` bytes)? An empty lane takes any.
  [[nodiscard]] bool admits(const QueueCore& lane, std::size_t more = 0) const noexcept;
  /// Without a lane: may more outputs be made?
  [[nodiscard]] bool has_room() const noexcept;
  /// For who waits: is it worth trying again? seq_cst looks; true in doubt.
  [[nodiscard]] bool may_resume(const QueueCore& lane, std::size_t more = 0) const noexcept;
  [[nodiscard]] bool may_resume() const noexcept;

  /// Before the looks that precede a sleep, and after it.
  void begin_wait() noexcept;
  void end_wait() noexcept;
  /// Blocks   the calling thread until may_resume(), or the deadline. For application code.
  /// Returns  false when the deadline passed.
  [[nodiscard]] bool wait(const QueueCore& lane, std::size_t more,
                          const Deadline& deadline) noexcept;

  /// Something was taken from the lane: who waits for it to be empty may go on.
  void lane_taken(const QueueCore& lane) noexcept {
    // sync-point memory-or-waiter: the look after the take.
    if (waiters_.load(std::memory_order_seq_cst) != 0 && lane.empty()) ring();
  }
  /// A lane was closed, or its contents dropped.
  void lane_ended() noexcept {
    if (waiters_.load(std::memory_order_seq_cst) != 0) ring();
  }
  [[nodiscard]] bool wants_ring(std::int64_t charged) const noexcept {
    return charged <= resume_ && waiters_.load(std::memory_order_seq_cst) != 0;
  }

 private:
  void ring() noexcept;

  MemoryBudget* budget_;
  std::int64_t limit_;
  std::int64_t resume_;
  std::atomic<std::size_t> waiters_{0};
};

class MemoryBudget {
 public:
  MemoryBudget(std::size_t bytes, RunControl& control) noexcept;
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  /// While the run is wired: the share of an edge; `depth` of the deepest edge is `deepest`.
  [[nodiscard]] MemoryShare& add_share(std::size_t depth, std::size_t deepest);

  // ---- any thread ----------------------------------------------------------------------------------

  void charge(std::size_t bytes) noexcept {
    const std::int64_t before =
        charged_.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_seq_cst);
    const std::int64_t now = before + static_cast<std::int64_t>(bytes);
    if (now > peak_.load(std::memory_order_relaxed)) raise_peak(now);
  }
  void release(std::size_t bytes) noexcept;

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// seq_cst: the waiters' look. Negative only for a moment, never when the run has ended.
  [[nodiscard]] std::int64_t charged() const noexcept {
    return charged_.load(std::memory_order_seq_cst);
  }
  [[nodiscard]] std::int64_t peak() const noexcept { return peak_.load(std::memory_order_relaxed); }

 private:
  friend class MemoryShare;
  void raise_peak(std::int64_t now) noexcept;
  void look_at_heap(std::uint64_t freed) noexcept;

  RunControl* control_;
  std::size_t bytes_;
  std::vector<std::unique_ptr<MemoryShare>> shares_{};
  alignas(kCacheLine) std::atomic<std::int64_t> charged_{0};
  std::atomic<std::int64_t> peak_{0};
  std::atomic<std::size_t> waiters_{0};  // of all shares

  // (6), all relaxed: nothing but the time of a look depends on them.
  std::size_t most_resident_;
  std::atomic<std::uint64_t> freed_{0};   // bytes that were ever given back
  std::atomic<std::uint64_t> next_look_;  // when so many were
  std::atomic<std::uint64_t> stride_;     // from one look to the next
  std::atomic<bool> looking_{false};
};

}  // namespace sluice::detail
