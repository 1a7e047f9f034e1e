// sluice/flow/order_gate.hpp: what the workers of an ordered stage share, without its types.
//
// An item's number is its ordinal on the input edge, so numbers have no gaps. The worker that holds the
// turn (sync/turn.hpp) delivers; what others have finished waits in the window, in slots.
//
// Lost wake-ups: who waits for the window or for the end counts himself in waiters_ and looks again; the
// owner moves the turn on and then looks at waiters_. All four are seq_cst: sync-point window-or-waiter.
// Between that look and its sleep a waiter announces itself on the run's gong or the pool's bell and
// looks once more, as any sleeper does.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/run_control.hpp>
#include <sluice/queue.hpp>
#include <sluice/sync/turn.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice::detail {

class OrderGate {
 public:
  /// What a worker waits for that has nothing to do with an edge.
  enum class Wait : unsigned char {
    none,
    room,  ///< in the window
    end,   ///< its turn to finish: everything before is delivered
  };

  OrderGate(std::size_t window, std::size_t workers, RunControl& control, QueueCore& input)
      : turn(window), control_(&control), input_(&input), live_(workers) {}
  OrderGate(const OrderGate&) = delete;
  OrderGate& operator=(const OrderGate&) = delete;

  Turn turn;

  /// Of the owner: next() is delivered. Returns whether the number after it is finished.
  bool advance() noexcept {
    const bool more = turn.advance();
    ring();
    return more;
  }

  void begin_wait() noexcept {
    // sync-point window-or-waiter: counts itself, then looks.
    waiters_.fetch_add(1, std::memory_order_seq_cst);
  }
  void end_wait() noexcept { waiters_.fetch_sub(1, std::memory_order_relaxed); }
  /// Threads  any.
  [[nodiscard]] bool may_go_on(Wait wait, std::size_t worker) const noexcept {
    if (control_->cancelled()) return true;
    return wait == Wait::end ? end_reached(worker) : turn.may_admit();
  }

  /// The input has ended: all that was taken is delivered, and the workers before this one have finished.
  [[nodiscard]] bool end_reached(std::size_t worker) const noexcept {
    return finished_.load(std::memory_order_seq_cst) == worker &&
           turn.next() == input_->got_count();
  }
  /// A worker has emitted its last. Returns whether it was the last one.
  [[nodiscard]] bool worker_ended() noexcept {
    // sync-point gate-left (both sides): the last one sees what the others have left.
    const bool last = live_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    finished_.fetch_add(1, std::memory_order_seq_cst);
    ring();
    return last;
  }

 private:
  void ring() noexcept {
    // sync-point window-or-waiter: the owner's look.
    if (waiters_.load(std::memory_order_seq_cst) != 0) control_->ring_room();
  }

  RunControl* control_;
  QueueCore* input_;
  std::atomic<std::size_t> waiters_{0};
  std::atomic<std::size_t> finished_{0};  // workers, in the order of their indices
  std::atomic<std::size_t> live_;
};

}  // namespace sluice::detail
