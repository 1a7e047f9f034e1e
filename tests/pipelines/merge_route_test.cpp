// pipelines/merge_route_test.cpp: several streams into one, and one into several by predicate.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/gate.hpp>
#include <support/move_only.hpp>
#include <support/numbers.hpp>
#include <support/scale.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <optional>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

/// Numbers first, first + step, ... `count` of them.
auto every(Number first, Number step, Number count) {
  return [=, made = Number{0}]() mutable -> std::optional<Number> {
    if (made == count) return std::nullopt;
    return first + step * made++;
  };
}

SinkOptions sink_at(const Setting& setting, std::size_t place) {
  return {.carrier = setting.mix.at(place), .capacity = setting.capacity, .batch = setting.batch};
}

TEST_CASE("Merge: one queue with all items, each producer's in order", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("merge");
    Collected<Number> got;
    auto zeros = p.source("zeros", every(0, 3, 60), {.carrier = setting.mix.at(0)});
    auto ones = p.source("ones", every(1, 3, 60), {.carrier = setting.mix.at(1)});
    auto twos = p.source("twos", every(2, 3, 60), {.carrier = setting.mix.at(2)});
    merge(zeros, ones, twos) | sink("collect", got.sink(), sink_at(setting, 3));
    const Report report = run_watched(p);
    CHECK(got.sorted() == up_to(180));
    REQUIRE(report.edges.size() == 1);
    CHECK(report.edges[0].put == 180);
    Number next[3] = {0, 1, 2};
    for (const Number n : got.items()) {
      CHECK(n == next[n % 3]);
      next[n % 3] += 3;
    }
  });
}

TEST_CASE("Merge: closes with the last of its producers", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("last");
    Gate gate;
    Collected<Number> got;
    auto slow = [&gate, done = false]() mutable -> std::optional<Number> {
      if (done) return std::nullopt;
      gate.pass();
      done = true;
      return 5;
    };
    merge(p.source("quick", every(0, 1, 5), {.carrier = mix.at(0)}), p.source("slow", slow)) |
        sink("collect", got.sink(), {.carrier = mix.at(1)});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    wait_until([&] { return got.size() == 5; });
    CHECK(run->join(Deadline::now()) == JoinStatus::late);
    gate.open();
    run->wait();
    CHECK(got.items() == up_to(6));
  });
}

TEST_CASE("Merge: a diamond joins what was fanned out", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("diamond");
    Collected<Number> got;
    auto stream = p.source("read", every(0, 1, 100), {.carrier = setting.mix.at(0)});
    const StageOptions options = {.workers = setting.workers,
                                  .carrier = setting.mix.at(1),
                                  .capacity = setting.capacity,
                                  .batch = setting.batch};
    merge(stream | map(
                       "even", [](Number n) { return 2 * n; }, options),
          stream | map(
                       "odd", [](Number n) { return 2 * n + 1; }, options)) |
        sink("collect", got.sink(), sink_at(setting, 2));
    run_watched(p);
    CHECK(got.sorted() == up_to(200));
  });
}

// More go round than fit into the edge up to the half and the queue together.
TEST_CASE("A loop through the application's own queue goes on while there is room anywhere in it",
          "[pipeline]") {
  constexpr Number kTokens = 1500;
  constexpr Number kRounds = scaled<Number>(20'000);
  Queue<Number> back(512);
  const auto read = [&back, made = Number{0}]() mutable -> std::optional<Number> {
    if (made < kTokens) return made++;
    auto item = back.get();
    return item ? std::optional(*item) : std::nullopt;
  };
  Number seen = 0;
  const auto write = [&](Number n) {
    if (++seen == kRounds) back.close();
    static_cast<void>(back.put(n));
  };
  Pipeline p("a loop");
  p.source("read", read, {.carrier = Carrier::thread}) |
      sink("write", write, {.carrier = Carrier::thread, .capacity = 1024});
  const Report report = run_watched(p);
  CHECK(report.status == RunStatus::done);
  CHECK(seen >= kRounds);
}

// The many come only as fast as the sink takes them, so the level never falls to the half.
TEST_CASE("Merge: a producer gets its turn however full another one keeps the edge", "[pipeline]") {
  constexpr Number kInFlight = 600;
  std::atomic<bool> last_few{false};
  std::counting_semaphore<> tokens{kInFlight};
  Pipeline p("fair");
  auto many = p.source("many",
                       [&]() -> std::optional<Number> {
                         tokens.acquire();
                         return last_few ? std::nullopt : std::optional(Number{0});
                       },
                       {.carrier = Carrier::thread});
  auto few = p.source("few", numbers(2000), {.carrier = Carrier::thread}) |
             map("mark", [](Number n) { return n + 1; }, {.carrier = Carrier::thread});
  const auto write = [&](Number n) {
    if (n == 2000) last_few = true;
    if (n == 0 || n == 2000) tokens.release();
  };
  merge(std::move(many), std::move(few)) |
      sink("write", write, {.carrier = Carrier::thread, .capacity = 1024});
  const Report report = run_watched(p);
  CHECK(report.status == RunStatus::done);
  CHECK(report.stage("mark").out == 2000);
}

TEST_CASE("Route: the first predicate that holds takes the item, the last stream the rest",
          "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("route");
    Collected<Number> got[3];
    auto arms = route(
        p.source("read", every(0, 1, 90), {.carrier = setting.mix.at(0)}),
        [](Number n) { return n % 2 == 0; }, [](Number n) { return n % 3 == 0; });
    for (std::size_t i = 0; i < 3; ++i) {
      arms[i] | sink("arm " + std::to_string(i), got[i].sink(), sink_at(setting, i));
    }
    const Report report = run_watched(p);
    std::vector<Number> expected[3];
    for (Number n = 0; n < 90; ++n) expected[n % 2 == 0 ? 0 : n % 3 == 0 ? 1 : 2].push_back(n);
    for (std::size_t i = 0; i < 3; ++i) CHECK(got[i].items() == expected[i]);
    CHECK(report.stage("read").out == 90);
    CHECK(report.stage("read").refused == 0);
  });
}

TEST_CASE("Route: every predicate is asked once for each item, so it may count", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("round robin");
    Collected<Number> got[3];
    std::atomic<Number> asked{0};
    const auto first = [&asked](Number) { return asked++ % 3 == 0; };
    std::atomic<Number> asked_again{0};
    const auto second = [&asked_again](Number) { return asked_again++ % 2 == 0; };
    auto arms = route(p.source("read", every(0, 1, 90), {.carrier = mix.at(0)}), first, second);
    for (std::size_t i = 0; i < 3; ++i) {
      arms[i] | sink("arm " + std::to_string(i), got[i].sink(), {.carrier = mix.at(i)});
    }
    run_watched(p);
    CHECK(asked == 90);
    CHECK(asked_again == 60);
    for (const auto& arm : got) CHECK(arm.size() == 30);
  });
}

TEST_CASE("Route: a predicate is asked once, however often and wherever its arms are used",
          "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("arms used twice");
    Collected<Number> got[4];
    std::atomic<Number> asked{0};
    std::atomic<Number> asked_inside{0};
    const auto outer = [&asked](Number n) { return ++asked != 0 && n % 2 == 0; };
    const auto inner = [&asked_inside](Number n) { return ++asked_inside != 0 && n % 4 == 0; };
    auto [even, odd] = route(p.source("read", every(0, 1, 120), {.carrier = mix.at(0)}), outer);
    auto [fours, twos] = route(even, inner);
    fours | sink("fours", got[0].sink(), {.carrier = mix.at(1), .capacity = 1});
    merge(odd, twos) | sink("rest", got[1].sink(), {.carrier = mix.at(2), .capacity = 2});
    odd | key_by([](const Number& n) { return n; }) |
        sink("odd", got[2].sink(), {.workers = 3, .carrier = mix.at(1), .capacity = 3});
    even | sink("even", got[3].sink(), {.carrier = mix.at(0)});
    run_watched(p);
    CHECK(asked == 120);
    CHECK(asked_inside == 60);
    CHECK(got[0].size() == 30);
    CHECK(got[1].size() == 90);
    CHECK(got[2].size() == 60);
    CHECK(got[3].size() == 60);
  });
}

TEST_CASE("Route: routes, fan-out and key_by follow each other", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("chain");
    Collected<Number> odd;
    Collected<Number> eights;
    Collected<std::pair<Number, Number>> fours;
    Collected<Number> fours_too;
    auto [even_arm, odd_arm] = route(p.source("read", every(0, 1, 160), {.carrier = mix.at(0)}),
                                     [](Number n) { return n % 2 == 0; });
    auto [eight_arm, four_arm] = route(even_arm, [](Number n) { return n % 8 == 0; });
    odd_arm | sink("odd", odd.sink(), {.carrier = mix.at(1)});
    eight_arm | sink("eights", eights.sink(), {.carrier = mix.at(1)});
    four_arm | key_by([](const Number& n) { return n % 8; }) |
        reduce("fours", Number{0}, [](Number& count, Number) { ++count; },
               {.workers = 3, .carrier = mix.at(2), .capacity = 3}) |
        sink("collect", fours.sink(), {.carrier = mix.at(1)});
    four_arm | sink("fours too", fours_too.sink(), {.carrier = mix.at(2), .capacity = 1});
    const Report report = run_watched(p);
    CHECK(odd.size() == 80);
    CHECK(eights.size() == 20);
    using Pairs = std::vector<std::pair<Number, Number>>;
    CHECK(fours.sorted() == Pairs{{2, 20}, {4, 20}, {6, 20}});
    CHECK(fours_too.size() == 60);
    CHECK(report.stage("read").out == 80 + 20 + 60 + 60);
  });
}

TEST_CASE("Route: an arm that has ended early loses its items only", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("ended arm");
    Collected<Number> got;
    auto [even_arm, odd_arm] = route(p.source("read", every(0, 1, 100), {.carrier = mix.at(0)}),
                                     [](Number n) { return n % 2 == 0; });
    even_arm | sink("one", [](Number) { return Demand::enough; }, {.carrier = mix.at(1)});
    odd_arm | sink("collect", got.sink(), {.carrier = mix.at(2)});
    const Report report = run_watched(p);
    CHECK(got.size() == 50);
    CHECK(report.status == RunStatus::done);
  });
}

TEST_CASE("Route: items that can only be moved", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("move only");
    Collected<Number> got[2];
    auto read = [next = Number{0}]() mutable -> std::optional<MoveOnly> {
      if (next == 50) return std::nullopt;
      return MoveOnly(next++);
    };
    auto arms = route(p.source("read", read, {.carrier = mix.at(0)}),
                      [](const MoveOnly& item) { return item.value() < 10; });
    for (std::size_t i = 0; i < 2; ++i) {
      std::move(arms[i]) |
          sink("arm " + std::to_string(i), [&got, i](MoveOnly item) { got[i].add(item.value()); },
               {.carrier = mix.at(1), .capacity = 2});
    }
    run_watched(p);
    CHECK(got[0].items() == up_to(10));
    CHECK(got[1].size() == 40);
  });
}

TEST_CASE("A stream by name continues where the stage left off", "[pipeline]") {
  Pipeline p("by name");
  Collected<Number> got;
  static_cast<void>(p.source("read", every(0, 1, 10)) | map("add", [](Number n) { return n + 1; }));
  p.stream<Number>("add") | sink("collect", got.sink());
  p.stream<Number>("add") | sink("collect too", got.sink());
  run_watched(p);
  CHECK(got.size() == 20);
}

}  // namespace
}  // namespace sluice
