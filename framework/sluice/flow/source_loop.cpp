// sluice/flow/source_loop.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/source_loop.hpp>

#include <utility>

namespace sluice::detail {

StepResult SourceLoop::run(StepFrame& frame) noexcept {
  if (waiting_) {
    if (due_ > worker().control().now() && wanted()) return StepResult::needs_time;
    waiting_ = false;
  }
  frame.items = frame.sample ? pull_timed(frame) : pull(frame.max_items);
  if (std::exchange(blocked_, false)) return blocked_or_abandoned();
  if (worker().stage().enough.load(std::memory_order_relaxed)) end_stage_early(worker().stage());
  if (!more_ || !wanted()) return finish();
  return waiting_ ? StepResult::needs_time : StepResult::progressed;
}

std::size_t SourceLoop::pull_timed(StepFrame& frame) noexcept {
  const auto begin = Clock::now();
  const std::size_t first = pull(1);
  if (first > 0) {
    worker().service.add(static_cast<std::uint64_t>((Clock::now() - begin).count()));
  }
  return first + pull(frame.max_items - 1);
}

void SourceLoop::set_attempt(unsigned attempt) noexcept {
  attempt_ = attempt;
  worker().begin_item(calls_, attempt);
}

void SourceLoop::fail_call() noexcept {
  if (!judge_source_failure(worker(), attempt_)) {
    more_ = false;
    return;
  }
  const ErrorPolicy& policy = worker().stage().on_error;
  if (attempt_ > policy.retries) {  // given up, but the source may go on
    ++calls_;
    set_attempt(1);
    return;
  }
  set_attempt(attempt_ + 1);
  if (policy.back_off.count() > 0) {
    const auto wait = back_off_before(policy, attempt_);
    due_ = Deadline::after(wait, worker().control().now()).time();
    waiting_ = true;
  }
}

}  // namespace sluice::detail
