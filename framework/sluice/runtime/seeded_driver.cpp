// sluice/runtime/seeded_driver.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/seeded_driver.hpp>

#include <sluice/runtime/explain.hpp>

#include <algorithm>
#include <utility>

namespace sluice::detail {

SeededDriver::SeededDriver(const Pipeline& pipeline, std::uint64_t seed,
                           const std::vector<StageOverride>& overrides, RunHooks hooks,
                           std::size_t memory)
    : random_{seed},
      run_{std::make_shared<RunState>(pipeline.shared_graph(),
                                      plan(pipeline, Machine{.cores = 2}, overrides, memory), seed,
                                      std::move(hooks))} {
  run_->set_now(Clock::time_point{});
  for (const auto& worker : run_->workers()) live_.push_back({worker.get()});
}

bool SeededDriver::step() {
  if (run_->ended()) return false;
  if (step_now()) return true;
  if (!jump(Clock::time_point::max())) give_up();
  advance(pick(live_.size()));
  return true;
}

bool SeededDriver::step_now() {
  find_ready();
  if (ready_.empty()) return false;
  advance(pick(16) == 0 ? pick(live_.size()) : ready_[pick(ready_.size())]);
  return true;
}

bool SeededDriver::jump(Clock::time_point limit) {
  Deadline first;
  for (const Driven& driven : live_) {
    if (driven.last == StepResult::needs_room) continue;
    first = std::min(first, driven.worker->body->wake_at());
  }
  if (first.is_never() || first.time() > limit) return false;
  run_->set_now(std::max(now(), first.time()));
  return true;
}

void SeededDriver::advance(Clock::duration time) {
  const Clock::time_point end = Deadline::after(time, now()).time();
  do {
    while (step_now()) {
    }
  } while (jump(end));
  run_->set_now(std::max(now(), end));
}

std::uint64_t SeededDriver::unfinished() const {
  std::uint64_t sum = 0;
  for (std::size_t stage = 0; stage < run_->graph().stages.size(); ++stage) {
    EdgeBase* const edge = run_->edge_into(stage);
    if (edge == nullptr) continue;
    for (std::size_t i = 0; i < edge->lanes(); ++i) sum += edge->lane(i).unfinished();
  }
  return sum;
}

std::size_t SeededDriver::pick(std::size_t below) {
  return std::uniform_int_distribution<std::size_t>{0, below - 1}(random_);
}

void SeededDriver::find_ready() {
  ready_.clear();
  for (std::size_t i = 0; i < live_.size(); ++i) {
    if (can_progress(live_[i])) ready_.push_back(i);
  }
}

void SeededDriver::advance(std::size_t index) {
  Driven& driven = live_[index];
  StepFrame frame{.max_items = 1 + pick(4)};
  driven.last = driven.worker->body->step(frame);
  if (driven.last != StepResult::done) return;
  live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(index));
  run_->participant_ended();
}

bool SeededDriver::can_progress(const Driven& driven) const {
  const StepBody& body = *driven.worker->body;
  switch (driven.last) {
    case StepResult::needs_input:
      return body.input()->has_items() || body.input()->is_closed() || body.wake_at().passed(now());
    case StepResult::needs_room:
      return body.any_room(false);
    case StepResult::needs_time:
      return body.wake_at().passed(now()) || driven.worker->timer_is_moot();
    case StepResult::progressed:
    case StepResult::done:
      break;
  }
  return true;
}

// explain() reads what Worker::step() notes, so every worker is stepped once more through it.
void SeededDriver::give_up() {
  Worker::Nanoseconds now = Worker::read_clock();
  for (Driven& driven : live_) static_cast<void>(driven.worker->step(now));
  throw Deadlock("no worker can progress:\n" + explain(*run_));
}

}  // namespace sluice::detail
