// sluice/flow/stage_loop.hpp: the step of a worker with input, without its types: take, process, settle.
//
// (1) Flush, then done: an item is settled on the input edge only after all its outputs were accepted
//     downstream (or it had none).
// (2) got = completed + skipped + dead + failed + cancelled, per worker.
// (2a) Where several workers keep an order, an item that was processed is finished: it waits for its turn
//     (order_gate.hpp). It is settled by who delivers its outputs, so (1) holds as well.
// (2b) A paced body (a throttle) is given an item only when it may pass it on at once: what has to wait for
//     its time stays in the queue, where backpressure sees it.
// (2c) In a run with a memory budget an item keeps its charge until it is settled; then items are settled one by
//     one, and what a callback has only read is destroyed before that.
// (3) Outputs of an item are published before the next item's callback begins, so no output is held
//     back by user code.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>
#include <sluice/flow/order_gate.hpp>
#include <sluice/flow/step_loop.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::detail {

/// An item that waits for its next attempt.
struct DelayedItem {
  DelayedItem() = default;
  DelayedItem(const DelayedItem&) = delete;
  DelayedItem& operator=(const DelayedItem&) = delete;
  virtual ~DelayedItem() = default;

  std::chrono::steady_clock::time_point due{};
  std::uint64_t ordinal = 0;
  unsigned attempt = 1;    ///< the one to make next
  std::size_t charge = 0;  ///< bytes that the run's memory budget holds for it
  std::size_t weight = 0;  ///< where it counts to a worker's share in bytes (remote_loop.hpp)
};

class StageLoop : public StepLoop {
 public:
  [[nodiscard]] QueueCore* input() const noexcept final { return input_; }
  [[nodiscard]] Deadline wake_at() const noexcept final;
  [[nodiscard]] bool stop_ends_wait() const noexcept final {
    return waits_for_pace_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool memory_ends_wait() const noexcept final;
  [[nodiscard]] Full full() const noexcept final;
  [[nodiscard]] bool any_room(bool closely) const noexcept final;
  [[nodiscard]] InOrder in_order() const noexcept final;

 protected:
  using Clock = std::chrono::steady_clock;

  StageLoop(WorkerState& worker, QueueCore& input) noexcept;

  // ---- what the loop asks of what knows the types --------------------------------------------------

  struct Taken {
    std::size_t count = 0;
    std::uint64_t first = 0;  ///< ordinal of the first item on the input edge
    GetStatus status = GetStatus::ok;
  };
  /// Empties the batch and takes at most `max` items into it, without waiting. When that throws, the
  /// run fails, and what was taken counts all the same.
  [[nodiscard]] virtual Taken take_batch(std::size_t max) noexcept = 0;
  /// Destroys what is in the batch.
  virtual void discard_batch() noexcept = 0;
  /// What the batch's item of that index is charged with; asked only where charges().
  [[nodiscard]] virtual std::size_t charge_of(std::size_t at) const noexcept = 0;
  /// Processes items from next_ on, until the batch is done or something else has to be looked at.
  virtual void process_items(StepFrame& frame) noexcept = 0;
  virtual void retry(DelayedItem& item) noexcept = 0;
  /// The body's own timer; never when it has none.
  [[nodiscard]] virtual Deadline timer() const noexcept { return {}; }
  /// Calls the body's on_time() and commits its outputs. May throw; its outputs are then discarded.
  virtual void on_time() {}

  /// Of a paced body: how many items it may be given as of now, and when at least one.
  [[nodiscard]] virtual std::size_t allowance() noexcept { return ~std::size_t{0}; }
  [[nodiscard]] virtual Deadline ready_at() const noexcept { return {}; }

  /// The port of a number's slot in the window.
  [[nodiscard]] virtual PortCore& slot_of(std::uint64_t number) noexcept = 0;
  /// Offers what the slot's port holds; true when nothing is left. May throw.
  [[nodiscard]] virtual bool publish_slot(std::uint64_t number) = 0;
  virtual void abandon_slot(std::uint64_t number) noexcept = 0;
  /// The last worker has left a cancelled run: gives up what lies in any slot.
  virtual void abandon_slots() noexcept = 0;

  // ---- for the derived class -----------------------------------------------------------------------

  /// The body is paced: no more is taken than its allowance, so nothing that was taken waits for it.
  void set_paced() noexcept { paced_ = true; }
  /// An item was put aside and holds the worker.
  [[nodiscard]] bool held() const noexcept { return held_; }
  /// After an item whose outputs wait: true when they were all accepted and more are wanted.
  [[nodiscard]] bool deliver() noexcept;
  /// Null where no order is kept.
  [[nodiscard]] OrderGate* gate() const noexcept { return gate_; }
  void set_gate(OrderGate* gate) noexcept { gate_ = gate; }
  /// Before an item of an ordered stage is processed: takes the turn if it is the item's.
  /// Returns  whether this worker has it.
  [[nodiscard]] bool begin_number(std::uint64_t number) noexcept;
  /// The item may begin: not too many outputs wait for their turn before it.
  [[nodiscard]] bool may_begin(std::uint64_t number) const noexcept {
    return gate_->may_begin(number);
  }
  /// Counts an item that nobody wants any more, since "enough" was said about one before it.
  void drop_unwanted(std::size_t charge) noexcept {
    worker().counts.add(Count::cancelled);
    owe(charge);
  }
  /// The item is finished: delivers it, and what waits behind it, if it has the turn. False when that
  /// has to wait or nobody wants outputs.
  [[nodiscard]] bool end_number(std::uint64_t number) noexcept;
  /// Delivers what has the turn, and what is finished behind it; false when it has to wait. May throw.
  [[nodiscard]] bool deliver_turn();
  /// The item must survive a failed attempt, for the next one or for its dead letter; or it is timed.
  [[nodiscard]] bool careful() const noexcept { return careful_; }
  /// Puts an item aside until its attempt is due. Throws std::bad_alloc.
  void delay(std::unique_ptr<DelayedItem> item);

  // ---- for a loop whose items are processed elsewhere (remote_loop.hpp) ------------------------------

  /// Number of the first item that was taken and is not begun; requires that there is one.
  [[nodiscard]] virtual std::uint64_t next_number() const noexcept { return first_ + next_; }
  /// That item is given up: counted and settled by the caller.
  virtual void drop_next() noexcept { ++next_; }
  /// Takes at most so many items, less if the others or the window need it.
  [[nodiscard]] GetStatus take(std::size_t max_items) noexcept;
  [[nodiscard]] bool take_found_window_full() noexcept {
    return std::exchange(window_full_, false);
  }
  /// Counts `n` items of owed_ done on the input edge: their outputs are accepted downstream.
  void settle(std::size_t n) noexcept;
  [[nodiscard]] StepResult input_ended() noexcept;
  [[nodiscard]] bool ended_early() const noexcept;
  [[nodiscard]] StepResult end_early() noexcept;
  [[nodiscard]] StepResult wait_for(OrderGate::Wait wait) noexcept;
  void stop_waiting() noexcept;
  /// So many items were put aside that no more may be taken.
  [[nodiscard]] bool holds_enough_delayed() const noexcept;
  /// The same before needs_time: also the return of memory ends that wait, until stop_waiting().
  [[nodiscard]] bool wait_for_delayed() noexcept;
  /// The earliest of the items that were put aside, if its attempt is due; null else.
  [[nodiscard]] std::unique_ptr<DelayedItem> take_due() noexcept;
  /// Whether outputs of the last item did not fit, since the last call.
  [[nodiscard]] bool take_blocked() noexcept { return std::exchange(blocked_, false); }
  [[nodiscard]] bool has_blocked() const noexcept { return blocked_; }

  std::size_t next_ = 0;     // the first item of the batch that was not started
  std::size_t taken_ = 0;    // items in the batch
  std::uint64_t first_ = 0;  // ordinal of the batch's first item
  std::size_t owed_ = 0;     // items processed or given up, not yet counted done

  /// The run has a memory budget.
  [[nodiscard]] bool charges() const noexcept { return memory_ != nullptr; }
  /// An item was processed or given up, and its charge is to be given back with it.
  void owe(std::size_t charge) noexcept {
    ++owed_;
    owed_bytes_ += charge;
  }
  /// Before the first step: items are processed one by one, each destroyed after it.
  void set_careful() noexcept { careful_ = true; }
  /// After an item whose outputs were accepted.
  void settle_each() noexcept {
    if (charges()) settle(owed_);
  }

 private:
  static constexpr std::size_t kMaxDelayed = 1024;

  [[nodiscard]] StepResult run(StepFrame& frame) noexcept override;
  void delivered() noexcept final { settle(owed_); }
  void drop_taken() noexcept final;
  void left() noexcept final;

  // ---- order ---------------------------------------------------------------------------------------
  [[nodiscard]] bool has_turn_next() const noexcept;
  [[nodiscard]] bool take_turn() noexcept;
  [[nodiscard]] bool publish_wanted(std::uint64_t number);
  [[nodiscard]] bool pass_over(std::uint64_t number) noexcept;
  [[nodiscard]] bool drop_in_order() noexcept;
  void give_up_turn() noexcept;

  [[nodiscard]] StepResult process_batch(StepFrame& frame) noexcept;
  [[nodiscard]] std::optional<StepResult> interruption() noexcept;
  [[nodiscard]] bool run_timers(StepFrame& frame) noexcept;
  [[nodiscard]] bool run_body_timer() noexcept;
  [[nodiscard]] std::optional<StepResult> wait_for_pace(std::size_t& max_items) noexcept;
  [[nodiscard]] bool has_due() const noexcept;
  [[nodiscard]] bool body_is_due() const noexcept;
  [[nodiscard]] GetStatus take_some(std::size_t max_items) noexcept;
  [[nodiscard]] GetStatus take_admitted(std::size_t max_items, std::size_t workers) noexcept;

  QueueCore* input_;
  MemoryShare* memory_;         // of the input edge; null when the run has no budget
  std::size_t owed_bytes_ = 0;  // the charges of what is owed
  OrderGate* gate_ = nullptr;
  bool own_turn_ = false;       // of the next number
  bool window_full_ = false;    // as of the last take
  bool outputs_ended_ = false;  // a slot's port has found that nobody wants outputs
  std::atomic<OrderGate::Wait> waits_{OrderGate::Wait::none};
  std::atomic<std::uint64_t> waits_with_{0};  // the number that waits for its turn
  std::atomic<bool> waits_for_pace_{false};
  std::atomic<bool> waits_for_memory_{false};
  bool paced_ = false;
  bool careful_;
  bool held_ = false;     // a retry's wait holds the worker
  bool blocked_ = false;  // outputs of the last item did not fit
  // The earliest first; on the heap because moving an item might throw.
  std::vector<std::unique_ptr<DelayedItem>> delayed_{};
};

}  // namespace sluice::detail
