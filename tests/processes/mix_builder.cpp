// tests/processes/mix_builder.cpp
// SPDX-License-Identifier: MIT
#include <processes/mix_builder.hpp>

#include <processes/mix_items.hpp>

#include <sluice/feedback.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace sluice::testing_support {
namespace {

/// A source of choices.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) noexcept : state_(seed) {}
  std::size_t between(std::size_t first, std::size_t last) noexcept {
    state_ = mixed(state_, 7);
    return first + state_ % (last - first + 1);
  }
  bool one_in(std::size_t n) noexcept { return between(1, n) == 1; }

 private:
  std::uint64_t state_;
};

/// Items on their way, and what is known of their order.
struct Flow {
  Stream<MixItem> stream;
  MixOrder order = MixOrder::all;
};

MixOrder less_of(MixOrder a, MixOrder b) { return std::max(a, b); }

class Builder {
 public:
  Builder(Pipeline& pipeline, const MixPlan& plan)
      : pipeline_(&pipeline),
        plan_(plan),
        shape_(mixed(plan.seed, 1)),
        carriers_(mixed(plan.seed, 2)) {}

  void build() {
    Flow flow{
        pipeline_->source("send", MixSource{.count = plan_.count, .large = shape_.one_in(3)})};
    for (std::size_t left = shape_.between(2, 6); left > 0; --left) flow = segment(flow);
    end(flow, "receive");
  }

 private:
  // ---- segments ------------------------------------------------------------------------------------

  Flow segment(const Flow& from) {
    if (shape_.one_in(8)) return packed(from);
    if (shape_.one_in(8)) return in_arms(from);
    if (shape_.one_in(6)) end(from, "audit " + number());
    if (!has_loop_ && shape_.one_in(8)) return looped(from);
    return any_step(from);
  }

  Flow any_step(const Flow& from) {
    using Kind = MixStep::Kind;
    constexpr Kind kKinds[] = {Kind::change,  Kind::filter, Kind::several, Kind::retried,
                               Kind::retried, Kind::buried, Kind::buried};
    return step(from, kKinds[shape_.between(0, std::size(kKinds) - 1)]);
  }

  /// Both arms have every item, or each its own.
  Flow in_arms(const Flow& from) {
    const bool copies = shape_.one_in(2);
    Flow even = from;
    Flow odd = from;
    if (!copies) {
      const auto arms = route(from.stream, [](const MixItem& item) { return item.value % 2 == 0; });
      even.stream = arms[0];
      odd.stream = arms[1];
    }
    even = step(even, MixStep::Kind::arm, 1);
    odd = step(odd, MixStep::Kind::arm, 2);
    if (shape_.one_in(2)) even = any_step(even);
    return {merge(even.stream, odd.stream), less_of(even.order, odd.order)};
  }

  Flow looped(const Flow& from) {
    has_loop_ = true;
    Feedback<MixItem> again(
        *pipeline_, "again",
        {.capacity = shape_.between(1, 64), .memory_items = shape_.between(1, 64)});
    Flow flow = step({merge(from.stream, again.items()), MixOrder::none}, MixStep::Kind::turn);
    if (shape_.one_in(2)) flow = any_step(flow);
    const auto arms = route(flow.stream, goes_again);
    again.put_back(arms[0]);
    return {arms[1], MixOrder::none};
  }

  Flow packed(const Flow& from) {
    StageOptions options = edge_options();
    options.carrier = carrier(false);
    const MixOrder packs = options.workers == 1 ? from.order : MixOrder::none;
    const std::string name = number();
    auto stream = from.stream | batch("pack " + name, shape_.between(1, 9), std::move(options));
    StageOptions after = step_options();
    const MixOrder order = order_behind(packs, after, false);
    return {stream | stage("unpack " + name, MixUnpack(), std::move(after)), order};
  }

  Flow step(const Flow& from, MixStep::Kind kind, std::uint64_t salt = 0) {
    StageOptions options = step_options();
    options.on_error = policy(kind);
    const bool keyed = options.order != Order::keep && shape_.one_in(4);
    const MixOrder order = order_behind(from.order, options, keyed);
    const std::string name = number();
    MixStep made{.kind = kind, .salt = salt + 4 * stages_};
    if (keyed) {
      return {from.stream | key_by(key_of) | stage("step " + name, made, std::move(options)),
              order};
    }
    return {from.stream | stage("step " + name, made, std::move(options)), order};
  }

  void end(const Flow& from, const std::string& name) {
    const SinkOptions options{.workers = 1,
                              .carrier = carrier(false),
                              .capacity = shape_.between(1, 64),
                              .batch = shape_.between(1, 16)};
    from.stream | sink(name, MixSink{.name = name, .order = from.order}, options);
  }

  // ---- options -------------------------------------------------------------------------------------

  StageOptions edge_options() {
    return {.workers = shape_.between(1, 3),
            .capacity = shape_.between(1, 64),
            .capacity_bytes = shape_.one_in(4) ? shape_.between(1, 5'000) : kAuto,
            .batch = shape_.between(1, 16)};
  }
  /// Of a stage that may have processes.
  StageOptions step_options() {
    StageOptions options = edge_options();
    options.carrier = carrier(true);
    if (shape_.one_in(2)) options.order = Order::keep;
    if (shape_.one_in(4)) options.process.recycle_after = shape_.between(20, 200);
    return options;
  }
  Carrier carrier(bool may_be_process) {
    const std::size_t choice = carriers_.between(0, may_be_process ? 2 : 1);
    if (plan_.on_threads) return Carrier::thread;
    return choice == 0 ? Carrier::thread : choice == 1 ? Carrier::pool : Carrier::process;
  }
  ErrorPolicy policy(MixStep::Kind kind) {
    const std::chrono::milliseconds back_off(shape_.one_in(2) ? 1 : 0);
    if (kind == MixStep::Kind::retried) return retry(2, back_off);
    if (kind != MixStep::Kind::buried) return fail_run();
    const ErrorPolicy last = shape_.one_in(3) ? skip() : dead_letter("unlucky");
    return shape_.one_in(2) ? retry(1, back_off).then(last) : last;
  }

  /// What the contract says of an order (README, "order").
  static MixOrder order_behind(MixOrder before, const StageOptions& options, bool keyed) {
    const bool several = options.workers > 1;
    if (keyed && several) return less_of(before, MixOrder::per_key);
    if (several) return options.order == Order::keep ? before : MixOrder::none;
    // One worker: but for items that wait for a retry.
    return options.on_error.back_off.count() > 0 ? MixOrder::none : before;
  }

  std::string number() { return std::to_string(++stages_); }

  Pipeline* pipeline_;
  MixPlan plan_;
  Dice shape_;
  Dice carriers_;
  std::uint64_t stages_ = 0;
  bool has_loop_ = false;
};

}  // namespace

void build_mix(Pipeline& pipeline, const MixPlan& plan) { Builder(pipeline, plan).build(); }

}  // namespace sluice::testing_support
