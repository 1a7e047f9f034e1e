// sluice/flow/stage_step.hpp: the typed part of a worker with input: its items, its body, its outputs.
//
// Two ways through a batch: plainly, where an item is moved into the callback and is gone when that
// throws; and carefully, where the policy wants an item to survive a failed attempt.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>
#include <sluice/flow/copyable.hpp>
#include <sluice/flow/item_vector.hpp>
#include <sluice/flow/order_window.hpp>
#include <sluice/flow/output_side.hpp>
#include <sluice/flow/payload.hpp>
#include <sluice/flow/stage_loop.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

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
concept BodyWithTimer = requires(Body& body, Emitter<Out>& out, Context& context) {
  { body.due() } -> std::convertible_to<Deadline>;
  body.on_time(out, context);
};
/// Says how many more items it may be given as of now, and when the next one.
template <class Body>
concept PacedBody = requires(Body& body, std::chrono::steady_clock::time_point now) {
  { body.allowance(now) } -> std::convertible_to<std::size_t>;
  { body.ready_at() } -> std::convertible_to<Deadline>;
};

template <class Body>
concept BodyThatPassesOn = Body::kPassesOn;

/// Something of an item may stay in the body: it has a finish(), or a state.
template <class Body>
concept BodyThatKeepsState = Body::kKeepsState;

/// Outputs hold items that were counted before: when one is lost, no policy can make up for it. It may be
/// able to tell that it is still whole(): what process() threw last was about its own item only.
template <class Body>
concept BodyThatHoldsItems = Body::kHoldsItems;

/// Calls `act` and commits what it emitted. Throws what it throws; its outputs are then discarded.
template <class Out, class Act>
void emit_all(OutputSide<Out>& out, Act act) {
  try {
    act(out.emitter());
    out.commit();
  } catch (...) {
    out.discard();
    throw;
  }
}

/// Calls the body's finish() where there is one; true when it has more to emit.
template <class Out, class Body>
[[nodiscard]] bool finish_body_of(Body& body, OutputSide<Out>& out) {
  bool more = false;
  if constexpr (BodyWithFinish<Body, Out>) {
    emit_all(out, [&](Emitter<Out>& emitter) {
      if constexpr (std::same_as<decltype(body.finish(emitter)), bool>) {
        more = body.finish(emitter);
      } else {
        body.finish(emitter);
      }
    });
  }
  return more;
}

template <class In, class Out, class Body>
class StageStep final : public StageLoop {
 public:
  using Window = std::conditional_t<std::is_same_v<Out, NoOutput>, OrderGate, OrderWindow<Out>>;

  /// `window` is shared with the stage's other workers; null where no order is kept.
  StageStep(const StepSetup& setup, Body body, std::shared_ptr<Window> window = nullptr)
      : StageStep(setup, static_cast<Edge<In>*>(setup.input)->queue(setup.lane), std::move(body)) {
    window_ = std::move(window);
    set_gate(window_.get());
  }

  [[nodiscard]] std::size_t branches() const noexcept override {
    return StageLoop::branches() + slot_branches();
  }
  [[nodiscard]] const BranchCounts& branch(std::size_t index) const noexcept override {
    const std::size_t own = StageLoop::branches();
    if constexpr (!std::is_same_v<Out, NoOutput>) {
      if (index >= own) {
        return window_->slots()[(index - own) / own]->counts((index - own) % own);
      }
    }
    return StageLoop::branch(index);
  }

 private:
  struct Delayed final : DelayedItem {
    explicit Delayed(In&& what) : item(std::move(what)) {}
    In item;
  };
  static_assert(
      !requires(Body & body) { body.due(); } || BodyWithTimer<Body, Out>,
      "sluice: a body with due() needs on_time(Emitter<Out>&, Context&)");
  static constexpr bool kCopies = Copyable<In> && !Body::kReadsOnly;

  StageStep(const StepSetup& setup, Queue<In>& lane, Body&& body)
      : StageLoop(*setup.worker, lane),
        lane_(&lane),
        context_(*setup.worker),
        out_(setup, context_),
        body_(std::in_place, std::move(body)) {
    set_port(out_.core());
    if constexpr (PacedBody<Body>) set_paced();
    if (lane.weighs()) set_careful();
  }

  // ---- the loop's questions ------------------------------------------------------------------------

  void start_body() override {
    if constexpr (BodyWithStart<Body>) body_->start(context_);
  }
  bool finish_body() override { return finish_body_of(*body_, out_); }
  void end_body() noexcept override { body_.reset(); }
  bool publish_outputs() override { return delivers_from_own() ? out_.publish() : deliver_turn(); }
  void abandon_outputs() noexcept override { out_.abandon(); }

  Deadline timer() const noexcept override {
    if constexpr (BodyWithTimer<Body, Out>) {
      return body_.has_value() ? body_->due() : Deadline{};
    } else {
      return {};
    }
  }
  void on_time() override {
    if constexpr (BodyWithTimer<Body, Out>) {
      emit_all(out_, [this](Emitter<Out>& emitter) { body_->on_time(emitter, context_); });
    }
  }

  std::size_t allowance() noexcept override {
    if constexpr (PacedBody<Body>) return body_->allowance(worker().control().now());
    return StageLoop::allowance();
  }
  Deadline ready_at() const noexcept override {
    if constexpr (PacedBody<Body>) return body_->ready_at();
    return StageLoop::ready_at();
  }

  Taken take_batch(std::size_t max) noexcept override {
    Taken taken;
    batch_.clear();
    try {
      const GetManyResult got = get_batch(max);
      taken = {.first = got.first, .status = got.status};
    } catch (...) {
      fail_phase(worker(), "taking an item");
      taken.status = GetStatus::stopped;
    }
    taken.count = batch_.size();
    return taken;
  }
  void discard_batch() noexcept override { batch_.clear(); }

  // No more than this worker's share of what the edge, or the run, may hold in bytes; but one item.
  GetManyResult get_batch(std::size_t max) {
    const std::size_t most = worker().stage().batch_bytes;
    if constexpr (kFixedWeight<In>) {
      const std::size_t fit = most / sizeof(In) > 0 ? most / sizeof(In) : 1;
      return lane_->try_get_many(batch_, most != 0 && fit < max ? fit : max);
    } else {
      if (!lane_->weighs()) return lane_->try_get_many(batch_, max);
      weights_.clear();
      return lane_->try_get_weighed(batch_, max, most != 0 ? most : ~std::size_t{0}, weights_);
    }
  }
  std::size_t charge_of(std::size_t at) const noexcept override {
    if (!charges()) return 0;
    if constexpr (kFixedWeight<In>) {
      return sizeof(In);
    } else {
      return weights_[at];
    }
  }
  // Where bytes are bounded, what a callback has only read must not stay in the batch.
  void forget(In& item) noexcept {
    if constexpr (!kFixedWeight<In> && std::is_nothrow_move_constructible_v<In>) {
      if (!lane_->weighs()) return;
      [[maybe_unused]] const In gone(std::move(item));
    }
  }

  void process_items(StepFrame& frame) noexcept override {
    if (gate() != nullptr) {
      process_in_order(frame);
    } else if (careful()) {
      process_carefully(frame);
    } else if (!frame.sample) {
      static_cast<void>(process_plainly(taken_));
    } else {
      const auto begin = Clock::now();
      const bool go_on = process_plainly(next_ + 1);
      worker().service.add(static_cast<std::uint64_t>((Clock::now() - begin).count()));
      if (go_on) static_cast<void>(process_plainly(taken_));
    }
  }

  // ---- in order ------------------------------------------------------------------------------------

  // The slots' branches are told by the first worker, so that each is counted once.
  std::size_t slot_branches() const noexcept {
    if constexpr (std::is_same_v<Out, NoOutput>) {
      return 0;
    } else {
      if (window_ == nullptr || worker().worker() != 0) return 0;
      return window_->slots().size() * StageLoop::branches();
    }
  }
  PortCore& slot_of(std::uint64_t number) noexcept override {
    if constexpr (std::is_same_v<Out, NoOutput>) {
      return *own_port();
    } else {
      return window_->slot(number);
    }
  }
  bool publish_slot(std::uint64_t number) override {
    if constexpr (std::is_same_v<Out, NoOutput>) {
      return true;
    } else {
      return window_->slot(number).publish();
    }
  }
  void abandon_slot(std::uint64_t number) noexcept override {
    if constexpr (!std::is_same_v<Out, NoOutput>) window_->slot(number).abandon();
  }
  void abandon_slots() noexcept override {
    if constexpr (!std::is_same_v<Out, NoOutput>) {
      for (const auto& slot : window_->slots()) slot->abandon();
    }
  }

  void process_in_order(StepFrame& frame) noexcept {
    bool go_on = true;
    bool sample = frame.sample;
    while (go_on && next_ < taken_ && may_begin(first_ + next_)) {
      const auto begin = sample ? Clock::now() : Clock::time_point{};
      const std::size_t at = next_++;
      attempt_in_order(batch_[at], first_ + at, 1, charge_of(at));
      forget(batch_[at]);
      if (std::exchange(sample, false)) {
        worker().service.add(static_cast<std::uint64_t>((Clock::now() - begin).count()));
      }
      go_on = end_number(first_ + at) && !worker().stage().enough.load(std::memory_order_relaxed);
    }
  }

  void attempt_in_order(In& item, std::uint64_t number, unsigned attempts,
                        std::size_t charge) noexcept {
    if constexpr (!std::is_same_v<Out, NoOutput>) {
      OutPort<Out>& port = window_->slot(number);
      port.allow_direct(begin_number(number));
      if (number > gate()->last_wanted()) return drop_unwanted(charge);
      out_.select(port);
      attempt(item, number, attempts, charge);
      worker().end_item();  // what follows is delivery, also for others
      port.publish_counts();
      out_.select_own();
    }
  }

  // ---- plainly -------------------------------------------------------------------------------------

  // The hot loop: nothing but the callback, its output, and a look at what could interrupt. True when
  // it came to `end` and may go on.
  bool process_plainly(std::size_t end) noexcept {
    WorkerState& state = worker();
    const RunControl& control = state.control();
    const std::atomic<bool>& enough = state.stage().enough;
    In* item = batch_.data() + next_;
    In* const last = batch_.data() + end;
    std::uint64_t ordinal = first_ + next_;
    std::uint64_t given_up = 0;
    bool go_on = true;
    while (go_on && item != last) {
      state.begin_item(ordinal);
      try {
        body_->process(std::move(*item), out_.emitter(), context_);
        if (!out_.direct()) out_.commit();
      } catch (...) {
        out_.discard();
        static_cast<void>(judge({.item = ordinal}));
        ++given_up;
      }
      ++item;
      ++ordinal;
      if (!out_.direct()) [[unlikely]]
        go_on = deliver();
      if (control.cancelled() || enough.load(std::memory_order_relaxed)) [[unlikely]]
        go_on = false;
    }
    const auto processed = static_cast<std::size_t>(ordinal - first_) - next_;
    next_ += processed;
    owed_ += processed;
    state.counts.add(Count::completed, processed - given_up);
    return go_on;
  }

  // ---- carefully -----------------------------------------------------------------------------------

  void process_carefully(StepFrame& frame) noexcept {
    bool go_on = true;
    bool sample = frame.sample;
    while (go_on && next_ < taken_) {
      const auto begin = sample ? Clock::now() : Clock::time_point{};
      const std::size_t at = next_++;
      attempt(batch_[at], first_ + at, 1, charge_of(at));
      forget(batch_[at]);
      if (std::exchange(sample, false)) {
        worker().service.add(static_cast<std::uint64_t>((Clock::now() - begin).count()));
      }
      go_on = deliver() && !cancelled() && !held() &&
              !worker().stage().enough.load(std::memory_order_relaxed);
      if (go_on) settle_each();
    }
  }

  void retry(DelayedItem& item) noexcept override {
    In& what = static_cast<Delayed&>(item).item;
    if (gate() == nullptr) {
      attempt(what, item.ordinal, item.attempt, item.charge);
    } else {
      attempt_in_order(what, item.ordinal, item.attempt, item.charge);
      static_cast<void>(end_number(item.ordinal));
    }
  }

  // Processes an item until it is completed, given up, or put aside for later.
  void attempt(In& item, std::uint64_t ordinal, unsigned number, std::size_t charge) noexcept {
    for (;; ++number) {
      worker().begin_item(ordinal, number);
      try {
        process_kept(item, number);
        out_.commit();
        worker().counts.add(Count::completed);
        owe(charge);
        return;
      } catch (...) {
        if constexpr (BodyThatPassesOn<Body>) out_.give_back(item);
        out_.discard();
        if (judge(item, ordinal, number) != Verdict::retry) {
          owe(charge);
          return;
        }
      }
      if (worker().stage().on_error.back_off.count() > 0) {
        put_aside(std::move(item), ordinal, number + 1, charge);
        return;
      }
    }
  }

  void process_kept(In& item, unsigned number) {
    if constexpr (kCopies) {
      const ErrorPolicy& policy = worker().stage().on_error;
      const bool for_letter = Tellable<In> && policy.last == ErrorPolicy::Last::dead_letter;
      if (number <= policy.retries || for_letter) {
        begin_attempt(false);
        In copy(std::as_const(item));
        begin_attempt(true);
        body_->process(std::move(copy), out_.emitter(), context_);
        return;
      }
    }
    begin_attempt(true);
    body_->process(std::move(item), out_.emitter(), context_);
  }

  void begin_attempt(bool has_item) noexcept {
    if constexpr (BodyThatHoldsItems<Body>) body_has_item_ = has_item;
  }
  [[nodiscard]] bool whole() const noexcept {
    if (BodyThatHoldsItems<Body> && !body_has_item_) return true;
    if constexpr (requires { body_->whole(); }) {
      return body_->whole();
    } else {
      return !BodyThatHoldsItems<Body>;
    }
  }
  Verdict judge(const FailedAttempt& failed) noexcept {
    if (whole()) return judge_failure(worker(), failed);
    worker().counts.add(Count::failed);
    fail_phase(worker(), "process");
    return Verdict::fail;
  }
  Verdict judge(const In& item, std::uint64_t ordinal, unsigned number) noexcept {
    if constexpr (Tellable<In> && (kCopies || Body::kReadsOnly)) {
      const PayloadOf<In> payload(item);
      return judge({.item = ordinal, .attempt = number, .payload = &payload});
    } else {
      return judge({.item = ordinal, .attempt = number});
    }
  }

  void put_aside(In&& item, std::uint64_t ordinal, unsigned number, std::size_t charge) noexcept {
    try {
      auto delayed = std::make_unique<Delayed>(std::move(item));
      const auto wait = back_off_before(worker().stage().on_error, number);
      delayed->due = Deadline::after(wait, worker().control().now()).time();
      delayed->ordinal = ordinal;
      delayed->attempt = number;
      delayed->charge = charge;
      delay(std::move(delayed));
    } catch (...) {
      worker().counts.add(Count::failed);
      owe(charge);
      fail_phase(worker(), "moving an item");
    }
  }

  Queue<In>* lane_;
  std::shared_ptr<Window> window_;
  Context context_;
  OutputSide<Out> out_;
  std::optional<Body> body_;   // until the worker leaves
  bool body_has_item_ = true;  // else the item's copy for it was being made
  ItemVector<In> batch_;
  ItemVector<std::size_t> weights_;  // of the batch's items, where they are weighed
};

}  // namespace sluice::detail
