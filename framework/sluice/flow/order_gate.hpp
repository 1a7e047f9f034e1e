// sluice/flow/order_gate.hpp: what the workers of an ordered stage share, without its types.
//
// An item's number is its ordinal on the input edge, so numbers have no gaps. The worker that holds the
// turn (sync/turn.hpp) delivers; what others have finished waits in the window, in slots.
//
// Lost wake-ups: who waits for the window, for his item's turn or for the end counts himself in waiters_ and
// looks again; who moves the turn on, or gives room back, then looks at waiters_. All four are seq_cst:
// sync-point window-or-waiter.
// Between that look and its sleep a waiter announces itself on the run's gong or the pool's bell and
// looks once more, as any sleeper does.
//
// The window bounds outputs, too: who holds another number than the next one does not begin while as many
// outputs as the window has slots wait for their turn. So at most that many wait, and one item's outputs per
// worker. Who holds the next number always may begin, so that wait ends. In a run with a memory budget
// another number than the next one does not begin either while the budget is used up.
//
// "Enough" is said about an item, and items before it may still be at work: it takes effect when that item
// is delivered. What comes after it is not processed, or its outputs are refused.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/memory_budget.hpp>
#include <sluice/flow/run_control.hpp>
#include <sluice/queue.hpp>
#include <sluice/sync/turn.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace sluice::detail {

class OrderGate {
 public:
  /// What a worker waits for that has nothing to do with an edge.
  enum class Wait : unsigned char {
    none,
    room,  ///< in the window
    turn,  ///< that its item may begin
    end,   ///< its turn to finish: everything before is delivered
  };

  /// `memory` is the part of the edges behind in the run's budget; null when there is none.
  OrderGate(std::size_t window, std::size_t workers, RunControl& control, QueueCore& input,
            MemoryShare* memory)
      : turn(window),
        control_(&control),
        input_(&input),
        memory_(memory),
        held_of_(window),
        charge_of_(memory != nullptr ? window : 0),
        live_(workers) {}
  OrderGate(const OrderGate&) = delete;
  OrderGate& operator=(const OrderGate&) = delete;

  Turn turn;

  /// Of the owner: next() is delivered. Returns whether the number after it is finished.
  bool advance() noexcept {
    const std::size_t held = std::exchange(held_of(turn.next()), 0);
    if (held != 0) held_.fetch_sub(held, std::memory_order_seq_cst);
    const bool more = turn.advance();
    ring();
    return more;
  }
  /// Fewer were taken than admitted.
  void give_back(std::size_t unused) noexcept {
    if (unused == 0) return;
    turn.give_back(unused);
    ring();
  }

  // ---- outputs that wait ---------------------------------------------------------------------------

  /// Before a number is finished by who does not have the turn: so many outputs lie in its slot.
  void hold(std::uint64_t number, std::size_t outputs) noexcept {
    if (outputs == 0) return;
    held_of(number) = outputs;
    held_.fetch_add(outputs, std::memory_order_relaxed);
  }
  /// Threads  any.
  [[nodiscard]] bool may_begin(std::uint64_t number) const noexcept {
    const bool room = held_.load(std::memory_order_seq_cst) < turn.window() &&
                      (memory_ == nullptr || memory_->has_room());
    return room || turn.next() == number;
  }

  // ---- what items are charged with, from when they are finished until they are delivered -------------

  /// Of who holds the number, before it is finished.
  void keep_charge(std::uint64_t number, std::size_t bytes) noexcept {
    if (memory_ != nullptr) charge_of_[number % charge_of_.size()] = bytes;
  }
  /// Of who has the turn, or is alone.
  [[nodiscard]] std::size_t take_charge(std::uint64_t number) noexcept {
    return memory_ == nullptr ? 0 : std::exchange(charge_of_[number % charge_of_.size()], 0);
  }

  // ---- enough --------------------------------------------------------------------------------------

  /// Of who holds the number, before it is finished.
  void end_after(std::uint64_t number) noexcept {
    std::uint64_t last = last_wanted_.load(std::memory_order_relaxed);
    while (number < last &&
           !last_wanted_.compare_exchange_weak(last, number, std::memory_order_relaxed,
                                               std::memory_order_relaxed)) {
    }
  }
  /// The last number that is wanted. Final for who has the turn of a later one, since it was said before its
  /// own number was finished; else a later look may find a lower one.
  [[nodiscard]] std::uint64_t last_wanted() const noexcept {
    return last_wanted_.load(std::memory_order_relaxed);
  }

  // ---- waiting -------------------------------------------------------------------------------------

  void begin_wait() noexcept {
    // sync-point window-or-waiter: counts itself, then looks.
    waiters_.fetch_add(1, std::memory_order_seq_cst);
    if (memory_ != nullptr) memory_->begin_wait();
  }
  void end_wait() noexcept {
    if (memory_ != nullptr) memory_->end_wait();
    waiters_.fetch_sub(1, std::memory_order_relaxed);
  }
  /// Threads  any.
  [[nodiscard]] bool may_go_on(Wait wait, std::size_t worker, std::uint64_t number) const noexcept {
    if (control_->cancelled()) return true;
    if (wait == Wait::turn) return may_begin(number);
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
  [[nodiscard]] std::size_t& held_of(std::uint64_t number) noexcept {
    return held_of_[number % held_of_.size()];
  }
  void ring() noexcept {
    // sync-point window-or-waiter: the look of who made room, or moved the turn.
    if (waiters_.load(std::memory_order_seq_cst) != 0) control_->ring_room();
  }

  RunControl* control_;
  QueueCore* input_;
  MemoryShare* memory_;
  // Of who holds the number, then of who delivers it, as the slots are.
  std::vector<std::size_t> held_of_;
  std::vector<std::size_t> charge_of_;  // the same
  std::atomic<std::size_t> held_{0};
  std::atomic<std::uint64_t> last_wanted_{std::numeric_limits<std::uint64_t>::max()};
  std::atomic<std::size_t> waiters_{0};
  std::atomic<std::size_t> finished_{0};  // workers, in the order of their indices
  std::atomic<std::size_t> live_;
};

}  // namespace sluice::detail
