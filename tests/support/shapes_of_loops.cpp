// support/shapes_of_loops.cpp: scenarios with cycles.
// SPDX-License-Identifier: MIT
#include <support/shapes.hpp>

#include <sluice/feedback.hpp>

namespace sluice::testing_support {
namespace {

constexpr Number kRoots = 12;

std::shared_ptr<Collected<Number>> collected() { return std::make_shared<Collected<Number>>(); }

auto into(const std::shared_ptr<Collected<Number>>& got) {
  return [got](Number n) { got->add(n); };
}

// A tree of n: n - 1 and n - 2 are its branches, 0 and 1 are leaves.
void split(Number n, Emitter<Number>& out) {
  n %= 8;
  if (n < 2) return out.emit(n);
  out.emit(n - 1);
  out.emit(n - 2);
}
bool is_tree(const Number& n) { return n >= 2; }

void add_leaves(Number n, std::vector<Number>& leaves) {
  n %= 8;
  if (n < 2) return leaves.push_back(n);
  add_leaves(n - 1, leaves);
  add_leaves(n - 2, leaves);
}

std::vector<Number> leaves_of(Number roots) {
  std::vector<Number> leaves;
  for (Number n = 0; n < roots; ++n) add_leaves(n, leaves);
  return leaves;
}

FeedbackOptions feedback_options(Draw& draw) {
  return {.capacity = draw.between(1, 4), .memory_items = draw.between(1, 8)};
}

StageOptions in_some_order(Draw& draw) {
  return draw.one_in(2) ? draw.stage() : draw.ordered_stage();
}

}  // namespace

Scenario looped(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kRoots)};
  const auto got = collected();
  Feedback<Number> again(made.pipeline, "again", feedback_options(draw));
  auto split_up = merge(made.pipeline.source("read", numbers, draw.source()), again.items()) |
                  flat_map<Number>("split", split, in_some_order(draw));
  auto [trees, leaves] =
      route(split_up | map(
                           "same", [](Number n) { return n; }, in_some_order(draw)),
            is_tree);
  again.put_back(trees);
  leaves | sink("collect", into(got), draw.sink(1));
  made.check = [=](const Report&, Disturbance disturbance) {
    check_arrived(*got, leaves_of(*numbers.emitted), disturbance);
  };
  return made;
}

/// Two ways back, and the results leave in the middle of the loop.
Scenario looped_twice(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kRoots)};
  const auto got = collected();
  Feedback<Number> one(made.pipeline, "one", feedback_options(draw));
  Feedback<Number> two(made.pipeline, "two", feedback_options(draw));
  auto all =
      merge(merge(made.pipeline.source("read", numbers, draw.source()), one.items()), two.items());
  auto [trees, leaves] =
      route(all | flat_map<Number>("split", split, in_some_order(draw)), is_tree);
  auto [odd, even] = route(trees, [](const Number& n) { return n % 2 == 1; });
  one.put_back(odd | map(
                         "same", [](Number n) { return n; }, in_some_order(draw)));
  two.put_back(even);
  leaves | sink("collect", into(got), draw.sink(1));
  made.check = [=](const Report&, Disturbance disturbance) {
    check_arrived(*got, leaves_of(*numbers.emitted), disturbance);
  };
  return made;
}

}  // namespace sluice::testing_support
