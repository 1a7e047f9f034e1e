// sluice/flow/stage_step.hpp: the step of a worker with input: take, process, publish, settle.
//
// (1) Flush, then done: an item is settled on the input edge only after all its outputs were
//     accepted downstream (or it had none).
// (2) got = completed + skipped + dead + failed + cancelled, per worker.
// (3) Outputs of an item are published before the next item's callback begins, so no output is
//     held back by user code.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/copyable.hpp>
#include <sluice/flow/item_vector.hpp>
#include <sluice/flow/output_side.hpp>
#include <sluice/flow/payload.hpp>
#include <sluice/flow/step.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::detail {

// What a body may offer beyond process(); looked for by name so that a body is as small as it can.
template <class Body>
concept BodyWithStart = requires(Body& body, Context& context) {
  body.start(context);
};
template <class Body, class Out>
concept BodyWithFinish = requires(Body& body, Emitter<Out>& out) {
  body.finish(out);
};
template <class Body, class Out>
concept BodyWithTimer = requires(Body& body, Emitter<Out>& out) {
  { body.due() } -> std::convertible_to<Deadline>;
  body.on_time(out);
};

template <class In, class Out, class Body>
class StageStep final : public StepBody {
 public:
  StageStep(const StepSetup& setup, Body body)
      : worker_(setup.worker),
        lane_(&static_cast<Edge<In>*>(setup.input)->queue(setup.lane)),
        context_(*setup.worker),
        out_(setup, context_),
        body_(std::in_place, std::move(body)) {}

  [[nodiscard]] StepResult step(StepFrame& frame) noexcept override {
    const StepResult result = advance(frame);
    out_.publish_counts();
    worker_->end_item();
    return result;
  }

  [[nodiscard]] QueueCore* input() const noexcept override { return lane_; }
  [[nodiscard]] QueueCore* full() const noexcept override { return out_.full(); }
  [[nodiscard]] EdgeBase* full_edge() const noexcept override { return out_.full_edge(); }
  [[nodiscard]] Deadline wake_at() const noexcept override {
    Deadline first = delayed_.empty() ? Deadline{} : Deadline::at(delayed_.front()->due);
    if constexpr (BodyWithTimer<Body, Out>) {
      const Deadline due = body_->due();
      if (due < first) first = due;
    }
    return first;
  }
  [[nodiscard]] std::size_t branches() const noexcept override { return out_.branches(); }
  [[nodiscard]] const BranchCounts& branch(std::size_t index) const noexcept override {
    return out_.branch(index);
  }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase : unsigned char { starting, running, finishing, done };
  struct Delayed {
    Delayed(Clock::time_point when, std::uint64_t which, unsigned next, In&& what)
        : due(when), ordinal(which), attempt(next), item(std::move(what)) {}
    Clock::time_point due;
    std::uint64_t ordinal;
    unsigned attempt;  // the one to make next
    In item;
  };
  static constexpr std::size_t kMaxDelayed = 1024;
  static constexpr bool kCopies = Copyable<In> && !Body::kReadsOnly;

  StepResult advance(StepFrame& frame) noexcept {
    if (phase_ == Phase::done) return StepResult::done;
    if (worker_->control().cancelled()) return abandon();
    if (phase_ == Phase::starting && !start()) return abandon();
    if (out_.pending() && !publish()) return blocked_or_abandoned();
    settle(owed_);
    if (phase_ == Phase::finishing) return finish();
    if (ended_early()) return end_early();
    return run(frame);
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

  StepResult run(StepFrame& frame) noexcept {
    const bool timed = on_timers(frame);
    if (out_.pending()) return blocked_or_abandoned();
    if (worker_->control().cancelled()) return abandon();
    if (held_) return StepResult::needs_time;  // also the rest of its batch has to wait
    // What waits for its retry is in flight; without a bound, nothing would hold the producers back.
    if (delayed_.size() >= kMaxDelayed) return StepResult::needs_time;
    if (timed && ended_early()) return end_early();
    if (next_ == batch_.size()) {
      switch (take(frame.max_items)) {
        case GetStatus::ok:
          break;
        case GetStatus::empty:
        case GetStatus::stopped:
          return timed ? StepResult::progressed : idle();
        case GetStatus::closed:
          return input_ended();
      }
    }
    return process_batch(frame);
  }

  StepResult idle() noexcept {
    if (worker_->control().cancelled()) return abandon();
    return StepResult::needs_input;
  }

  // The lane is closed and empty; items that wait for their retry still have to come out.
  StepResult input_ended() noexcept {
    if (worker_->control().cancelled()) return abandon();
    if (!delayed_.empty()) return StepResult::needs_time;
    phase_ = Phase::finishing;
    return finish();
  }

  GetStatus take(std::size_t max_items) noexcept {
    batch_.clear();
    next_ = 0;
    const std::size_t workers = worker_->stage().workers;
    if (workers > 1) {  // leave the others their share
      const std::size_t share = lane_->size() / workers + 1;
      if (share < max_items) max_items = share;
    }
    GetStatus status = GetStatus::ok;
    try {
      const GetManyResult got = lane_->try_get_many(batch_, max_items);
      first_ = got.first;
      status = got.status;
    } catch (...) {
      fail_phase(*worker_, "taking an item");
      status = GetStatus::stopped;
    }
    worker_->counts.add(Count::taken, batch_.size());
    return status;
  }

  StepResult process_batch(StepFrame& frame) noexcept {
    const std::size_t begun = next_;
    const StepResult result = careful() ? process_carefully(frame) : process_plainly(frame);
    frame.items += next_ - begun;
    return result;
  }

  // The hot loop: nothing but the callback, its output, and one look at what could interrupt.
  StepResult process_plainly(StepFrame& frame) noexcept {
    std::uint64_t completed = 0;
    std::optional<StepResult> stop;
    if (frame.sample) {
      const auto begin = Clock::now();
      completed += process_next() ? 1 : 0;
      worker_->service.add(static_cast<std::uint64_t>((Clock::now() - begin).count()));
      if (interrupted()) stop = interruption();
    }
    while (!stop.has_value() && next_ < batch_.size()) {
      completed += process_next() ? 1 : 0;
      if (interrupted()) [[unlikely]]
        stop = interruption();
    }
    worker_->counts.add(Count::completed, completed);
    if (stop.has_value()) return *stop;
    settle(owed_);
    return StepResult::progressed;
  }

  StepResult process_carefully(StepFrame& frame) noexcept {
    while (next_ < batch_.size()) {
      const auto begin = Clock::now();
      const std::size_t at = next_++;
      attempt(batch_[at], first_ + at, 1);
      if (frame.sample) {
        worker_->service.add(static_cast<std::uint64_t>((Clock::now() - begin).count()));
        frame.sample = false;
      }
      if (interrupted()) {
        if (const auto stop = interruption()) return *stop;
      }
    }
    settle(owed_);
    return StepResult::progressed;
  }

  [[nodiscard]] bool interrupted() const noexcept {
    return out_.pending() || held_ || worker_->control().cancelled() || ended_early();
  }
  // What to do about it; nothing when the outputs that were pending could be published.
  std::optional<StepResult> interruption() noexcept {
    if (out_.pending() && !publish()) {
      settle(owed_ - 1);
      return blocked_or_abandoned();
    }
    if (worker_->control().cancelled()) return abandon();
    if (ended_early()) return end_early();
    if (held_) {
      settle(owed_);
      return StepResult::needs_time;
    }
    return std::nullopt;
  }

  // True when the item was completed.
  bool process_next() noexcept {
    const std::size_t at = next_++;
    ++owed_;
    worker_->begin_item(first_ + at);
    try {
      body_->process(std::move(batch_[at]), out_.emitter(), context_);
      if (out_.uncommitted()) out_.commit();
      return true;
    } catch (...) {
      out_.discard();
      static_cast<void>(judge_failure(*worker_, {.item = first_ + at}));
      return false;
    }
  }

  // The item must survive a failed attempt: for the next one, or for its dead letter.
  [[nodiscard]] bool careful() const noexcept {
    const ErrorPolicy& policy = worker_->stage().on_error;
    return policy.retries > 0 || policy.last == ErrorPolicy::Last::dead_letter;
  }

  // Processes an item until it is completed, given up, or put aside for later.
  void attempt(In& item, std::uint64_t ordinal, unsigned number) noexcept {
    for (;; ++number) {
      worker_->begin_item(ordinal, number);
      try {
        process_kept(item, number);
        out_.commit();
        worker_->counts.add(Count::completed);
        ++owed_;
        return;
      } catch (...) {
        out_.discard();
        if (judge(item, ordinal, number) != Verdict::retry) {
          ++owed_;
          return;
        }
      }
      if (worker_->stage().on_error.back_off.count() > 0) {
        put_aside(std::move(item), ordinal, number + 1);
        return;
      }
    }
  }

  void process_kept(In& item, unsigned number) {
    if constexpr (kCopies) {
      const ErrorPolicy& policy = worker_->stage().on_error;
      const bool for_letter = HasPayload<In> && policy.last == ErrorPolicy::Last::dead_letter;
      if (number <= policy.retries || for_letter) {
        In copy(std::as_const(item));
        body_->process(std::move(copy), out_.emitter(), context_);
        return;
      }
    }
    body_->process(std::move(item), out_.emitter(), context_);
  }

  Verdict judge(const In& item, std::uint64_t ordinal, unsigned number) noexcept {
    if constexpr (HasPayload<In> && (kCopies || Body::kReadsOnly)) {
      const std::string payload = payload_of(item);
      return judge_failure(*worker_, {.item = ordinal, .attempt = number, .payload = &payload});
    } else {
      return judge_failure(*worker_, {.item = ordinal, .attempt = number});
    }
  }

  void put_aside(In&& item, std::uint64_t ordinal, unsigned attempt) noexcept {
    const StageState& stage = worker_->stage();
    const auto due = Deadline::after(back_off_before(stage.on_error, attempt)).time();
    // Waits of one length end in the order in which they began, so the place is near the end.
    auto after = delayed_.end();
    while (after != delayed_.begin() && (*(after - 1))->due > due) --after;
    try {
      delayed_.insert(after, std::make_unique<Delayed>(due, ordinal, attempt, std::move(item)));
    } catch (...) {
      worker_->counts.add(Count::failed);
      ++owed_;
      fail_phase(*worker_, "moving an item");
      return;
    }
    held_ = stage.holds_back_off;
  }

  // Runs what is due: retries, and the body's own timer. True when anything ran.
  bool on_timers(StepFrame& frame) noexcept {
    bool ran = false;
    while (!delayed_.empty() && !out_.pending() && !worker_->control().cancelled() &&
           delayed_.front()->due <= Clock::now()) {
      const std::unique_ptr<Delayed> due = std::move(delayed_.front());
      delayed_.erase(delayed_.begin());
      held_ = false;
      attempt(due->item, due->ordinal, due->attempt);
      ++frame.items;
      ran = true;
      if (!publish()) return true;
      settle(owed_);
    }
    if constexpr (BodyWithTimer<Body, Out>) {
      if (!out_.pending() && body_->due().passed()) {
        emit_guarded("a timer", [&] { body_->on_time(out_.emitter()); });
        ran = true;
        static_cast<void>(publish());
      }
    }
    return ran;
  }

  template <class Act>
  bool emit_guarded(const char* phase, Act act) noexcept {
    try {
      act();
      out_.commit();
      return true;
    } catch (...) {
      out_.discard();
      fail_phase(*worker_, phase);
      return false;
    }
  }

  // Moving an output threw: it can be neither delivered nor taken back, so the run fails.
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

  // Counts `n` items done on the input edge: their outputs are accepted downstream.
  void settle(std::size_t n) noexcept {
    if (n == 0) return;
    owed_ -= n;
    worker_->counts.add(Count::settled, n);
    if constexpr (kAccounting) lane_->task_done(n);
  }

  // This stage said "enough", or nobody downstream wants its outputs any more.
  [[nodiscard]] bool ended_early() const noexcept {
    return phase_ == Phase::running &&
           (worker_->stage().enough.load(std::memory_order_relaxed) || !out_.open());
  }
  StepResult end_early() noexcept {
    end_stage_early(worker_->stage());
    drop_taken();
    phase_ = Phase::finishing;
    return finish();
  }

  // Counts what this worker holds as cancelled and settles it.
  void drop_taken() noexcept {
    const std::size_t held = (batch_.size() - next_) + delayed_.size();
    worker_->counts.add(Count::cancelled, held);
    owed_ += held;
    batch_.clear();
    next_ = 0;
    delayed_.clear();
    settle(owed_);
  }

  StepResult finish() noexcept {
    worker_->end_item();
    if constexpr (BodyWithFinish<Body, Out>) {
      while (!finished_) {
        if (!emit_guarded("finish", [&] { finished_ = finish_some(); })) return abandon();
        if (!publish()) return blocked_or_abandoned();
        if (worker_->control().cancelled()) return abandon();
      }
    }
    return leave();
  }
  // True when the body has nothing more to emit.
  bool finish_some() {
    if constexpr (std::same_as<decltype(body_->finish(out_.emitter())), bool>) {
      return !body_->finish(out_.emitter());
    } else {
      body_->finish(out_.emitter());
      return true;
    }
  }

  StepResult abandon() noexcept {
    // An item whose outputs could not all be delivered is still completed: the loss is on the
    // port's account (refused), not on the item's.
    out_.abandon();
    drop_taken();
    return leave();
  }

  StepResult leave() noexcept {
    phase_ = Phase::done;
    body_.reset();  // the user's object ends with its worker, not with the run's handle
    out_.close();
    return StepResult::done;
  }

  WorkerState* worker_;
  Queue<In>* lane_;
  Context context_;
  OutputSide<Out> out_;
  std::optional<Body> body_;  // until the worker leaves
  Phase phase_ = Phase::starting;
  bool held_ = false;  // a retry's wait holds the worker
  bool finished_ = false;
  ItemVector<In> batch_;
  std::size_t next_ = 0;     // the first item of batch_ that was not started
  std::uint64_t first_ = 0;  // ordinal of batch_[0]
  std::size_t owed_ = 0;     // items processed or given up, not yet counted done
  // Waiting for their retry, the earliest first; on the heap because moving an item might throw.
  std::vector<std::unique_ptr<Delayed>> delayed_;
};

}  // namespace sluice::detail
