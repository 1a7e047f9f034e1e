// pipelines/enough_test.cpp: a stage that wants no more ends its branch early, with a balanced ledger.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

/// Takes `limit` items, then says enough; its finish is noted.
class TakeSome {
 public:
  TakeSome(Collected<Number>& got, std::size_t limit, std::atomic<int>& finishes)
      : got_{&got}, limit_{limit}, finishes_{&finishes} {}
  Demand process(Number n) {
    got_->add(n);
    return got_->size() < limit_ ? Demand::more : Demand::enough;
  }
  void finish() { ++*finishes_; }

 private:
  Collected<Number>* got_;
  std::size_t limit_;
  std::atomic<int>* finishes_;
};

TEST_CASE("Enough: a sink ends an endless run, and gets nothing after it said so", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("enough");
    Collected<Number> got;
    std::atomic<int> finishes{0};
    p.source("read", endless_numbers(), {.carrier = setting.mix.at(0)}) |
        map("same", [](Number n) { return n; },
            {.workers = setting.workers,
             .carrier = setting.mix.at(1),
             .capacity = setting.capacity,
             .batch = setting.batch}) |
        sink("take", TakeSome(got, 10, finishes),
             {.carrier = setting.mix.at(2), .capacity = setting.capacity, .batch = setting.batch});
    const Report report = run_watched(p);
    CHECK(report.status == RunStatus::done);
    CHECK(report.ledger.balanced);
    CHECK(got.size() == 10);
    CHECK(finishes == 1);
    const StageReport& take = report.stage("take");
    CHECK(take.completed == 10);
    CHECK(take.in == take.completed + take.cancelled);
  });
}

TEST_CASE("Enough: said by a stage in the middle, what it emitted still arrives", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("middle");
    Collected<Number> got;
    const auto first_ten = [](Number n, Context& context) {
      if (n == 9) context.enough();
      return n;
    };
    p.source("read", endless_numbers(), {.carrier = setting.mix.at(0)}) |
        map("ten", first_ten, {.carrier = setting.mix.at(1), .batch = setting.batch}) |
        sink("collect", got.sink(), {.carrier = setting.mix.at(2), .capacity = setting.capacity});
    const Report report = run_watched(p);
    CHECK(got.items() == up_to(10));
    CHECK(report.status == RunStatus::done);
  });
}

TEST_CASE("Enough: said by one worker, it ends all workers of the stage", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const bool keyed : {false, true}) {
      Pipeline p("workers");
      std::atomic<int> finishes{0};
      Collected<Number> got;
      auto stream = p.source("read", endless_numbers(), {.carrier = mix.at(0)});
      const SinkOptions options = {.workers = 4, .carrier = mix.at(1), .capacity = 4};
      if (keyed) {
        stream | key_by([](const Number& n) { return n; }) |
            sink("take", TakeSome(got, 20, finishes), options);
      } else {
        stream | sink("take", TakeSome(got, 20, finishes), options);
      }
      const Report report = run_watched(p);
      CHECK(report.status == RunStatus::done);
      CHECK(finishes == 4);
      CHECK(got.size() >= 20);
      CHECK(got.size() <= 20 + 3);  // the others' items in progress
    }
  });
}

TEST_CASE("Enough: said by a source, in the middle of its items", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("source");
    Collected<Number> got;
    auto read = [next = Number{0}](Context& context) mutable -> std::optional<Number> {
      if (next == 4) context.enough();
      return next++;
    };
    p.source("read", read, {.carrier = mix.at(0)}) |
        sink("collect", got.sink(), {.carrier = mix.at(1)});
    run_watched(p);
    CHECK(got.items() == up_to(5));
  });
}

TEST_CASE("Enough: an emitter tells a source that nobody wants more", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("open");
    std::atomic<bool> saw_closed{false};
    const auto read = [&](Emitter<Number>& out) {
      out.emit(1);
      if (!out.open()) saw_closed = true;
      return true;
    };
    p.source<Number>("read", read, {.carrier = mix.at(0)}) |
        sink("one", [](Number) { return Demand::enough; }, {.carrier = mix.at(1), .capacity = 1});
    const Report report = run_watched(p);
    CHECK(report.status == RunStatus::done);
    CHECK_FALSE(saw_closed);  // a source with a closed output is not called at all
  });
}

TEST_CASE("Enough: it does not wait for the retries of the stage's other workers", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const bool keyed : {false, true}) {
      Pipeline p("retries");
      Gate waits;
      std::atomic<int> failures{0};
      const auto take = [&](Number n) {
        if (n == 0) {
          ++failures;
          throw std::runtime_error("again in an hour");
        }
        while (failures == 0) std::this_thread::yield();
        waits.pass();
        return Demand::enough;
      };
      const SinkOptions options = {
          .workers = 2, .carrier = mix.at(1), .batch = 1, .on_error = retry(3, 1h)};
      auto stream = p.source("read", numbers(2), {.carrier = mix.at(0)});
      if (keyed) {  // 0 and 1 are in different groups' halves
        stream | key_by([](const Number& n) { return n; }) | sink("take", take, options);
      } else {
        stream | sink("take", take, options);
      }
      WatchedRun run(p);
      const OpensAtEnd opens(waits);
      waits.wait_for_arrivals();
      wait_until([&] { return run->snapshot().stage("take").retried == 1; });
      waits.open();
      const Report report = run->wait();
      CHECK(report.stage("take").completed == 1);
      CHECK(report.stage("take").cancelled == 1);
    }
  });
}

TEST_CASE("Enough: a retry in an hour upstream is given up when nobody wants its output any more",
          "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const bool keyed : {false, true}) {  // held by its wait, or done with everything else
      Pipeline p("take one");
      Gate gate;
      const auto later = [](Number n) {
        if (n == 1) throw std::runtime_error("again in an hour");
        return n;
      };
      const auto take_one = [&gate](Number) {
        gate.pass();
        return Demand::enough;
      };
      const StageOptions options = {.carrier = mix.at(0), .batch = 1, .on_error = retry(1, 1h)};
      auto stream = p.source("read", numbers(2), {.carrier = mix.at(1)});
      auto retried =
          keyed ? stream | key_by([](const Number&) { return 0; }) | map("later", later, options)
                : stream | map("later", later, options);
      retried | sink("take", take_one, {.carrier = Carrier::thread});
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      gate.wait_for_arrivals();
      wait_until(
          [&] { return run->explain().find("later.0: waits for a timer") != std::string::npos; });
      gate.open();
      const Report report = run->wait();
      CHECK(report.status == RunStatus::done);
      CHECK(report.stage("later").cancelled == 1);
      CHECK(report.stage("take").completed == 1);
    }
  });
}

TEST_CASE("Enough: a blocked producer upstream ends with it", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("blocked");
    Gate gate;
    const auto take = [&gate](Number) {
      gate.pass();
      return Demand::enough;
    };
    p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
        map("a", [](Number n) { return n; }, {.carrier = mix.at(1), .capacity = 1}) |
        map("b", [](Number n) { return n; }, {.carrier = mix.at(0), .capacity = 1}) |
        sink("take", take, {.carrier = mix.at(1), .capacity = 1, .batch = 1});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    gate.wait_for_arrivals();
    wait_until([&] {
      const Report now = run->snapshot();
      return now.edges[0].queued == 1 && now.edges[1].queued == 1 && now.edges[2].queued == 1;
    });
    gate.open();
    CHECK(run->wait().status == RunStatus::done);
  });
}

}  // namespace
}  // namespace sluice
