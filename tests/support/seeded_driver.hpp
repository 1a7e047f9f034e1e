// support/seeded_driver.hpp: the third driver of a run: one thread, no waiting, steps in an order from a seed.
//
// It builds the run from a plan as start() does, makes no thread, and steps one worker after the other until
// all have ended. Which worker is next, and how many items it may take, comes from the seed alone, so that a
// failing order can be repeated exactly. (1) Now and then a worker is stepped although nothing has changed for
// it: a step must bear that. (2) When no worker can progress and no timer is running, that is a deadlock.
// Retries with a back-off and lingering batches wait for the real clock; all else does not know the time.
// Not for streaming stages, inlets and outlets.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/run.hpp>
#include <sluice/runtime/explain.hpp>
#include <sluice/runtime/run_report.hpp>
#include <sluice/runtime/run_state.hpp>
#include <sluice/scheduler.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::testing_support {

class SeededDriver {
 public:
  /// No order of steps can go on.
  class Deadlock : public std::runtime_error {
   public:
    using std::runtime_error::runtime_error;
  };

  SeededDriver(const Pipeline& pipeline, std::uint64_t seed, RunOptions options = {})
      : random_{seed},
        run_{std::make_shared<detail::RunState>(
            pipeline.shared_graph(), plan(pipeline, Machine{.cores = 2}, options.overrides), seed,
            detail::RunHooks{std::move(options.on_dead_letter), std::move(options.on_log)})} {
    for (const auto& worker : run_->workers()) live_.push_back({worker.get()});
  }

  /// One step of one worker. Returns  false once the run has ended. Throws  Deadlock.
  bool step() {
    if (run_->ended()) return false;
    std::vector<Driven*> ready;
    for (Driven& driven : live_) {
      if (can_progress(driven)) ready.push_back(&driven);
    }
    if (ready.empty() && !wait_for_a_timer()) give_up();
    if (ready.empty() || pick(16) == 0) return advance(live_[pick(live_.size())]);
    return advance(*ready[pick(ready.size())]);
  }

  /// Steps until the run has ended; `after_step()` is called after each step. Throws  Deadlock.
  template <class AfterStep>
  Report finish(AfterStep after_step) {
    while (step()) after_step();
    return detail::make_report(*run_);
  }
  Report finish() {
    return finish([] {});
  }

  /// What is queued or in progress, summed over all edges.
  [[nodiscard]] std::uint64_t unfinished() const {
    std::uint64_t sum = 0;
    for_each_lane([&](detail::QueueCore& lane) { sum += lane.unfinished(); });
    return sum;
  }

  [[nodiscard]] detail::RunState& run() noexcept { return *run_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Driven {
    detail::Worker* worker;
    detail::StepResult last = detail::StepResult::progressed;
  };

  std::size_t pick(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>{0, below - 1}(random_);
  }

  bool advance(Driven& driven) {
    detail::StepFrame frame{.max_items = 1 + pick(4)};
    driven.last = driven.worker->body->step(frame);
    if (driven.last == detail::StepResult::done) {
      std::erase_if(live_, [&](const Driven& other) { return other.worker == driven.worker; });
      run_->participant_ended();
    }
    return true;
  }

  static bool can_progress(const Driven& driven) {
    const detail::StepBody& body = *driven.worker->body;
    switch (driven.last) {
      case detail::StepResult::needs_input:
        return body.input()->has_items() || body.input()->is_closed() || body.wake_at().passed();
      case detail::StepResult::needs_room:
        return body.any_room(false);
      case detail::StepResult::needs_time:
        return body.wake_at().passed() || driven.worker->timer_is_moot();
      case detail::StepResult::progressed:
      case detail::StepResult::done:
        break;
    }
    return true;
  }

  bool wait_for_a_timer() {
    Deadline first;
    for (const Driven& driven : live_) {
      if (driven.last == detail::StepResult::needs_room) continue;
      first = std::min(first, driven.worker->body->wake_at());
    }
    if (first.is_never()) return false;
    std::this_thread::sleep_until(first.time());
    return true;
  }

  // explain() reads what Worker::step() notes, so every worker is stepped once more through it.
  [[noreturn]] void give_up() {
    detail::Worker::Nanoseconds now = detail::Worker::read_clock();
    for (Driven& driven : live_) static_cast<void>(driven.worker->step(now));
    throw Deadlock("no worker can progress:\n" + detail::explain(*run_));
  }

  template <class Visit>
  void for_each_lane(Visit visit) const {
    for (std::size_t stage = 0; stage < run_->graph().stages.size(); ++stage) {
      detail::EdgeBase* const edge = run_->edge_into(stage);
      if (edge == nullptr) continue;
      for (std::size_t i = 0; i < edge->lanes(); ++i) visit(edge->lane(i));
    }
  }

  std::mt19937_64 random_;
  std::shared_ptr<detail::RunState> run_;
  std::vector<Driven> live_;
};

}  // namespace sluice::testing_support
