// pipelines/order_test.cpp: stages of several workers that keep the order of their input.
//
// Which orders of steps can lose it is explored by seed (seeded_test.cpp) and on threads (tests/stress); here
// are the promises that need a certain moment.
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

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using Catch::Matchers::Contains;

TEST_CASE("Order: kept for every capacity, batch, carrier and number of workers",
          "[pipeline][order]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("kept");
    Collected<Number> got;
    const StageOptions options{.workers = setting.workers,
                               .carrier = setting.mix.at(1),
                               .order = Order::keep,
                               .capacity = setting.capacity,
                               .batch = setting.batch};
    const auto twice = [](Number n, Emitter<Number>& out) {
      out.emit(2 * n);
      out.emit(2 * n + 1);
    };
    p.source("read", numbers(200), {.carrier = setting.mix.at(0)}) |
        flat_map<Number>("twice", twice, options) |
        filter(
            "not 3", [](Number n) { return n % 3 != 0; }, options) |
        sink("collect", got.sink(), {.carrier = setting.mix.at(0), .capacity = setting.capacity});
    const Report report = run_watched(p);
    std::vector<Number> expected = up_to(400);
    std::erase_if(expected, [](Number n) { return n % 3 == 0; });
    CHECK(got.items() == expected);
    CHECK(report.ledger.balanced);
  });
}

// The first item's worker stands still; the others go on until the window is full, and no further.
TEST_CASE("Order: a worker that stalls holds back what follows, in a bounded window",
          "[pipeline][order]") {
  for (const std::size_t capacity : {1U, 8U}) {
    Pipeline p("stalls");
    Gate gate;
    std::atomic<Number> begun{0};
    Collected<Number> got;
    const auto work = [&](Number n) {
      ++begun;
      if (n == 0) gate.pass();
      return n;
    };
    p.source("read", numbers(100), {.carrier = Carrier::thread}) |
        map("work", work,
            {.workers = 2, .carrier = Carrier::thread, .order = Order::keep, .capacity = 8}) |
        sink("collect", got.sink(), {.carrier = Carrier::thread, .capacity = capacity});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    const Number window = std::max<Number>(2, capacity / 2);
    wait_until([&] { return begun == window; });
    wait_until([&] { return run->snapshot().edges[0].queued == 8; });
    // The last item that has begun is yet to be through.
    wait_until([&] { return run->explain().find("waits for its turn") != std::string::npos; });
    CHECK(got.size() == 0);
    CHECK(begun == window);
    const Report stalled = run->snapshot();
    CHECK(stalled.stage("work").window == window);
    CHECK(stalled.stage("work").window_open == window);
    CHECK_THAT(run->explain(), Contains("root cause: work: has been at work"));
    gate.open();
    const Report report = run->wait();
    CHECK(report.stage("work").window_open == 0);
    CHECK(report.stage("work").window_high_water == window);
    CHECK(report.edges[1].capacity == (capacity == 1 ? 1 : capacity - window));
    CHECK(got.items() == up_to(100));
  }
}

// Outputs that wait count, not only items: the first item's are stuck, the second's wait behind them.
TEST_CASE("Order: outputs that wait for their turn are bounded, too", "[pipeline][order]") {
  Pipeline p("many outputs");
  Gate gate;
  std::atomic<Number> begun{0};
  Collected<Number> got;
  const auto work = [&](Number n, Emitter<Number>& out) {
    ++begun;
    for (Number i = 0; i < 100; ++i) out.emit(100 * n + i);
  };
  const auto collect = [&](Number n) {
    gate.pass();
    got.add(n);
  };
  p.source("read", numbers(40), {.carrier = Carrier::thread}) |
      flat_map<Number>(
          "work", work,
          {.workers = 2, .carrier = Carrier::thread, .order = Order::keep, .capacity = 8}) |
      sink("collect", collect, {.carrier = Carrier::thread, .capacity = 16});
  WatchedRun run(p);
  const OpensAtEnd opens(gate);
  gate.wait_for_arrivals();
  wait_until([&] { return begun == 2; });
  wait_until([&] { return run->snapshot().edges[0].queued == 8; });
  CHECK(begun == 2);
  gate.open();
  run->wait();
  CHECK(got.items() == up_to(4000));
}

// What was finished before its turn came does not wait for the worker that finished it.
TEST_CASE("Order: an output whose turn has come is not held back by its worker's next item",
          "[pipeline][order]") {
  Pipeline p("hostage");
  Gate first;
  Gate third;
  Collected<Number> got;
  const auto work = [&](Number n) {
    if (n == 0) first.pass();
    if (n == 2) third.pass();
    return n;
  };
  p.source("read", numbers(3), {.carrier = Carrier::thread}) |
      map("work", work,
          {.workers = 2, .carrier = Carrier::thread, .order = Order::keep, .capacity = 8}) |
      sink("collect", got.sink(), {.carrier = Carrier::thread, .capacity = 8});
  WatchedRun run(p);
  const OpensAtEnd opens_first(first);
  const OpensAtEnd opens_third(third);
  first.wait_for_arrivals();
  third.wait_for_arrivals();  // 1 is finished, and its worker is busy with 2
  CHECK(got.size() == 0);
  first.open();
  wait_until([&] { return got.size() == 2; });
  CHECK(got.items() == up_to(2));
  third.open();
  run->wait();
  CHECK(got.items() == up_to(3));
}

TEST_CASE("Order: items that can only be moved", "[pipeline][order]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("moved");
    Collected<Number> got;
    p.source("read", numbers(300), {.carrier = mix.at(0)}) |
        map("box", [](Number n) { return std::make_unique<Number>(n); },
            {.workers = 3, .carrier = mix.at(1), .order = Order::keep}) |
        map("unbox", [](std::unique_ptr<Number> n) { return *n; },
            {.workers = 3, .carrier = mix.at(0), .order = Order::keep}) |
        sink("collect", got.sink(), {.carrier = mix.at(1)});
    run_watched(p);
    CHECK(got.items() == up_to(300));
  });
}

TEST_CASE("Order: keep is refused where it can't be kept, with the reason", "[pipeline][order]") {
  Pipeline keyed("keyed");
  keyed.source("read", numbers(3)) | key_by([](const Number& n) { return n; }) |
      map("work", [](Number n) { return n; }, {.workers = 2, .order = Order::keep}) |
      sink("drop", [](Number) {});
  CHECK_THROWS_WITH(run(keyed), Contains("stage work: order is keep, but its input is keyed"));
  Pipeline streaming("streaming");
  streaming.source("read", numbers(3)) |
      flat_map<Number>("work", [](Number n, Emitter<Number>& out) { out.emit(n); },
                       {.workers = 2, .order = Order::keep, .streaming = true}) |
      sink("drop", [](Number) {});
  CHECK_THROWS_WITH(run(streaming), Contains("stage work: order is keep and it is streaming"));
  Pipeline gathering("gathering");
  gathering.source("read", numbers(3)) |
      batch("gather", 2, std::chrono::seconds(1), {.workers = 2, .order = Order::keep}) |
      sink("drop", [](const std::vector<Number>&) {});
  CHECK_THROWS_WITH(run(gathering), Contains("stage gather: order is keep, but each of its 2"));
}

TEST_CASE("Order: per_key is what key_by gives, and is refused without it", "[pipeline][order]") {
  const StageOptions options{.workers = 2, .order = Order::per_key};
  Pipeline keyed("keyed");
  Collected<Number> got;
  keyed.source("read", numbers(1000)) | key_by([](const Number& n) { return n % 10; }) |
      map(
          "work", [](Number n) { return n; }, options) |
      sink("collect", got.sink());
  CHECK_THAT(plan(keyed).text(), Contains("per_key"));
  CHECK(run_watched(keyed).ledger.balanced);
  for (Number key = 0; key < 10; ++key) {
    std::vector<Number> of_key = got.items();
    std::erase_if(of_key, [&](Number n) { return n % 10 != key; });
    CHECK(of_key.size() == 100);
    CHECK(std::is_sorted(of_key.begin(), of_key.end()));
  }
  Pipeline plain("plain");
  plain.source("read", numbers(3)) |
      map(
          "work", [](Number n) { return n; }, options) |
      sink("drop", [](Number) {});
  CHECK_THROWS_WITH(run(plain), Contains("stage work: order is per_key, but its input has no key"));
}

TEST_CASE("Default workers, order: a pure stage has a worker per core and keeps its order",
          "[pipeline][order]") {
  Pipeline p("pure");
  Collected<Number> got;
  p.source("read", numbers(1000)) | map("work", [](Number n) { return 2 * n; }, {.pure = true}) |
      map("one", [](Number n) { return n / 2; }, {.workers = 1, .pure = true}) |
      sink("collect", got.sink());
  const Plan planned = plan(p, Machine{.cores = 3});
  CHECK(planned.stages[1].workers == 3);
  CHECK(planned.stages[1].order == Order::keep);
  CHECK(planned.stages[1].window == 512);
  CHECK(planned.edges[1].capacity == 512);
  CHECK(planned.stages[2].workers == 1);
  CHECK_THAT(planned.text(), Contains("3 workers: it is pure, one per core"));
  run_watched(p);
  CHECK(got.items() == up_to(1000));
}

TEST_CASE("Default workers, order: what can't be multiplied stays one worker, pure or not",
          "[pipeline][order]") {
  Pipeline p("alone");
  p.source("read", numbers(3)) |
      map("owner", [held = std::make_unique<Number>(1)](Number n) { return n + *held; },
          {.pure = true}) |
      batch("gather", 2, std::chrono::seconds(1), {.pure = true}) |
      map("any order", [](const std::vector<Number>& v) { return v.size(); },
          {.order = Order::none, .pure = true}) |
      sink("drop", [](std::size_t) {});
  const Plan planned = plan(p, Machine{.cores = 3});
  CHECK(planned.stages[1].workers == 1);
  CHECK(planned.stages[2].workers == 1);
  CHECK(planned.stages[3].workers == 3);
  CHECK(planned.stages[3].order == Order::none);
  CHECK(planned.stages[3].window == 0);
}

TEST_CASE("Order: describe says what is kept", "[pipeline][order]") {
  Pipeline p("described");
  p.source("read", numbers(3)) |
      map("work", [](Number n) { return n; }, {.workers = 2, .order = Order::keep}) |
      sink("drop", [](Number) {});
  CHECK_THAT(plan(p, Machine{.cores = 2}).text(), Contains("keep"));
}

}  // namespace
}  // namespace sluice
