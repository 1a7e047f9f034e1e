// sluice/runtime/thread_carrier.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/thread_carrier.hpp>

#include <sluice/os/this_process.hpp>
#include <sluice/runtime/run_state.hpp>
#include <sluice/runtime/worker.hpp>

namespace sluice::detail {
namespace {

// A timer can't be waited for on the input queue, where there may be items that must not be taken
// yet. Whatever makes a timer moot rings timer_point() (sync-point wake-all: the look that follows the
// announcement sees it, or the ring ends the sleep; for memory that comes back, sync-point memory-or-waiter).
void wait_for_timer(RunState& run, const Worker& worker) noexcept {
  WaitPoint& point = run.timer_point();
  const WaitPoint::Ticket ticket = point.announce();
  if (!worker.timer_is_moot()) point.park(ticket, worker.body->wake_at());
  static_cast<void>(point.leave());  // a ring is for all, so there is nothing to pass on
}

void wait(RunState& run, Worker& worker, StepResult result) noexcept {
  switch (result) {
    case StepResult::needs_input:
      worker.body->input()->wait_for_items(worker.body->wake_at());
      break;
    case StepResult::needs_room:
      worker.sleep_for_room();
      break;
    case StepResult::needs_time:
      wait_for_timer(run, worker);
      break;
    case StepResult::progressed:
    case StepResult::done:
      break;
  }
}

// Steps the worker until it has ended.
void drive(RunState& run, Worker& worker) noexcept {
  Worker::Nanoseconds now = Worker::read_clock();
  for (;;) {
    while (!worker.try_claim()) {  // nobody else steps a worker that has a thread
    }
    const StepResult result = worker.step(now);
    worker.release();
    if (result == StepResult::done) break;
    if (result == StepResult::progressed) continue;
    wait(run, worker, result);
    now = Worker::read_clock();
  }
}

}  // namespace

void drive_on_own_thread(RunState& run, Worker& worker) noexcept {
  name_this_thread(worker.state.stage().name);
  worker.begin_thread();
  drive(run, worker);
  worker.end_thread();
  run.participant_ended();
}

void drive_here(RunState& run, Worker& worker) noexcept {
  drive(run, worker);
  run.participant_ended();
}

}  // namespace sluice::detail
