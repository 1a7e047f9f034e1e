// sluice/runtime/thread_carrier.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/thread_carrier.hpp>

#include <sluice/os/cpu.hpp>
#include <sluice/os/this_process.hpp>
#include <sluice/runtime/nap_habit.hpp>
#include <sluice/runtime/run_state.hpp>
#include <sluice/runtime/worker.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

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

// How a worker with a thread waits for items. Where they come one by one, and are done with at once, it naps.
class InputWait {
 public:
  /// Blocks  until there may be input, or it is time for something. `now`: since when there is none.
  void wait(Worker& worker, Worker::Nanoseconds now) noexcept {
    QueueCore& input = *worker.body->input();
    const std::uint64_t taken = input.got_count();
    learn(now, taken - taken_);
    taken_ = taken;
    waits_since_ = now;
    const bool timed = worker.wake_at() != std::numeric_limits<Worker::Nanoseconds>::max();
    napped_ = !timed && naps(input);
    if (napped_) return;
    input.wait_for_items(worker.body->wake_at());
    woken_at_ = Worker::read_clock();
  }

 private:
  // How the last wait went, and what came of it.
  void learn(Worker::Nanoseconds now, std::uint64_t items) noexcept {
    if (waits_since_ == 0) return;
    if (napped_) {
      habit_.napped(habit_.judge(now - waits_since_, items));
    } else {
      habit_.slept(woken_at_ - waits_since_, now - woken_at_, items);
    }
  }
  // True when it has napped, and there is something now.
  bool naps(const QueueCore& input) noexcept {
    if (!habit_.naps()) return false;
    nap(NapHabit::kNap);
    if (input.has_items()) return true;
    habit_.napped(NapHabit::Found::nothing);
    return false;
  }

  NapHabit habit_{};
  Worker::Nanoseconds waits_since_ = 0;
  Worker::Nanoseconds woken_at_ = 0;
  std::uint64_t taken_ = 0;
  bool napped_ = false;
};

void wait(RunState& run, Worker& worker, StepResult result, InputWait& input,
          Worker::Nanoseconds now) noexcept {
  switch (result) {
    case StepResult::needs_input:
      input.wait(worker, now);
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
  InputWait input;
  for (;;) {
    while (!worker.try_claim()) {  // nobody else steps a worker that has a thread
    }
    const StepResult result = worker.step(now);
    worker.release();
    if (result == StepResult::done) break;
    if (result == StepResult::progressed) continue;
    wait(run, worker, result, input, now);
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
