// pipelines/fan_out_test.cpp: one stream into several branches.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/counted.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

TEST_CASE("Fan-out: every branch gets every item, in order", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("fan-out");
    Collected<Number> got[3];
    auto stream = p.source("read", numbers(150), {.carrier = setting.mix.at(0)}) |
                  map("same", [](Number n) { return n; },
                      {.workers = setting.workers, .carrier = setting.mix.at(1)});
    for (int i = 0; i < 3; ++i) {
      stream | sink("collect " + std::to_string(i), got[i].sink(),
                    {.carrier = setting.mix.at(static_cast<std::size_t>(i)),
                     .capacity = setting.capacity,
                     .batch = setting.batch});
    }
    const Report report = run_watched(p);
    for (const auto& branch : got) {
      CHECK(branch.sorted() == up_to(150));
      if (setting.workers == 1) CHECK(branch.items() == up_to(150));
    }
    CHECK(report.stage("same").out == 3 * 150);
  });
}

TEST_CASE("Fan-out: an item is copied for all branches but one", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("copies");
    auto read = [next = 0]() mutable -> std::optional<Counted> {
      if (next == 100) return std::nullopt;
      return Counted(static_cast<Number>(next++));
    };
    auto stream = p.source("read", read, {.carrier = mix.at(0)});
    std::atomic<Number> sum{0};
    for (int i = 0; i < 3; ++i) {
      stream | sink("sum " + std::to_string(i), [&](Counted item) { sum += item.value(); },
                    {.carrier = mix.at(1), .capacity = 2});
    }
    const std::int64_t copies = Counted::copies();
    const std::int64_t live = Counted::live();
    run_watched(p);
    CHECK(sum == 3 * 4950);
    CHECK(Counted::copies() - copies == 2 * 100);
    CHECK(Counted::live() == live);
  });
}

TEST_CASE("Fan-out: the slowest branch rules", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("slowest");
    Gate gate;
    std::atomic<int> emitted{0};
    Collected<Number> quick;
    auto read = [&, next = Number{0}]() mutable -> std::optional<Number> {
      if (next == 100) return std::nullopt;
      ++emitted;
      return next++;
    };
    auto stream = p.source("read", read, {.carrier = mix.at(0)});
    stream | sink("quick", quick.sink(), {.carrier = mix.at(1), .capacity = 100});
    stream | sink("slow", [&](Number) { gate.pass(); },
                  {.carrier = mix.at(1), .capacity = 4, .batch = 2});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    gate.wait_for_arrivals(1);
    wait_until([&] { return run->snapshot().edges[1].queued == 4; });
    wait_until([&] { return quick.size() == static_cast<std::size_t>(emitted.load()); });
    CHECK(emitted <= 4 + 2 + 1);  // queued, taken, and the one that waits for room
    gate.open();
    run->wait();
    CHECK(quick.items() == up_to(100));
  });
}

TEST_CASE("Fan-out: a branch that ends early detaches, the others get everything", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("detach");
    Collected<Number> some;
    Collected<Number> all;
    auto stream = p.source("read", numbers(200), {.carrier = setting.mix.at(0)});
    const auto take_five = [&some](Number n) {
      some.add(n);
      return some.size() < 5 ? Demand::more : Demand::enough;
    };
    stream |
        sink("five", take_five,
             {.carrier = setting.mix.at(1), .capacity = setting.capacity, .batch = setting.batch});
    stream |
        sink("all", all.sink(),
             {.carrier = setting.mix.at(2), .capacity = setting.capacity, .batch = setting.batch});
    const Report report = run_watched(p);
    CHECK(some.items() == up_to(5));
    CHECK(all.items() == up_to(200));
    CHECK(report.status == RunStatus::done);
    CHECK(report.stage("read").refused + report.edges[0].put == 200);
  });
}

TEST_CASE("Fan-out: when every branch has ended early, the source is not called any more",
          "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("all end");
    auto stream = p.source("read", endless_numbers(), {.carrier = mix.at(0)});
    for (const Number limit : {3U, 30U}) {
      stream | sink("first " + std::to_string(limit),
                    [=](Number n) { return n + 1 < limit ? Demand::more : Demand::enough; },
                    {.carrier = mix.at(1)});
    }
    const Report report = run_watched(p);  // would never end
    CHECK(report.status == RunStatus::done);
    CHECK(report.stage("first 3").completed == 3);
    CHECK(report.stage("first 30").completed == 30);
  });
}

TEST_CASE("Fan-out: a failure in one branch under fail_run cancels the run", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("fails");
    auto stream = p.source("read", endless_numbers(), {.carrier = mix.at(0)});
    stream | sink("drop", [](Number) {}, {.carrier = mix.at(1)});
    stream | sink("fail",
                  [](Number n) {
                    if (n == 50) throw std::runtime_error("fifty");
                  },
                  {.carrier = mix.at(2)});
    CHECK_THROWS_AS(run_watched(p), StageError);
  });
}

}  // namespace
}  // namespace sluice
