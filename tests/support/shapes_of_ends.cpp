// support/shapes_of_ends.cpp: scenarios in which items fail, and runs end before their sources do.
// SPDX-License-Identifier: MIT
#include <support/shapes.hpp>

#include <stdexcept>

namespace sluice::testing_support {
namespace {

constexpr Number kMost = 60;

std::shared_ptr<Collected<Number>> collected() { return std::make_shared<Collected<Number>>(); }

auto into(const std::shared_ptr<Collected<Number>>& got) {
  return [got](Number n) { got->add(n); };
}

/// A part of the items fails in all attempts, another part only in the first one.
bool fails_always(Number n) { return n % 5 == 2; }
bool fails_first(Number n) { return n % 3 == 1; }

/// Emits n and fails afterwards, so that a failed attempt has half an output to leak.
void emit_and_fail(Number n, Emitter<Number>& out) {
  out.emit(n);
  if (fails_always(n)) throw std::runtime_error("always");
  if (fails_first(n) && out.context().attempt() == 1) throw std::runtime_error("first");
}

Scenario under_policy(Draw& draw, const ErrorPolicy& policy,
                      std::function<bool(Number)> gets_through,
                      std::function<void(const StageReport&, Number lost)> check_stage) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const auto got = collected();
  StageOptions options = draw.stage();
  options.on_error = policy;
  auto stream = made.pipeline.source("read", numbers, draw.source());
  if (draw.one_in(3)) {
    stream | key_by([](const Number& n) { return n % 7; }) |
        flat_map<Number>("fail", emit_and_fail, options) | sink("collect", into(got), draw.sink());
  } else {
    stream | flat_map<Number>("fail", emit_and_fail, options) |
        sink("collect", into(got), draw.sink());
  }
  made.check = [=](const Report& report, Disturbance disturbance) {
    std::vector<Number> expected;
    for (Number n = 0; n < *numbers.emitted; ++n) {
      if (gets_through(n)) expected.push_back(n);
    }
    check_arrived(*got, expected, disturbance);
    if (disturbance != Disturbance::cancel) {
      check_stage(report.stage("fail"), *numbers.emitted - expected.size());
    }
  };
  return made;
}

}  // namespace

Scenario enough(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const Number limit = draw.between(1, 30);
  const auto got = collected();
  const auto take = [=](Number n) {
    got->add(n);
    return got->size() < limit ? Demand::more : Demand::enough;
  };
  made.pipeline.source("read", numbers, draw.source()) |
      map(
          "same", [](Number n) { return n; }, draw.stage(1)) |
      sink("take", take, draw.sink());
  made.check = [=](const Report& report, Disturbance disturbance) {
    CHECK(got->items() == up_to(got->size()));
    if (disturbance != Disturbance::cancel) {
      CHECK(got->size() == std::min<Number>(limit, *numbers.emitted));
    }
    CHECK(report.stage("take").completed == got->size());
  };
  return made;
}

Scenario one_branch_enough(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const Number limit = draw.between(1, 20);
  const auto some = collected();
  const auto all = collected();
  auto stream = made.pipeline.source("read", numbers, draw.source());
  const auto take = [=](Number n) {
    some->add(n);
    return some->size() < limit ? Demand::more : Demand::enough;
  };
  stream |
      map(
          "same", [](Number n) { return n; }, draw.stage(1)) |
      sink("take", take, draw.sink());
  stream | sink("all", into(all), draw.sink(2));
  made.check = [=](const Report&, Disturbance disturbance) {
    CHECK(some->items() == up_to(some->size()));
    CHECK(some->size() <= limit);
    check_arrived(*all, up_to(*numbers.emitted), disturbance);
  };
  return made;
}

Scenario skipping(Draw& draw) {
  return under_policy(
      draw, skip(), [](Number n) { return !fails_always(n) && !fails_first(n); },
      [](const StageReport& stage, Number lost) {
        CHECK(stage.skipped == lost);
        CHECK(stage.retried == 0);
      });
}

Scenario retrying(Draw& draw) {
  const auto back_off = std::chrono::microseconds{draw.one_in(2) ? 0 : 20};
  return under_policy(
      draw, retry(2, back_off).then(skip()), [](Number n) { return !fails_always(n); },
      [](const StageReport& stage, Number lost) {
        CHECK(stage.skipped == lost);
        CHECK(stage.retried >= 2 * lost);
      });
}

Scenario burying(Draw& draw) {
  return under_policy(
      draw, retry(1).then(dead_letter("seeded")), [](Number n) { return !fails_always(n); },
      [](const StageReport& stage, Number lost) { CHECK(stage.dead == lost); });
}

Scenario failing(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = kMost};
  const Number bad = draw.between(0, kMost - 1);
  const auto got = collected();
  const auto fail = [bad](Number n) {
    if (n == bad) throw std::runtime_error("bad");
    return n;
  };
  made.fails = true;
  made.pipeline.source("read", numbers, draw.source()) | map("fail", fail, draw.stage()) |
      sink("collect", into(got), draw.sink(2));
  made.check = [=](const Report& report, Disturbance disturbance) {
    check_arrived(*got, up_to(kMost), Disturbance::cancel);
    if (disturbance != Disturbance::none) return;
    CHECK(report.status == RunStatus::failed);
    CHECK(report.stage("fail").failed == 1);
    REQUIRE(report.errors.size() == 1);
    CHECK(report.errors[0].item == bad);
  };
  return made;
}

Scenario stopping_itself(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = 100'000};
  const Number last = draw.between(0, kMost);
  const auto got = collected();
  const auto stop = [last](Number n, Context& context) {
    if (n == last) context.stop();
    return n;
  };
  made.pipeline.source("read", numbers, draw.source()) | map("stop", stop, draw.stage()) |
      sink("collect", into(got), draw.sink(2));
  made.check = [=](const Report& report, Disturbance disturbance) {
    check_arrived(*got, up_to(*numbers.emitted), disturbance);
    if (disturbance == Disturbance::none) CHECK(report.status == RunStatus::stopped);
  };
  return made;
}

Scenario cancelling_itself(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = 100'000};
  const Number last = draw.between(0, kMost);
  const auto got = collected();
  const auto cancel = [=](Number n, Context& context) {
    got->add(n);
    if (n == last) context.cancel();
  };
  made.pipeline.source("read", numbers, draw.source()) |
      map(
          "same", [](Number n) { return n; }, draw.stage()) |
      sink("cancel", cancel, draw.sink());
  made.check = [=](const Report& report, Disturbance disturbance) {
    check_arrived(*got, up_to(*numbers.emitted), Disturbance::cancel);
    if (disturbance == Disturbance::none) CHECK(report.status == RunStatus::cancelled);
  };
  return made;
}

}  // namespace sluice::testing_support
