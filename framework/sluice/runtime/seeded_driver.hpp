// sluice/runtime/seeded_driver.hpp: the third driver of a run: one thread, no waiting, steps in an order
// from a seed, and a virtual clock.
//
// It builds the run from a plan as start() does, makes no thread, and steps one worker after the other until
// all have ended. Which worker is next, and how many items it may take, comes from the seed alone, so that a
// failing order can be repeated exactly.
// (1) Now and then a worker is stepped although nothing has changed for it: a step must bear that.
// (2) The run's clock begins at its epoch and stands still while any worker can progress; when none can, it
//     jumps to the earliest timer.
// (3) When no worker can progress and no timer is running, that is a deadlock.
// Not for streaming stages: their emit would wait for a step of another worker.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/deadline.hpp>
#include <sluice/report.hpp>
#include <sluice/runtime/run_report.hpp>
#include <sluice/runtime/run_state.hpp>
#include <sluice/scheduler.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

namespace sluice::detail {

class SeededDriver {
 public:
  /// No order of steps can go on.
  class Deadlock : public std::runtime_error {
   public:
    using std::runtime_error::runtime_error;
  };

  SeededDriver(const Pipeline& pipeline, std::uint64_t seed,
               const std::vector<StageOverride>& overrides = {}, RunHooks hooks = {},
               std::size_t memory = kAuto);

  /// One step of one worker, after a jump of the clock where none could progress before. Returns  false once
  /// the run has ended. Throws  Deadlock.
  bool step();
  /// One step of one worker if there is one that can progress without a jump of the clock.
  bool step_now();
  /// Sets the clock to the earliest timer if that is not later than `limit`; false when there is none.
  bool jump(Clock::time_point limit);
  /// Steps until nobody can progress, lets the clock go on by `time`, timer by timer, and steps after each.
  void advance(Clock::duration time);

  /// Steps until the run has ended; `after_step()` is called after each step. Throws  Deadlock.
  template <class AfterStep>
  Report finish(AfterStep after_step) {
    while (step()) after_step();
    return make_report(*run_);
  }
  Report finish() {
    return finish([] {});
  }

  /// What is queued or in progress, summed over all edges.
  [[nodiscard]] std::uint64_t unfinished() const;
  [[nodiscard]] Clock::time_point now() const noexcept { return run_->now(); }
  [[nodiscard]] RunState& run() noexcept { return *run_; }
  [[nodiscard]] const std::shared_ptr<RunState>& shared_run() const noexcept { return run_; }

 private:
  struct Driven {
    Worker* worker;
    StepResult last = StepResult::progressed;
  };

  [[nodiscard]] std::size_t pick(std::size_t below);
  void find_ready();
  void advance(std::size_t index);
  [[nodiscard]] bool can_progress(const Driven& driven) const;
  [[noreturn]] void give_up();

  std::mt19937_64 random_;
  std::shared_ptr<RunState> run_;
  std::vector<Driven> live_{};
  std::vector<std::size_t> ready_{};  // indices into live_
};

}  // namespace sluice::detail
