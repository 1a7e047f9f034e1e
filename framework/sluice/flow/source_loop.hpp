// sluice/flow/source_loop.hpp: the step of a source, without its types: pull, publish, until it ends or
// is stopped.
//
// (1) A source is pulled: next() is called only when everything it emitted before was accepted.
// (2) Once the run is stopping, next() is not called again.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>
#include <sluice/flow/step_loop.hpp>

#include <cstdint>

namespace sluice::detail {

class SourceLoop : public StepLoop {
 public:
  [[nodiscard]] QueueCore* input() const noexcept final { return nullptr; }
  [[nodiscard]] Deadline wake_at() const noexcept final { return Deadline::at(due_); }
  [[nodiscard]] bool stop_ends_wait() const noexcept final { return true; }

 protected:
  using Clock = std::chrono::steady_clock;

  explicit SourceLoop(WorkerState& worker) noexcept : StepLoop(worker) {}

  /// Calls next() at most `max` times, as long as go_on() says so. Returns  how often.
  [[nodiscard]] virtual std::size_t pull(std::size_t max) noexcept = 0;

  /// Before a call of next(): false when there is none to make now.
  [[nodiscard]] bool go_on() const noexcept { return more_ && !blocked_ && !waiting_ && wanted(); }
  /// Before a call, for Context::item() and Context::attempt().
  void begin_call() noexcept { worker().begin_item(calls_); }
  /// next() returned whether it has more.
  void end_call(bool more) noexcept {
    more_ = more;
    ++calls_;
    if (attempt_ != 1) [[unlikely]]
      set_attempt(1);
  }
  /// next() threw; call inside the catch block.
  void fail_call() noexcept;
  /// next() has said that it has no more, although its outputs could not be committed.
  void end_source() noexcept { more_ = waiting_ = false; }
  /// Outputs wait: publishes them.
  void deliver() noexcept {
    if (pending() && !publish()) blocked_ = true;
  }

 private:
  [[nodiscard]] StepResult run(StepFrame& frame) noexcept final;
  [[nodiscard]] std::size_t pull_timed(StepFrame& frame) noexcept;
  [[nodiscard]] bool wanted() const noexcept;
  void set_attempt(unsigned attempt) noexcept;

  bool more_ = true;
  bool blocked_ = false;
  bool waiting_ = false;  // for due_
  unsigned attempt_ = 1;
  std::uint64_t calls_ = 0;
  Clock::time_point due_{};  // of the next attempt, after a failed one
};

inline bool SourceLoop::wanted() const noexcept {
  return !worker().control().stopping() && outputs_open() &&
         !worker().stage().enough.load(std::memory_order_relaxed);
}

}  // namespace sluice::detail
