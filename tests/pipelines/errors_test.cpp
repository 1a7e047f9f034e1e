// pipelines/errors_test.cpp: an item that fails the run, in every kind of stage, at any moment.
// SPDX-License-Identifier: MIT
#include <support/collected.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/off_thread_checks.hpp>
#include <support/outcome.hpp>
#include <support/scale.hpp>
#include <support/trouble.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

constexpr Number kCount = 30;
constexpr Number kPlaces[] = {0, 1, 13, kCount - 1};

Trouble trouble_with(Number bad) {
  return Trouble([bad](Number n) { return n == bad ? kAlways : 0U; });
}

/// Only what came before the item that failed has arrived, if at all: the run was cancelled.
void check_before(const Collected<Number>& got, Number bad) {
  for (const Number n : got.items()) CHECK(n < bad);
}

TEST_CASE("Fail run: the first failing item ends the run, and the error says which and why",
          "[pipeline][errors]") {
  for (const TroubledKind& kind : kTroubledKinds) {
    for (const Number bad : kPlaces) {
      for (const std::size_t capacity : {1U, 64U}) {
        INFO(kind.name << ", item " << bad << ", capacity " << capacity);
        for_every_driver(
            [&](const Driver& driver) {
              Pipeline p("fails");
              Collected<Number> got;
              Trouble trouble = trouble_with(bad);
              kind.connect(p.source("read", numbers(kCount), {.carrier = driver.at(0)}), trouble,
                           got, {.workers = 1, .carrier = driver.at(1), .capacity = capacity});
              const Outcome outcome = driver.run(p);
              check_failed(outcome, {.stage = "fail", .item = bad, .cause = Trouble::text(bad)});
              CHECK(nested_text(*outcome.error) == Trouble::text(bad));
              check_before(got, bad);
              const StageReport& stage = outcome.report.stage("fail");
              CHECK(stage.completed == bad);
              CHECK(stage.failed == 1);
              CHECK(stage.skipped + stage.dead + stage.retried == 0);
              CHECK(stage.in == stage.completed + stage.failed + stage.cancelled);
              CHECK(trouble.attempts(bad) == 1);
            },
            2);
      }
    }
  }
}

TEST_CASE("Fail run: with several workers the error names the one that failed",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    for (const bool keyed : {false, true}) {
      Pipeline p("workers");
      std::atomic<std::size_t> worker{99};
      const auto fail = [&](Number n, Context& context) {
        if (n == 17) {
          worker = context.worker();
          throw std::runtime_error("seventeen");
        }
        return n;
      };
      const StageOptions options = {.workers = 4, .carrier = driver.at(1), .capacity = 8};
      auto read = p.source("read", endless_numbers(), {.carrier = driver.at(0)});
      if (keyed) {
        read | key_by([](const Number& n) { return n; }) | map("fail", fail, options) |
            sink("drop", [](Number) {});
      } else {
        read | map("fail", fail, options) | sink("drop", [](Number) {});
      }
      const Outcome outcome = driver.run(p);
      REQUIRE(outcome.error.has_value());
      CHECK(outcome.error->worker() == worker);
      CHECK(outcome.report.stage("fail").failed == 1);
      CHECK(nested_text(*outcome.error) == "seventeen");
      if (!keyed) CHECK(outcome.error->item() == 17);
    }
  });
}

TEST_CASE("Fail run: an exception that is no std::exception is survived and nested",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    Pipeline p("number");
    const auto fail = [](Number n) -> Number {
      if (n == 3) throw 42;
      return n;
    };
    p.source("read", numbers(9), {.carrier = driver.at(0)}) |
        map("fail", fail, {.carrier = driver.at(1)}) | sink("drop", [](Number) {});
    const Outcome outcome = driver.run(p);
    check_failed(
        outcome,
        {.stage = "fail", .item = 3, .cause = "an exception that is not a std::exception"});
    CHECK(nested_text(*outcome.error) == "42");
  });
}

TEST_CASE("Fail run: run() throws the error, wait() throws it each time, join() never",
          "[pipeline][errors]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("throws");
    Trouble trouble = trouble_with(2);
    Collected<Number> got;
    troubled::with_map(p.source("read", numbers(9), {.carrier = mix.at(0)}), trouble, got,
                       {.carrier = mix.at(1)});
    CHECK_THROWS_AS(run(p), StageError);
    WatchedRun started(p);
    CHECK(started->join() == JoinStatus::ended);
    CHECK_THROWS_WITH(started->wait(), Catch::Contains("stage fail: item 2 failed in worker 0"));
    CHECK_THROWS_AS(started->wait(), StageError);
    CHECK(started->join() == JoinStatus::ended);
    CHECK(started->snapshot().status == RunStatus::failed);
  });
}

TEST_CASE("Fail run: it wakes producers that are blocked on full edges of capacity 1",
          "[pipeline][errors]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("blocked");
    Gate gate;
    const auto same = [](Number n) { return n; };
    const auto fail = [&gate](Number) {
      gate.pass();
      throw std::runtime_error("at last");
    };
    p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
        map("a", same, {.carrier = mix.at(1), .capacity = 1}) |
        map("b", same, {.carrier = mix.at(0), .capacity = 1}) |
        sink("fail", fail, {.carrier = mix.at(1), .capacity = 1, .batch = 1});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    gate.wait_for_arrivals();
    wait_until([&] {
      const Report now = run->snapshot();
      return now.edges[0].queued == 1 && now.edges[1].queued == 1 && now.edges[2].queued == 1;
    });
    gate.open();
    const Report report = run.end();
    CHECK(report.status == RunStatus::failed);
    CHECK(report.ledger.balanced);
    CHECK(report.stage("fail").failed == 1);
    CHECK(report.edges[2].dropped == 1);
    CHECK_THROWS_AS(run->wait(), StageError);
  });
}

TEST_CASE("Fail run: it ends waits for a timer, for items and for room, whoever waits",
          "[pipeline][errors]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("waits");
    Gate gate;
    const auto again = [](Number) -> Number { throw std::runtime_error("again in an hour"); };
    const auto fail = [&gate](Number) {
      gate.pass();
      throw std::runtime_error("now");
    };
    auto read = p.source("read", endless_numbers(), {.carrier = mix.at(0)});
    read | key_by([](const Number& n) { return n; }) |
        map("later", again,
            {.carrier = mix.at(1), .capacity = 1, .batch = 1, .on_error = retry(3, 1h)}) |
        sink("starved", [](Number) {});
    read | batch("linger", 1000, 1h, {.carrier = mix.at(0)}) |
        outlet<std::vector<Number>>("out", {.capacity = 1});
    p.inlet<Number>("in", {.carrier = mix.at(1), .capacity = 1}) |
        sink("fail", fail, {.carrier = mix.at(0), .capacity = 1, .batch = 1});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    OffThreadChecks checks;
    std::thread feeder([&checks, in = run->inlet<Number>("in")]() mutable {
      PutStatus status = PutStatus::ok;
      while (status == PutStatus::ok) status = in.put(1);
      checks.expect(status == PutStatus::closed, "the put says closed");
    });
    std::thread reader([&checks, out = run->outlet<std::vector<Number>>("out")]() mutable {
      checks.expect(out.get().status() == GetStatus::closed, "the get says closed");
    });
    gate.wait_for_arrivals();
    wait_until([&] {
      const Report now = run->snapshot();
      return now.stage("later").retried == 1 && now.stage("in").out >= 2 &&
             run->explain().find("read.0: blocked") != std::string::npos;
    });
    gate.open();
    const Report report = run.end();
    feeder.join();
    reader.join();
    CHECK(checks.failures() == "");
    CHECK(report.status == RunStatus::failed);
    CHECK(report.ledger.balanced);
    CHECK(report.stage("later").cancelled >= 1);
  });
}

TEST_CASE("Fail run: workers that fail at the same time are all in the report",
          "[pipeline][errors]") {
  for (int round = 0; round < scaled(100); ++round) {
    Pipeline p("together");
    std::atomic<int> arrived{0};
    const auto fail = [&arrived](Number n) {
      ++arrived;
      while (arrived < 3) std::this_thread::yield();
      throw std::runtime_error(Trouble::text(n));
    };
    p.source("read", endless_numbers()) |
        sink("fail", fail, {.workers = 3, .carrier = Carrier::thread, .capacity = 3, .batch = 1});
    const Outcome outcome = Driver(kCarrierMixes[0]).run(p);
    REQUIRE(outcome.error.has_value());
    CHECK(outcome.report.error_count == 3);
    CHECK(outcome.report.errors.size() == 3);
    const auto is_thrown = [&](const ErrorReport& error) {
      return error.item == outcome.error->item() && error.worker == outcome.error->worker();
    };
    CHECK(std::count_if(outcome.report.errors.begin(), outcome.report.errors.end(), is_thrown) ==
          1);
    const StageReport& stage = outcome.report.stage("fail");
    CHECK(stage.failed >= 1);
    CHECK(stage.failed + stage.cancelled == stage.in);
    CHECK(stage.completed == 0);
  }
}

TEST_CASE("Fail run: a failure in one branch of a fan-out cancels the others",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    for (const std::size_t capacity : {1U, 16U}) {
      Pipeline p("branches");
      Collected<Number> left;
      std::atomic<int> finishes{0};
      struct Right {
        std::atomic<int>* finishes;
        void process(Number n) const {
          if (n == 12) throw std::runtime_error("twelve");
        }
        void finish() const { ++*finishes; }
      };
      auto read = p.source("read", endless_numbers(), {.carrier = driver.at(0)});
      read |
          map("same", [](Number n) { return n; }, {.carrier = driver.at(1), .capacity = capacity}) |
          sink("left", left.sink(), {.carrier = driver.at(0), .capacity = capacity});
      read | sink("right", Right{&finishes}, {.carrier = driver.at(1), .capacity = capacity});
      const Outcome outcome = driver.run(p);
      check_failed(outcome, {.stage = "right", .item = 12, .cause = "twelve"});
      CHECK(outcome.report.stage("right").completed == 12);
      CHECK(finishes == 0);
      CHECK(left.items() == up_to(left.size()));
    }
  });
}

TEST_CASE("Fail run: after it the same pipeline can be run again", "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    Pipeline p("again");
    Collected<Number> got;
    Trouble once([](Number n) { return n == 5 ? 1U : 0U; });  // one attempt in all runs
    troubled::with_map(p.source("read", numbers(kCount), {.carrier = driver.at(0)}), once, got,
                       {.carrier = driver.at(1)});
    CHECK(driver.run(p).error.has_value());
    const std::size_t before = got.size();
    CHECK_FALSE(driver.run(p).error.has_value());
    CHECK(got.size() == before + kCount);
  });
}

}  // namespace
}  // namespace sluice
