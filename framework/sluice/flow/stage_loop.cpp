// sluice/flow/stage_loop.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/stage_loop.hpp>

#include <sluice/flow/edge.hpp>

#include <utility>

namespace sluice::detail {
namespace {

bool must_survive(const ErrorPolicy& policy) noexcept {
  return policy.retries > 0 || policy.last == ErrorPolicy::Last::dead_letter;
}

// The item whose outputs wait for room. Flush, then done: it is settled when they were accepted.
std::size_t unflushed() noexcept {
#if defined(SLUICE_LEDGER_MUTANTS)
  if (settles_before_flush.load(std::memory_order_relaxed)) return 0;
#endif
  return 1;
}

}  // namespace

StageLoop::StageLoop(WorkerState& worker, QueueCore& input) noexcept
    : StepLoop(worker),
      input_(&input),
      memory_(worker.stage().input->memory()),
      careful_(must_survive(worker.stage().on_error) || worker.timed() != nullptr || charges()) {}

Deadline StageLoop::wake_at() const noexcept {
  Deadline own = timer();
  if (waits_for_pace_.load(std::memory_order_relaxed)) {
    const Deadline next = ready_at();
    if (next < own) own = next;
  }
  if (delayed_.empty()) return own;
  const Deadline retry_at = Deadline::at(delayed_.front()->due);
  return own < retry_at ? own : retry_at;
}

StepResult StageLoop::run(StepFrame& frame) noexcept {
  stop_waiting();
  window_full_ = false;
  waits_for_pace_.store(false, std::memory_order_relaxed);
  if (ended_early()) return end_early();
  const bool timed = run_timers(frame);
  if (pending()) return blocked_or_abandoned();
  if (cancelled()) return abandon();
  if (held_) return StepResult::needs_time;  // also the rest of its batch has to wait
  if (wait_for_delayed()) return StepResult::needs_time;
  if (timed && ended_early()) return end_early();
  if (timed && body_is_due()) return StepResult::progressed;  // it has more to bring out first
  if (next_ == taken_) {
    std::size_t max_items = frame.max_items;
    if (paced_) {
      if (const auto wait = wait_for_pace(max_items)) return *wait;
    }
    switch (take(max_items)) {
      case GetStatus::ok:
        break;
      case GetStatus::empty:
      case GetStatus::stopped:
        if (cancelled()) return abandon();
        if (timed) return StepResult::progressed;
        return std::exchange(window_full_, false) ? wait_for(OrderGate::Wait::room)
                                                  : StepResult::needs_input;
      case GetStatus::closed:
        return input_ended();
    }
  }
  return process_batch(frame);
}

// What waits for its retry is in flight; without a bound, nothing would hold the producers back. Nor would a
// memory budget, because an empty lane takes an item whatever is charged.
bool StageLoop::holds_enough_delayed() const noexcept {
  return delayed_.size() >= kMaxDelayed || (charges() && !delayed_.empty() && !memory_->has_room());
}

bool StageLoop::wait_for_delayed() noexcept {
  if (!holds_enough_delayed()) return false;
  if (delayed_.size() < kMaxDelayed) {  // else memory is of no use
    memory_->begin_wait();
    waits_for_memory_.store(true, std::memory_order_relaxed);
  }
  return true;
}

bool StageLoop::memory_ends_wait() const noexcept {
  return waits_for_memory_.load(std::memory_order_relaxed) && memory_->may_resume();
}

// The lane is closed and empty; items that wait for their retry still have to come out.
StepResult StageLoop::input_ended() noexcept {
  if (cancelled()) return abandon();
  if (!delayed_.empty()) return StepResult::needs_time;
  if (gate_ != nullptr && !gate_->end_reached(worker().worker())) {
    return wait_for(OrderGate::Wait::end);
  }
  return finish();
}

// Lowers the number of items to take to what the body may be given; says what to wait for when that is
// none. The end of the input needs no allowance. What a stopped run drains is not held back.
std::optional<StepResult> StageLoop::wait_for_pace(std::size_t& max_items) noexcept {
  if (worker().control().stopping()) return std::nullopt;
  const std::size_t allowed = allowance();
  if (allowed > 0) {
    if (allowed < max_items) max_items = allowed;
    return std::nullopt;
  }
  if (!input_->has_items()) {
    return input_->drained() ? input_ended() : StepResult::needs_input;
  }
  waits_for_pace_.store(true, std::memory_order_relaxed);
  return StepResult::needs_time;
}

GetStatus StageLoop::take(std::size_t max_items) noexcept {
  const std::size_t workers = worker().stage().workers;
  if (workers > 1) {  // leave the others their share
    const std::size_t share = input_->size() / workers + 1;
    if (share < max_items) max_items = share;
  }
  if (gate_ != nullptr) return take_admitted(max_items, workers);
  return take_some(max_items);
}

// The others must get numbers, too, before the window is full.
GetStatus StageLoop::take_admitted(std::size_t max_items, std::size_t workers) noexcept {
  const std::size_t share = gate_->turn.window() / (2 * workers) + 1;
  const std::size_t admitted = gate_->turn.admit(share < max_items ? share : max_items);
  if (admitted == 0) {
    window_full_ = !input_->drained();
    return window_full_ ? GetStatus::empty : GetStatus::closed;
  }
  const GetStatus status = take_some(admitted);
  gate_->give_back(admitted - taken_);
  return status;
}

GetStatus StageLoop::take_some(std::size_t max_items) noexcept {
  const Taken taken = take_batch(max_items);
  next_ = 0;
  taken_ = taken.count;
  first_ = taken.first;
  if (charges()) memory_->lane_taken(*input_);
  worker().counts.add(Count::taken, taken_);
  return taken.status;
}

StepResult StageLoop::process_batch(StepFrame& frame) noexcept {
  const std::size_t begun = next_;
  process_items(frame);
  frame.items += next_ - begun;
  if (const auto stop = interruption()) return *stop;
  settle(owed_);
  return StepResult::progressed;
}

std::optional<StepResult> StageLoop::interruption() noexcept {
  if (std::exchange(blocked_, false)) {
    if (gate_ == nullptr) settle(owed_ - unflushed());
    return blocked_or_abandoned();
  }
  if (cancelled()) return abandon();
  if (ended_early()) return end_early();
  if (held_) {
    settle(owed_);
    return StepResult::needs_time;
  }
  if (gate_ != nullptr && next_ < taken_ && !may_begin(first_ + next_)) {
    settle(owed_);
    return wait_for(OrderGate::Wait::turn);
  }
  return std::nullopt;
}

bool StageLoop::deliver() noexcept {
  if (pending() && !publish()) {
    blocked_ = true;
    return false;
  }
  return outputs_open();
}

void StageLoop::delay(std::unique_ptr<DelayedItem> item) {
  // Waits of one length end in the order in which they began, so the place is near the end.
  auto after = delayed_.end();
  while (after != delayed_.begin() && (*(after - 1))->due > item->due) --after;
  delayed_.insert(after, std::move(item));
  held_ = worker().stage().holds_back_off;
}

// Runs what is due: retries, and the body's own timer. True when anything ran.
bool StageLoop::run_timers(StepFrame& frame) noexcept {
  bool ran = false;
  while (!pending() && !cancelled() && !ended_early() && frame.items < frame.max_items &&
         has_due()) {
    const std::unique_ptr<DelayedItem> due = take_due();
    retry(*due);
    blocked_ = false;  // looked at here
    ++frame.items;
    ran = true;
    if (pending() && !publish()) return true;
    settle(owed_);
  }
  while (!pending() && !cancelled() && frame.items < frame.max_items && body_is_due()) {
    ran = run_body_timer() || ran;
    ++frame.items;
  }
  return ran;
}

bool StageLoop::has_due() const noexcept {
  return !delayed_.empty() && delayed_.front()->due <= worker().control().now();
}

std::unique_ptr<DelayedItem> StageLoop::take_due() noexcept {
  if (!has_due()) return nullptr;
  std::unique_ptr<DelayedItem> due = std::move(delayed_.front());
  delayed_.erase(delayed_.begin());
  held_ = false;
  return due;
}

bool StageLoop::body_is_due() const noexcept {
  const Deadline due = timer();
  return !due.is_never() && due.passed(worker().control().now());
}

bool StageLoop::run_body_timer() noexcept {
  try {
    on_time();
    if (pending()) static_cast<void>(publish());
  } catch (...) {
    fail_phase(worker(), "a timer");
  }
  return true;
}

// Counts `n` items done on the input edge: their outputs are accepted downstream.
void StageLoop::settle(std::size_t n) noexcept {
  if (n == 0) return;
  owed_ -= n;
  worker().counts.add(Count::settled, n);
  if (charges()) {  // of all that is owed: where it is settled in parts, none has a charge of its own yet
    const std::size_t bytes = std::exchange(owed_bytes_, 0);
    worker().counts.add(Count::freed, bytes);
    memory_->budget().release(bytes);
  }
  if constexpr (kAccounting) input_->settle_taken(n);
  if (worker().stage().loop != nullptr) [[unlikely]]
    look_at_loop(worker().stage());
}

// This stage said "enough", or nobody downstream wants its outputs any more.
bool StageLoop::ended_early() const noexcept {
  return running() && (worker().stage().enough.load(std::memory_order_relaxed) || outputs_ended_ ||
                       !outputs_open());
}

StepResult StageLoop::end_early() noexcept {
  end_stage_early(worker().stage());
  if (gate_ != nullptr) {
    // Who ended the stage first may not have come that far, and what is taken now would come after.
    worker().stage().input->cancel();
    if (!drop_in_order()) return blocked_or_abandoned();
    if (!gate_->end_reached(worker().worker())) return wait_for(OrderGate::Wait::end);
  }
  drop_taken();
  return finish();
}

// Counts what this worker holds as cancelled and settles it.
void StageLoop::drop_taken() noexcept {
  if (gate_ != nullptr) give_up_turn();
  const std::size_t held = (taken_ - next_) + delayed_.size();
  worker().counts.add(Count::cancelled, held);
  owed_ += held;
  for (std::size_t i = next_; charges() && i < taken_; ++i) owed_bytes_ += charge_of(i);
  for (const auto& item : delayed_) owed_bytes_ += item->charge;
  discard_batch();
  next_ = taken_ = 0;
  delayed_.clear();
  settle(owed_);
}

// ---- order -----------------------------------------------------------------------------------------

StepBody::Full StageLoop::full() const noexcept {
  if (waits_.load(std::memory_order_relaxed) != OrderGate::Wait::none) return {.several = true};
  return StepLoop::full();
}

bool StageLoop::any_room(bool closely) const noexcept {
  const OrderGate::Wait wait = waits_.load(std::memory_order_relaxed);
  if (wait != OrderGate::Wait::none) {
    return gate_->may_go_on(wait, worker().worker(), waits_with_.load(std::memory_order_relaxed));
  }
  return StepLoop::any_room(closely);
}

StepBody::InOrder StageLoop::in_order() const noexcept {
  if (gate_ == nullptr) return {};
  return {.open = gate_->turn.open(), .most_open = gate_->turn.most_open()};
}

StepResult StageLoop::wait_for(OrderGate::Wait wait) noexcept {
  const std::uint64_t number =
      next_ < taken_ ? next_number() : 0;  // only a turn is waited for with one
  waits_with_.store(number, std::memory_order_relaxed);
  waits_.store(wait, std::memory_order_relaxed);
  gate_->begin_wait();
  if (!gate_->may_go_on(wait, worker().worker(), number)) return StepResult::needs_room;
  stop_waiting();
  return StepResult::progressed;
}

void StageLoop::stop_waiting() noexcept {
  if (waits_for_memory_.load(std::memory_order_relaxed)) {
    waits_for_memory_.store(false, std::memory_order_relaxed);
    memory_->end_wait();
  }
  if (waits_.load(std::memory_order_relaxed) == OrderGate::Wait::none) return;
  waits_.store(OrderGate::Wait::none, std::memory_order_relaxed);
  gate_->end_wait();
}

bool StageLoop::begin_number(std::uint64_t number) noexcept {
  own_turn_ = own_turn_ || gate_->turn.try_own(number);
  return own_turn_;
}

bool StageLoop::end_number(std::uint64_t number) noexcept {
  if (worker().take_said_enough()) gate_->end_after(number);
  if (held() || cancelled()) return false;
  --owed_;  // it is settled with its turn
  gate_->keep_charge(number, std::exchange(owed_bytes_, 0));
  if (!pass_over(number)) {
    blocked_ = true;
    return false;
  }
  return !outputs_ended_;
}

// Finishes a number; false when what has the turn has to wait.
bool StageLoop::pass_over(std::uint64_t number) noexcept {
  if (!own_turn_) {
    gate_->hold(number, slot_of(number).waiting());
    own_turn_ = gate_->turn.finish(number);
  }
  return !own_turn_ || take_turn();
}

bool StageLoop::take_turn() noexcept {
  deliver_from(&slot_of(gate_->turn.next()));
  return publish();
}

bool StageLoop::deliver_turn() {
  std::size_t delivered = 0;
  const auto settle_delivered = [&] {
    owed_ += delivered;
    settle(delivered);
  };
  for (;;) {
    const std::uint64_t number = gate_->turn.next();
    PortCore& slot = slot_of(number);
    deliver_from(&slot);
    bool all = false;
    try {
      all = publish_wanted(number);
    } catch (...) {
      settle_delivered();
      throw;
    }
    if (!all) break;
    if (!slot.open()) outputs_ended_ = true;
    if (number == gate_->last_wanted()) {
      worker().stage().enough.store(true, std::memory_order_relaxed);
    }
    ++delivered;
    owed_bytes_ += gate_->take_charge(number);
    if (gate_->advance()) continue;
    deliver_from(own_port());
    own_turn_ = has_turn_next() || gate_->turn.leave();
    if (own_turn_ && !has_turn_next()) continue;
    break;
  }
  settle_delivered();
  return delivers_from_own();
}

bool StageLoop::publish_wanted(std::uint64_t number) {
  if (number <= gate_->last_wanted()) return publish_slot(number);
  abandon_slot(number);
  return true;
}

// The item that this worker processes next has the turn.
bool StageLoop::has_turn_next() const noexcept {
  return next_ < taken_ && next_number() == gate_->turn.next();
}

// The stage ends early: what was taken is counted as cancelled and passed over, so that what others have
// finished comes out.
bool StageLoop::drop_in_order() noexcept {
  while (!delayed_.empty() || next_ < taken_) {
    std::uint64_t number = 0;
    std::size_t charge = 0;
    if (delayed_.empty()) {
      number = next_number();
      if (charges()) charge = charge_of(next_);
      drop_next();
    } else {
      number = delayed_.front()->ordinal;
      charge = delayed_.front()->charge;
      delayed_.erase(delayed_.begin());
    }
    held_ = false;
    worker().counts.add(Count::cancelled);
    gate_->keep_charge(number, charge);
    static_cast<void>(begin_number(number));
    if (!pass_over(number)) return false;
  }
  return true;
}

// The run was cancelled: the number that has the turn, if it waits for room, is this worker's to settle.
void StageLoop::give_up_turn() noexcept {
  stop_waiting();
  if (delivers_from_own()) return;
  abandon_slot(gate_->turn.next());
  deliver_from(own_port());
  owe(gate_->take_charge(gate_->turn.next()));
  gate_->advance();
}

void StageLoop::left() noexcept {
  if (gate_ == nullptr || !gate_->worker_ended()) return;
  // Nobody else is left. What was finished and not delivered has no other owner.
  std::size_t finished = 0;
  for (std::uint64_t n = gate_->turn.next(); n < input_->got_count(); ++n) {
    if (!gate_->turn.finished(n)) continue;
    ++finished;
    owed_bytes_ += gate_->take_charge(n);
  }
  abandon_slots();
  owed_ += finished;
  settle(finished);
}

}  // namespace sluice::detail
