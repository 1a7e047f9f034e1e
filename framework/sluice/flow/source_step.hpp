// sluice/flow/source_step.hpp: the step of a source: pull, publish, until it ends or is stopped.
//
// (1) A source is pulled: next() is called only when everything it emitted before was accepted.
// (2) Once the run is stopping, next() is not called again.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/output_side.hpp>
#include <sluice/flow/stage_step.hpp>
#include <sluice/flow/step.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace sluice::detail {

template <class Out, class Body>
class SourceStep final : public StepBody {
 public:
  SourceStep(const StepSetup& setup, Body body)
      : worker_(setup.worker),
        context_(*setup.worker),
        out_(setup, context_),
        body_(std::in_place, std::move(body)) {}

  [[nodiscard]] StepResult step(StepFrame& frame) noexcept override {
    const StepResult result = advance(frame);
    out_.publish_counts();
    worker_->end_item();
    return result;
  }

  [[nodiscard]] QueueCore* input() const noexcept override { return nullptr; }
  [[nodiscard]] QueueCore* full() const noexcept override { return out_.full(); }
  [[nodiscard]] EdgeBase* full_edge() const noexcept override { return out_.full_edge(); }
  [[nodiscard]] Deadline wake_at() const noexcept override { return Deadline::at(due_); }
  [[nodiscard]] std::size_t branches() const noexcept override { return out_.branches(); }
  [[nodiscard]] const BranchCounts& branch(std::size_t index) const noexcept override {
    return out_.branch(index);
  }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase : unsigned char { starting, running, finishing, done };

  StepResult advance(StepFrame& frame) noexcept {
    if (phase_ == Phase::done) return StepResult::done;
    if (worker_->control().cancelled()) return abandon();
    if (phase_ == Phase::starting && !start()) return abandon();
    if (out_.pending() && !publish()) return blocked_or_abandoned();
    if (phase_ == Phase::finishing) return finish();
    return pull(frame);
  }

  bool start() noexcept {
    phase_ = Phase::running;
    if constexpr (BodyWithStart<Body>) {
      try {
        body_->start(context_);
      } catch (...) {
        fail_phase(*worker_, "start");
        return false;
      }
    }
    return true;
  }

  StepResult pull(StepFrame& frame) noexcept {
    if (due_ > Clock::now() && !worker_->control().stopping()) return StepResult::needs_time;
    for (std::size_t i = 0; i < frame.max_items; ++i) {
      if (over()) {
        phase_ = Phase::finishing;
        return finish();
      }
      const bool sample = frame.sample && i == 0;
      const auto begin = sample ? Clock::now() : Clock::time_point{};
      more_ = next();
      if (sample) worker_->service.add(static_cast<std::uint64_t>((Clock::now() - begin).count()));
      ++frame.items;
      if (out_.pending() && !publish()) return blocked_or_abandoned();
      if (due_ != Clock::time_point{}) return StepResult::needs_time;
    }
    return StepResult::progressed;
  }

  [[nodiscard]] bool over() const noexcept {
    return !more_ || worker_->control().stopping() || !out_.open() ||
           worker_->stage().enough.load(std::memory_order_relaxed);
  }

  // One call of next(); true when the source may be called again.
  bool next() noexcept {
    worker_->begin_item(calls_, attempt_);
    try {
      const bool more = body_->next(out_.emitter(), context_);
      if (out_.uncommitted()) out_.commit();
      ++calls_;
      attempt_ = 1;
      due_ = {};
      return more;
    } catch (...) {
      out_.discard();
      return go_on_after_failure();
    }
  }

  bool go_on_after_failure() noexcept {
    if (!judge_source_failure(*worker_, calls_, attempt_)) return false;
    const ErrorPolicy& policy = worker_->stage().on_error;
    if (attempt_ > policy.retries) {
      attempt_ = 1;
      ++calls_;
      due_ = {};
      return true;
    }
    ++attempt_;
    if (policy.back_off.count() > 0) {
      due_ = Deadline::after(back_off_before(policy, attempt_)).time();
    }
    return true;
  }

  bool publish() noexcept {
    try {
      return out_.publish();
    } catch (...) {
      fail_phase(*worker_, "moving an output");
      return false;
    }
  }
  StepResult blocked_or_abandoned() noexcept {
    return worker_->control().cancelled() ? abandon() : StepResult::needs_room;
  }

  StepResult finish() noexcept {
    if (worker_->control().cancelled()) return abandon();
    if constexpr (BodyWithFinish<Body, Out>) {
      if (!finished_) {
        finished_ = true;
        try {
          body_->finish(out_.emitter());
          out_.commit();
        } catch (...) {
          out_.discard();
          fail_phase(*worker_, "finish");
          return abandon();
        }
        if (out_.pending() && !publish()) return blocked_or_abandoned();
      }
    }
    return leave();
  }

  StepResult abandon() noexcept {
    out_.abandon();
    return leave();
  }
  StepResult leave() noexcept {
    phase_ = Phase::done;
    body_.reset();  // the user's object ends with its worker, not with the run's handle
    out_.close();
    return StepResult::done;
  }

  WorkerState* worker_;
  Context context_;
  OutputSide<Out> out_;
  std::optional<Body> body_;  // until the worker leaves
  Phase phase_ = Phase::starting;
  bool more_ = true;
  bool finished_ = false;
  unsigned attempt_ = 1;
  std::uint64_t calls_ = 0;
  Clock::time_point due_{};  // of the next attempt, after a failed one
};

}  // namespace sluice::detail
