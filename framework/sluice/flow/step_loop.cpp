// sluice/flow/step_loop.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/step_loop.hpp>

namespace sluice::detail {

StepResult StepLoop::step(StepFrame& frame) noexcept {
  const StepResult result = advance(frame);
  if (port_ != nullptr) port_->publish_counts();
  worker_->end_item();
  return result;
}

StepBody::Full StepLoop::full() const noexcept {
  const PortCore* const port = waiting_port();
  if (port == nullptr) return {};
  return {.queue = port->full(),
          .weight = port->full_weight(),
          .several = port->several_full(),
          .memory = port->short_of_memory()};
}
bool StepLoop::any_room(bool closely) const noexcept {
  const PortCore* const port = waiting_port();
  return port == nullptr || port->any_room(closely);
}
void StepLoop::add_full_ns(std::int64_t ns) noexcept {
  if (PortCore* const port = waiting_port(); port != nullptr) port->add_full_ns(ns);
}
std::size_t StepLoop::branches() const noexcept { return port_ != nullptr ? port_->branches() : 0; }
const BranchCounts& StepLoop::branch(std::size_t index) const noexcept {
  return port_->counts(index);
}

StepResult StepLoop::advance(StepFrame& frame) noexcept {
  if (phase_ == Phase::done) return StepResult::done;
  if (cancelled()) return abandon();
  if (phase_ == Phase::starting && !start()) return abandon();
  if (pending() && !publish() && !runs_while_full()) return blocked_or_abandoned();
  delivered();
  return phase_ == Phase::finishing ? finish() : run(frame);
}

bool StepLoop::start() noexcept {
  phase_ = Phase::running;
  try {
    start_body();
    return true;
  } catch (...) {
    fail_phase(*worker_, "start");
    return false;
  }
}

bool StepLoop::publish() noexcept {
  try {
    return publish_outputs();
  } catch (...) {
    fail_phase(*worker_, "moving an output");
    return false;
  }
}

StepResult StepLoop::blocked_or_abandoned() noexcept {
  return cancelled() ? abandon() : StepResult::needs_room;
}

StepResult StepLoop::finish() noexcept {
  phase_ = Phase::finishing;
  worker_->end_item();
  while (!finished_) {
    if (cancelled() || !finish_some()) return abandon();
    if (pending() && !publish()) return blocked_or_abandoned();
  }
  return cancelled() ? abandon() : leave();
}

bool StepLoop::finish_some() noexcept {
  try {
    finished_ = !finish_body();
    return true;
  } catch (...) {
    fail_phase(*worker_, "finish");
    return false;
  }
}

StepResult StepLoop::abandon() noexcept {
  // An item whose outputs could not all be delivered is still completed: the loss is on the port's
  // account (refused), not on the item's.
  abandon_outputs();
  drop_taken();
  return leave();
}

StepResult StepLoop::leave() noexcept {
  phase_ = Phase::done;
  end_body();
  if (port_ != nullptr) port_->close();
  left();
  leave_loops(worker_->stage());
  return StepResult::done;
}

}  // namespace sluice::detail
