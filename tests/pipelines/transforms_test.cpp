// pipelines/transforms_test.cpp: map, map_optional, filter and flat_map give the same on every carrier.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/move_only.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

constexpr Number kItems = 200;

StageOptions stage_at(const Setting& setting, std::size_t place) {
  return {.workers = setting.workers,
          .carrier = setting.mix.at(place),
          .capacity = setting.capacity,
          .batch = setting.batch};
}
SinkOptions sink_at(const Setting& setting, std::size_t place) {
  return {.carrier = setting.mix.at(place), .capacity = setting.capacity, .batch = setting.batch};
}

TEST_CASE("Map: one output for each item, from any number of workers", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("map");
    Collected<Number> got;
    p.source("read", numbers(kItems), {.carrier = setting.mix.at(0)}) |
        map(
            "add", [](Number n) { return n + 1; }, stage_at(setting, 1)) |
        map(
            "subtract", [](Number n) { return n - 1; }, stage_at(setting, 2)) |
        sink("collect", got.sink(), sink_at(setting, 3));
    run_watched(p);
    CHECK(got.sorted() == up_to(kItems));
    if (setting.workers == 1) CHECK(got.items() == up_to(kItems));
  });
}

TEST_CASE("Map: an optional result filters, and the report counts what was filtered",
          "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("map to optional");
    Collected<Number> got;
    const auto half = [](Number n) -> std::optional<Number> {
      if (n % 2 == 1) return std::nullopt;
      return n / 2;
    };
    p.source("read", numbers(kItems), {.carrier = setting.mix.at(0)}) |
        map("half", half, stage_at(setting, 1)) | sink("collect", got.sink(), sink_at(setting, 2));
    const Report report = run_watched(p);
    CHECK(got.sorted() == up_to(kItems / 2));
    CHECK(report.stage("half").in == kItems);
    CHECK(report.stage("half").filtered == kItems / 2);
    CHECK(report.stage("half").completed == kItems);
    CHECK(report.stage("half").out == kItems / 2);
  });
}

TEST_CASE("map_optional: an optional result is an output like any other", "[pipeline]") {
  Pipeline p("map_optional");
  Collected<std::optional<Number>> got;
  const auto odd = [](Number n) -> std::optional<Number> {
    if (n % 2 == 1) return std::nullopt;
    return n;
  };
  p.source("read", numbers(4)) | map_optional("odd", odd) | sink("collect", got.sink());
  const Report report = run_watched(p);
  CHECK(got.items() == std::vector<std::optional<Number>>{0, std::nullopt, 2, std::nullopt});
  CHECK(report.stage("odd").filtered == 0);
}

TEST_CASE("Filter: passes on what it keeps and counts the rest", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("filter");
    Collected<Number> got;
    p.source("read", numbers(kItems), {.carrier = setting.mix.at(0)}) |
        filter(
            "small", [](const Number& n) { return n < 30; }, stage_at(setting, 1)) |
        sink("collect", got.sink(), sink_at(setting, 2));
    const Report report = run_watched(p);
    CHECK(got.sorted() == up_to(30));
    CHECK(report.stage("small").filtered == kItems - 30);
    CHECK(report.stage("small").out == 30);
  });
}

TEST_CASE("flat_map: none, one or many outputs for each item, in order for each item",
          "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("flat_map");
    Collected<std::pair<Number, Number>> got;
    const auto repeat = [](Number n, Emitter<std::pair<Number, Number>>& out) {
      for (Number i = 0; i < n % 5; ++i) out.emit({n, i});
    };
    p.source("read", numbers(100), {.carrier = setting.mix.at(0)}) |
        flat_map<std::pair<Number, Number>>("repeat", repeat, stage_at(setting, 1)) |
        sink("collect", got.sink(), sink_at(setting, 2));
    run_watched(p);
    std::vector<std::pair<Number, Number>> expected;
    for (Number n = 0; n < 100; ++n) {
      for (Number i = 0; i < n % 5; ++i) expected.emplace_back(n, i);
    }
    CHECK(got.sorted() == expected);
    std::vector<Number> next(100);
    for (const auto& [n, i] : got.items()) CHECK(next[n]++ == i);
  });
}

TEST_CASE("flat_map: outputs of one item may exceed every capacity", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("burst");
    Collected<Number> got;
    const auto burst = [](Number, Emitter<Number>& out) {
      for (Number i = 0; i < 5000; ++i) out.emit(i);
    };
    p.source("read", numbers(1), {.carrier = mix.at(0)}) |
        flat_map<Number>("burst", burst, {.carrier = mix.at(1)}) |
        sink("collect", got.sink(), {.carrier = mix.at(2), .capacity = 1});
    run_watched(p);
    CHECK(got.items() == up_to(5000));
  });
}

struct Page {
  Number number = 0;
  std::string text{};
  [[nodiscard]] bool is_even() const { return number % 2 == 0; }
};

std::vector<Number> every_second(Number from) {
  std::vector<Number> list;
  for (Number n = from; n < kItems; n += 2) list.push_back(n);
  return list;
}

TEST_CASE("Members of the item do as functions, wherever one is asked for", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("members");
    Collected<Number> kept, keyed, odd;
    auto pages = p.source("read", numbers(kItems), {.carrier = setting.mix.at(0)}) |
                 map(
                     "make", [](Number n) { return Page{.number = n, .text = std::to_string(n)}; },
                     stage_at(setting, 1));
    pages | filter("keep", &Page::is_even, stage_at(setting, 2)) |
        map("number", &Page::number, stage_at(setting, 3)) |
        sink("kept", kept.sink(), sink_at(setting, 0));
    pages | key_by(&Page::text) | map("keyed", &Page::number, stage_at(setting, 1)) |
        sink("all", keyed.sink(), sink_at(setting, 2));
    auto arms = route(pages, &Page::is_even);
    arms[0] | sink(
                  "even", [](const Page&) {}, sink_at(setting, 3));
    arms[1] | map("odd", &Page::number, stage_at(setting, 0)) |
        sink("rest", odd.sink(), sink_at(setting, 1));
    run_watched(p);
    CHECK(kept.sorted() == every_second(0));
    CHECK(keyed.sorted() == up_to(kItems));
    CHECK(odd.sorted() == every_second(1));
  });
}

// Does its work only when it was started.
struct Adder {
  bool started = false;
  void start(Context&) { started = true; }
  Number operator()(Number n) const { return started ? n : kItems; }
};
struct Keeper : Adder {
  bool operator()(Number) const { return started; }
};
struct Repeater : Adder {
  void operator()(Number n, Emitter<Number>& out) const {
    if (started) out.emit(n);
  }
};
struct Taker : Adder {
  Collected<Number>* got = nullptr;
  void operator()(Number n) const {
    if (started) got->add(n);
  }
};

TEST_CASE("An object that is a function and has a start is started by every worker", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("started");
    Collected<Number> got;
    Taker taker;
    taker.got = &got;
    p.source("read", numbers(kItems), {.carrier = setting.mix.at(0)}) |
        map("add", Adder{}, stage_at(setting, 1)) | filter("keep", Keeper{}, stage_at(setting, 2)) |
        flat_map<Number>("repeat", Repeater{}, stage_at(setting, 3)) |
        sink("take", taker, sink_at(setting, 0));
    run_watched(p);
    CHECK(got.sorted() == up_to(kItems));
  });
}

TEST_CASE("Items that can only be moved pass through every kind of stage", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("move only");
    Collected<Number> got;
    auto read = [next = Number{0}]() mutable -> std::optional<MoveOnly> {
      if (next == 100) return std::nullopt;
      return MoveOnly(next++);
    };
    p.source("read", read, {.carrier = setting.mix.at(0)}) |
        map(
            "map", [](MoveOnly item) { return item; }, stage_at(setting, 1)) |
        filter(
            "filter", [](const MoveOnly& item) { return item.has_value(); }, stage_at(setting, 2)) |
        flat_map<MoveOnly>(
            "flat_map", [](MoveOnly item, Emitter<MoveOnly>& out) { out.emit(std::move(item)); },
            stage_at(setting, 3)) |
        sink(
            "collect", [&](MoveOnly item) { got.add(item.value()); }, sink_at(setting, 4));
    run_watched(p);
    CHECK(got.sorted() == up_to(100));
  });
}

TEST_CASE("A callable may take the context, and gets that of its worker", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("context");
    Collected<Number> ordinals;
    std::atomic<bool> right{true};
    const auto look = [&](Number n, Context& context) {
      ordinals.add(context.item());
      if (context.stage() != "look" || context.worker() >= 3 || context.workers() != 3) {
        right = false;
      }
      return n;
    };
    p.source("read", numbers(50), {.carrier = mix.at(0)}) |
        map("look", look, {.workers = 3, .carrier = mix.at(1)}) |
        sink("drop", [](Number, Context&) {}, {.carrier = mix.at(2)});
    run_watched(p);
    CHECK(right);
    CHECK(ordinals.sorted() == up_to(50));  // the ordinal on the input edge, each once
  });
}

TEST_CASE("Default workers, order: one worker keeps the order", "[pipeline]") {
  Pipeline p("defaults");
  Collected<Number> got;
  p.source("read", numbers(5000)) | map("a", [](Number n) { return n; }) |
      filter("b", [](Number) { return true; }) | sink("collect", got.sink());
  const Report report = run_watched(p);
  CHECK(got.items() == up_to(5000));
  CHECK(report.stage("a").workers == 1);
  const Plan planned = plan(p);
  CHECK(planned.stages[0].carrier == Carrier::thread);
  CHECK(planned.stages[1].carrier == Carrier::pool);
}

TEST_CASE("Default workers, order: describe says that several workers keep no order",
          "[pipeline]") {
  Pipeline p("several");
  p.source("read", numbers(1)) | map("a", [](Number n) { return n; }, {.workers = 2}) |
      sink("drop", [](Number) {});
  CHECK(plan(p).text().find("order none: several workers") != std::string::npos);
}

}  // namespace
}  // namespace sluice
