// support/shapes_of_data.cpp: scenarios in which items take every kind of way.
// SPDX-License-Identifier: MIT
#include <support/shapes.hpp>

#include <map>

namespace sluice::testing_support {
namespace {

constexpr Number kMost = 60;

template <class T = Number>
std::shared_ptr<Collected<T>> collected() {
  return std::make_shared<Collected<T>>();
}

auto into(const std::shared_ptr<Collected<Number>>& got) {
  return [got](Number n) { got->add(n); };
}

}  // namespace

Scenario chain(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const auto got = collected();
  const auto twice = [](Number n, Emitter<Number>& out) {
    out.emit(2 * n);
    out.emit(2 * n + 1);
  };
  made.pipeline.source("read", numbers, draw.source()) |
      map(
          "add", [](Number n) { return n + 1; }, draw.stage()) |
      filter(
          "odd", [](Number n) { return n % 2 == 1; }, draw.stage()) |
      flat_map<Number>("twice", twice, draw.stage()) | sink("collect", into(got), draw.sink(3));
  made.check = [=](const Report&, Disturbance disturbance) {
    std::vector<Number> expected;
    for (Number n = 1; n <= *numbers.emitted; n += 2) {
      expected.push_back(2 * n);
      expected.push_back(2 * n + 1);
    }
    check_arrived(*got, expected, disturbance);
  };
  return made;
}

Scenario fan_out(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  std::vector<std::shared_ptr<Collected<Number>>> got;
  auto stream = made.pipeline.source("read", numbers, draw.source()) |
                map(
                    "same", [](Number n) { return n; }, draw.stage());
  for (std::size_t i = draw.between(2, 4); i-- > 0;) {
    got.push_back(collected());
    stream | sink("collect " + std::to_string(i), into(got.back()), draw.sink(2));
  }
  made.check = [=](const Report&, Disturbance disturbance) {
    for (const auto& branch : got) check_arrived(*branch, up_to(*numbers.emitted), disturbance);
  };
  return made;
}

Scenario diamond(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const auto got = collected();
  auto stream = made.pipeline.source("read", numbers, draw.source());
  auto even = stream | map(
                           "even", [](Number n) { return 2 * n; }, draw.stage());
  auto odd = stream | map(
                          "odd", [](Number n) { return 2 * n + 1; }, draw.stage());
  merge(even, odd) |
      map(
          "same", [](Number n) { return n; }, draw.stage()) |
      sink("collect", into(got), draw.sink(2));
  made.check = [=](const Report&, Disturbance disturbance) {
    check_arrived(*got, up_to(2 * *numbers.emitted), disturbance);
  };
  return made;
}

Scenario routed(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const auto thirds = collected();
  const auto rest = collected();
  const auto all = collected();
  auto stream = made.pipeline.source("read", numbers, draw.source());
  auto arms = route(
      stream, [](Number n) { return n % 3 == 0; }, [](Number n) { return n % 3 == 1; });
  arms[0] | sink("thirds", into(thirds), draw.sink(2));
  merge(arms[1], arms[2]) | sink("rest", into(rest), draw.sink());
  stream | sink("all", into(all), draw.sink(2));
  made.check = [=](const Report&, Disturbance disturbance) {
    const Number emitted = *numbers.emitted;
    const auto is_third = [](bool wanted) {
      return
          [wanted](Number n) { return (n % 3 == 0) == wanted ? std::optional(n) : std::nullopt; };
    };
    check_arrived(*thirds, list_of(emitted, is_third(true)), disturbance);
    check_arrived(*rest, list_of(emitted, is_third(false)), disturbance);
    check_arrived(*all, up_to(emitted), disturbance);
  };
  return made;
}

Scenario keyed(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const Number keys = draw.between(1, 12);
  struct Arrival {
    Number n;
    std::size_t worker;
  };
  const auto got = collected<Arrival>();
  const auto plain = collected();
  const auto note = [=](Number n, Context& context) {
    got->add({n, context.worker()});
    plain->add(n);
  };
  made.pipeline.source("read", numbers, draw.source()) |
      key_by([keys](const Number& n) { return n % keys; }) | sink("note", note, draw.sink(4));
  made.check = [=](const Report&, Disturbance disturbance) {
    check_arrived(*plain, up_to(*numbers.emitted), disturbance);
    std::map<Number, Arrival> last;
    bool right = true;
    for (const Arrival& arrival : got->items()) {
      const auto [at, is_new] = last.try_emplace(arrival.n % keys, arrival);
      right = right && at->second.worker == arrival.worker && (is_new || at->second.n < arrival.n);
      at->second = arrival;
    }
    CHECK(right);  // one worker a key, and in order
  };
  return made;
}

Scenario reduced(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const Number keys = draw.between(1, 12);
  const auto sums = collected<std::pair<Number, Number>>();
  const auto total = collected();
  const auto add = [](Number& sum, Number n) { sum += n; };
  auto stream = made.pipeline.source("read", numbers, draw.source());
  stream | key_by([keys](const Number& n) { return n % keys; }) |
      reduce("by key", Number{0}, add, draw.stage(4)) |
      sink(
          "collect", [=](std::pair<Number, Number> sum) { sums->add(sum); }, draw.sink());
  stream |
      reduce(
          "all", Number{0}, add, [](Number& sum, Number&& n) { sum += n; }, draw.stage()) |
      sink("total", into(total), draw.sink());
  made.check = [=](const Report&, Disturbance disturbance) {
    if (disturbance == Disturbance::cancel) return;  // states that were not finished are dropped
    std::map<Number, Number> expected;
    Number sum = 0;
    for (Number n = 0; n < *numbers.emitted; ++n) {
      expected[n % keys] += n;
      sum += n;
    }
    CHECK(sums->sorted() ==
          std::vector<std::pair<Number, Number>>(expected.begin(), expected.end()));
    CHECK(total->items() == std::vector<Number>{sum});
  };
  return made;
}

Scenario batched(Draw& draw) {
  Scenario made;
  const CountedNumbers numbers{.count = draw.between(0, kMost)};
  const auto got = collected();
  const auto unpack = [](std::vector<Number> pack, Emitter<Number>& out) {
    for (const Number n : pack) out.emit(n);
  };
  const auto linger = draw.one_in(2) ? std::chrono::nanoseconds{std::chrono::hours{1}}
                                     : std::chrono::nanoseconds{0};
  made.pipeline.source("read", numbers, draw.source()) |
      batch("pack", draw.between(1, 9), linger, draw.stage()) |
      flat_map<Number>("unpack", unpack, draw.stage()) | sink("collect", into(got), draw.sink(2));
  made.check = [=](const Report&, Disturbance disturbance) {
    check_arrived(*got, up_to(*numbers.emitted), disturbance);
  };
  return made;
}

}  // namespace sluice::testing_support
