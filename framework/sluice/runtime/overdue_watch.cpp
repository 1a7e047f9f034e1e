// sluice/runtime/overdue_watch.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/overdue_watch.hpp>

#include <sluice/flow/timed_item.hpp>
#include <sluice/os/this_process.hpp>
#include <sluice/runtime/run_state.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace sluice::detail {
namespace {

using std::chrono::nanoseconds;

// Zero when no stage has a soft timeout.
nanoseconds shortest_timeout(const RunState& run) {
  nanoseconds shortest{0};
  for (const StageDef& def : run.graph().stages) {
    const nanoseconds own = def.options.soft_timeout;
    if (own.count() != 0 && (shortest.count() == 0 || own < shortest)) shortest = own;
  }
  return shortest;
}

void tell(RunState& run, WorkerState& worker, const TimedItem::Late& late) {
  worker.overdue.add(1);
  const auto seconds = [](nanoseconds time) { return std::chrono::duration<double>(time).count(); };
  run.log(worker.stage().name,
          fmt::format("worker {}: item {}, attempt {}, has been at work for {:.3f} s, longer than "
                      "the soft timeout of {:.3f} s; asked it to stop",
                      worker.worker(), late.item, late.attempt, seconds(late.spent),
                      seconds(worker.stage().soft_timeout)));
}

void look(RunState& run) {
  const auto now = TimedItem::Clock::now();
  for (const auto& worker : run.workers()) {
    TimedItem* const timed = worker->state.timed();
    if (timed == nullptr) continue;
    if (const auto late = timed->look(now)) tell(run, worker->state, *late);
  }
}

void watch(RunState& run, nanoseconds period) noexcept {
  while (!run.wait_ended(Deadline::after(period))) {
    if (!run.take_part()) continue;  // it is about to end, and its hooks with it
    try {
      look(run);
    } catch (...) {  // no memory for the line; the item was asked to stop all the same
    }
    run.participant_ended();
  }
}

}  // namespace

void start_overdue_watch(RunState& run) {
  const nanoseconds shortest = shortest_timeout(run);
  if (shortest.count() == 0) return;
  const nanoseconds period =
      std::clamp<nanoseconds>(shortest / 4, std::chrono::milliseconds(1), std::chrono::seconds(1));
  run.threads.emplace_back([&run, period] {
    name_this_thread("sluice-overdue");
    watch(run, period);
  });
}

}  // namespace sluice::detail
