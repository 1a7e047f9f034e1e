// pipelines/reduce_test.cpp: folding into one state, into combined states, and into a state per key.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

constexpr auto kAdd = [](Number& sum, Number n) { sum += n; };
constexpr auto kCombine = [](Number& sum, Number&& other) { sum += other; };

StageOptions options_of(const Setting& setting) {
  return {.workers = setting.workers,
          .carrier = setting.mix.at(1),
          .capacity = setting.capacity,
          .batch = setting.batch};
}

TEST_CASE("Reduce: emits its one state at finish", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("sum");
    Collected<Number> got;
    p.source("read", numbers(1000), {.carrier = mix.at(0)}) |
        reduce("sum", Number{7}, kAdd, {.carrier = mix.at(1), .capacity = 3}) |
        sink("collect", got.sink(), {.carrier = mix.at(2)});
    run_watched(p);
    CHECK(got.items() == std::vector<Number>{7 + 499'500});
  });
}

TEST_CASE("Reduce: more than one worker without key_by needs a combine", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("sum");
    Collected<Number> got;
    p.source("read", numbers(500), {.carrier = setting.mix.at(0)}) |
        reduce("sum", Number{0}, kAdd, kCombine, options_of(setting)) |
        sink("collect", got.sink(), {.carrier = setting.mix.at(2)});
    run_watched(p);
    CHECK(got.items() == std::vector<Number>{124'750});
  });
}

TEST_CASE("Reduce: without items it emits the initial state, or nothing when keyed", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("empty");
    Collected<Number> one;
    Collected<Number> combined;
    Collected<std::pair<Number, Number>> keyed;
    auto nothing = p.source("read", numbers(0), {.carrier = mix.at(0)});
    nothing | reduce("one", Number{5}, kAdd, {.carrier = mix.at(1)}) | sink("a", one.sink());
    nothing | reduce("combined", Number{0}, kAdd, kCombine, {.workers = 3, .carrier = mix.at(1)}) |
        sink("b", combined.sink());
    nothing | key_by([](const Number& n) { return n; }) |
        reduce("keyed", Number{0}, kAdd, {.workers = 3, .carrier = mix.at(1)}) |
        sink("c", keyed.sink());
    run_watched(p);
    CHECK(one.items() == std::vector<Number>{5});
    CHECK(combined.items() == std::vector<Number>{0});
    CHECK(keyed.items().empty());
  });
}

TEST_CASE("Reduce: keyed, emits (key, state) at finish for each key once", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("keyed");
    Collected<std::pair<std::string, Number>> got;
    p.source("read", numbers(300), {.carrier = setting.mix.at(0)}) |
        key_by([](const Number& n) { return std::to_string(n % 40); }) |
        reduce("sum", Number{0}, kAdd, options_of(setting)) |
        sink("collect", got.sink(), {.carrier = setting.mix.at(2), .capacity = setting.capacity});
    run_watched(p);
    std::map<std::string, Number> expected;
    for (Number n = 0; n < 300; ++n) expected[std::to_string(n % 40)] += n;
    CHECK(got.sorted() ==
          std::vector<std::pair<std::string, Number>>(expected.begin(), expected.end()));
  });
}

TEST_CASE("Reduce: more keys than any capacity or part come out, through a queue of one",
          "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("many keys");
    Collected<Number> got;
    p.source("read", numbers(3000), {.carrier = mix.at(0)}) |
        key_by([](const Number& n) { return n; }) |
        reduce("count", Number{0}, [](Number& count, Number) { ++count; },
               {.workers = 2, .carrier = mix.at(1)}) |
        map("key", [](std::pair<Number, Number> entry) { return entry.first; },
            {.carrier = mix.at(2), .capacity = 1}) |
        sink("collect", got.sink(), {.carrier = mix.at(3), .capacity = 1});
    run_watched(p);
    CHECK(got.sorted() == up_to(3000));
  });
}

TEST_CASE("Reduce: a key whose only item was skipped does not come out", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("skipped key");
    Collected<std::pair<Number, Number>> got;
    const auto add = [](Number& count, Number n) {
      ++count;
      if (n >= 90) throw std::runtime_error("too large");
    };
    p.source("read", numbers(100), {.carrier = mix.at(0)}) |
        key_by([](const Number& n) { return n; }) |
        reduce("count", Number{0}, add, {.workers = 2, .carrier = mix.at(1), .on_error = skip()}) |
        sink("collect", got.sink(), {.carrier = mix.at(2)});
    const Report report = run_watched(p);
    CHECK(got.size() == 90);
    CHECK(report.stage("count").skipped == 10);
    for (const auto& [key, count] : got.items()) {
      CHECK(key < 90);
      CHECK(count == 1);
    }
  });
}

TEST_CASE("Reduce: runs of one pipeline at the same time do not share states", "[pipeline]") {
  Pipeline p("sum");
  Collected<Number> got;
  p.source("read", numbers(2000)) |
      reduce("sum", Number{0}, kAdd, kCombine, {.workers = 2, .capacity = 4}) |
      sink("collect", got.sink());
  WatchedRun one(p);
  WatchedRun two(p);
  one->wait();
  two->wait();
  CHECK(got.items() == std::vector<Number>{1'999'000, 1'999'000});
}

}  // namespace
}  // namespace sluice
