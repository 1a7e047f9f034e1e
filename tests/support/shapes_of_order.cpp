// support/shapes_of_order.cpp: scenarios in which stages of several workers keep the order of their input.
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

/// One worker: several may take items in order and finish them in another one.
SinkOptions one_sink(Draw& draw) { return draw.sink(1); }

/// n % 3 outputs, after which some items fail always and some in the first attempt.
void some(Number n, Emitter<Number>& out) {
  for (Number i = 0; i < n % 3; ++i) out.emit(3 * n + i);
  if (n % 11 == 4) throw std::runtime_error("always");
  if (n % 7 == 2 && out.context().attempt() == 1) throw std::runtime_error("first");
}

Number at_second_attempt(Number n, Context& context) {
  if (n % 5 == 3 && context.attempt() == 1) throw std::runtime_error("first");
  return n;
}

ErrorPolicy any_policy(Draw& draw) {
  const std::chrono::nanoseconds back_off = std::chrono::microseconds{draw.one_in(4) ? 20 : 0};
  return retry(1, back_off).then(draw.one_in(2) ? skip() : dead_letter("four"));
}

std::vector<Number> outputs_of_some(Number count) {
  std::vector<Number> expected;
  for (Number n = 0; n < count; ++n) {
    if (n % 11 == 4) continue;
    for (Number i = 0; i < n % 3; ++i) expected.push_back(3 * n + i);
  }
  return expected;
}

}  // namespace

Scenario ordered(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const auto got = collected();
  StageOptions options = draw.ordered_stage();
  options.on_error = any_policy(draw);
  StageOptions retried = draw.ordered_stage();
  retried.on_error = any_policy(draw);
  made.pipeline.source("read", numbers, draw.source()) | map("same", at_second_attempt, retried) |
      flat_map<Number>("some", some, options) |
      filter(
          "not 9", [](Number n) { return n % 10 != 9; }, draw.ordered_stage()) |
      sink("collect", into(got), one_sink(draw));
  made.check = [=](const Report&, Disturbance disturbance) {
    std::vector<Number> expected = outputs_of_some(*numbers.emitted);
    std::erase_if(expected, [](Number n) { return n % 10 == 9; });
    check_in_order(*got, expected, disturbance);
  };
  return made;
}

Scenario ordered_branches(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  std::vector<std::shared_ptr<Collected<Number>>> got;
  StageOptions options = draw.ordered_stage();
  options.on_error = any_policy(draw);
  auto stream = made.pipeline.source("read", numbers, draw.source()) |
                flat_map<Number>("some", some, options);
  for (std::size_t i = 0; i < 2; ++i) {
    got.push_back(collected());
    stream | sink("collect " + std::to_string(i), into(got.back()), one_sink(draw));
  }
  got.push_back(collected());
  stream | key_by([](const Number& n) { return n % 5; }) |
      sink("keyed", into(got.back()), draw.sink(3));
  made.check = [=](const Report&, Disturbance disturbance) {
    const std::vector<Number> expected = outputs_of_some(*numbers.emitted);
    check_in_order(*got[0], expected, disturbance);
    check_in_order(*got[1], expected, disturbance);
    check_arrived(*got[2], expected, disturbance);
  };
  return made;
}

/// The sink wants only the first few.
Scenario ordered_enough(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const auto got = collected();
  const std::size_t wanted = draw.between(1, 20);
  const auto write = [got, wanted](Number n) {
    got->add(n);
    return got->size() < wanted ? Demand::more : Demand::enough;
  };
  made.pipeline.source("read", numbers, draw.source()) |
      map(
          "same", [](Number n) { return n; }, draw.ordered_stage()) |
      map(
          "again", [](Number n) { return n; }, draw.ordered_stage()) |
      sink("collect", write, one_sink(draw));
  made.check = [=](const Report&, Disturbance disturbance) {
    std::vector<Number> expected = up_to(*numbers.emitted);
    if (expected.size() > wanted) expected.resize(wanted);
    check_in_order(*got, expected, disturbance);
  };
  return made;
}

/// An item of the ordered stage says that it is the last one.
Scenario ordered_last(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const Number last = draw.between(0, kMost);
  const auto got = collected();
  const auto work = [last](Number n, Context& context) {
    if (n >= last) context.enough();
    return n;
  };
  made.pipeline.source("read", numbers, draw.source()) | map("work", work, draw.ordered_stage()) |
      sink("collect", into(got), one_sink(draw));
  made.check = [=](const Report&, Disturbance disturbance) {
    std::vector<Number> expected = up_to(*numbers.emitted);
    if (expected.size() > last + 1) expected.resize(last + 1);
    check_in_order(*got, expected, disturbance);
  };
  return made;
}

/// Every worker of a class with finish() emits its sum last, in the order of the workers.
Scenario ordered_finish(Draw& draw) {
  struct Sum {
    using Out = Number;
    Number sum = 0;
    std::size_t worker = 0;
    void start(Context& context) { worker = context.worker(); }
    void process(Number n, Emitter<Number>& out) {
      sum += n;
      out.emit(n);
    }
    void finish(Emitter<Number>& out) { out.emit(1'000'000 + 1000 * worker); }
  };
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const auto got = collected();
  const StageOptions options = draw.ordered_stage();
  made.pipeline.source("read", numbers, draw.source()) |
      stage("sum", factory([] { return Sum{}; }), options) |
      sink("collect", into(got), one_sink(draw));
  made.check = [=](const Report&, Disturbance disturbance) {
    std::vector<Number> expected = up_to(*numbers.emitted);
    for (std::size_t i = 0; i < options.workers; ++i) expected.push_back(1'000'000 + 1000 * i);
    check_in_order(*got, expected, disturbance);
  };
  return made;
}

/// An item fails the run: what arrived is the beginning.
Scenario ordered_failure(Draw& draw) {
  Scenario made;
  made.fails = true;
  const CountedNumbers numbers{.count = draw.between(1, kMost)};
  const Number fatal = draw.between(0, static_cast<std::size_t>(numbers.count) - 1);
  const auto got = collected();
  const auto work = [fatal](Number n) {
    if (n == fatal) throw std::runtime_error("fatal");
    return n;
  };
  made.pipeline.source("read", numbers, draw.source()) | map("work", work, draw.ordered_stage()) |
      sink("collect", into(got), one_sink(draw));
  made.check = [=](const Report&, Disturbance) {
    std::vector<Number> before = up_to(fatal);
    check_in_order(*got, before, Disturbance::cancel);
  };
  return made;
}

}  // namespace sluice::testing_support
