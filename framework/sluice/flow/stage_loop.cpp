// sluice/flow/stage_loop.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/stage_loop.hpp>

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
    : StepLoop(worker), input_(&input), careful_(must_survive(worker.stage().on_error)) {}

Deadline StageLoop::wake_at() const noexcept {
  const Deadline own = timer();
  if (delayed_.empty()) return own;
  const Deadline retry_at = Deadline::at(delayed_.front()->due);
  return own < retry_at ? own : retry_at;
}

StepResult StageLoop::run(StepFrame& frame) noexcept {
  if (ended_early()) return end_early();
  const bool timed = run_timers(frame);
  if (pending()) return blocked_or_abandoned();
  if (cancelled()) return abandon();
  if (held_) return StepResult::needs_time;  // also the rest of its batch has to wait
  // What waits for its retry is in flight; without a bound, nothing would hold the producers back.
  if (delayed_.size() >= kMaxDelayed) return StepResult::needs_time;
  if (timed && ended_early()) return end_early();
  if (next_ == taken_) {
    switch (take(frame.max_items)) {
      case GetStatus::ok:
        break;
      case GetStatus::empty:
      case GetStatus::stopped:
        if (cancelled()) return abandon();
        return timed ? StepResult::progressed : StepResult::needs_input;
      case GetStatus::closed:
        return input_ended();
    }
  }
  return process_batch(frame);
}

// The lane is closed and empty; items that wait for their retry still have to come out.
StepResult StageLoop::input_ended() noexcept {
  if (cancelled()) return abandon();
  return delayed_.empty() ? finish() : StepResult::needs_time;
}

GetStatus StageLoop::take(std::size_t max_items) noexcept {
  const std::size_t workers = worker().stage().workers;
  if (workers > 1) {  // leave the others their share
    const std::size_t share = input_->size() / workers + 1;
    if (share < max_items) max_items = share;
  }
  const Taken taken = take_batch(max_items);
  next_ = 0;
  taken_ = taken.count;
  first_ = taken.first;
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
    settle(owed_ - unflushed());
    return blocked_or_abandoned();
  }
  if (cancelled()) return abandon();
  if (ended_early()) return end_early();
  if (held_) {
    settle(owed_);
    return StepResult::needs_time;
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
  while (!delayed_.empty() && !pending() && !cancelled() && !ended_early() &&
         frame.items < frame.max_items && delayed_.front()->due <= Clock::now()) {
    const std::unique_ptr<DelayedItem> due = std::move(delayed_.front());
    delayed_.erase(delayed_.begin());
    held_ = false;
    retry(*due);
    ++frame.items;
    ran = true;
    if (pending() && !publish()) return true;
    settle(owed_);
  }
  if (!pending() && timer().passed()) ran = run_body_timer() || ran;
  return ran;
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
  if constexpr (kAccounting) input_->settle_taken(n);
}

// This stage said "enough", or nobody downstream wants its outputs any more.
bool StageLoop::ended_early() const noexcept {
  return running() && (worker().stage().enough.load(std::memory_order_relaxed) || !outputs_open());
}

StepResult StageLoop::end_early() noexcept {
  end_stage_early(worker().stage());
  drop_taken();
  return finish();
}

// Counts what this worker holds as cancelled and settles it.
void StageLoop::drop_taken() noexcept {
  const std::size_t held = (taken_ - next_) + delayed_.size();
  worker().counts.add(Count::cancelled, held);
  owed_ += held;
  discard_batch();
  next_ = taken_ = 0;
  delayed_.clear();
  settle(owed_);
}

}  // namespace sluice::detail
