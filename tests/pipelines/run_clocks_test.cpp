// pipelines/run_clocks_test.cpp: the times in a run's report: clocks, service times, and the verdict.
//
// Times are compared with each other and with lower bounds that the stages enforce by reading the clock
// themselves; there is no upper bound on any time.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/scale.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using Clock = std::chrono::steady_clock;

/// Keeps the processor busy for so long.
void spin(std::chrono::microseconds time) {
  const auto until = Clock::now() + time;
  while (Clock::now() < until) {
  }
}

double life_of(const WorkerReport& clock) {
  return clock.busy_s + clock.starved_s + clock.blocked_s + clock.parked_s;
}

const EdgeReport& edge_named(const Report& report, const std::string& name) {
  for (const EdgeReport& edge : report.edges) {
    if (edge.name == name) return edge;
  }
  throw std::out_of_range("no edge " + name);
}

// ---- clocks --------------------------------------------------------------------------------------

TEST_CASE("Clocks: busy + starved + blocked + parked = lifetime of the worker within 1 %",
          "[pipeline][report]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (pool_size() < 2 && mix.at(1) == Carrier::pool) return;
    Gate gate;
    Pipeline p("lifetimes");
    const auto hold = [&gate](Number n) {
      if (n == 3000) gate.pass();
    };
    const auto emit = [](Number n, Emitter<Number>& out) { out.emit(n); };
    auto stream = p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
                  map("same", [](Number n) { return n; },
                      {.workers = 2, .carrier = mix.at(1), .capacity = 16}) |
                  flat_map<Number>("stream", emit, {.capacity = 16, .streaming = true});
    stream | sink("idle", [](Number) {}, {.carrier = mix.at(0)});
    stream | sink("hold", hold, {.carrier = mix.at(1), .capacity = 16});
    const auto before = Clock::now();
    WatchedRun run(p);
    // Workers are born while start() runs, one after the other.
    const double birth_s = std::chrono::duration<double>(Clock::now() - before).count();
    const OpensAtEnd opens(gate);
    gate.wait_for_arrivals();
    // In the jam nobody changes what he does, so that one look fits all clocks.
    wait_until([&] {
      const std::string text = run->explain();
      return text.find("read.0: blocked") != text.npos &&
             text.find("same.0: blocked") != text.npos &&
             text.find("same.1: blocked") != text.npos &&
             text.find("stream.0: blocked") != text.npos &&
             text.find("idle.0: starved") != text.npos && run->snapshot().seconds > 0.3;
    });
    const Report live = run->snapshot();
    std::size_t workers = 0;
    for (const StageReport& stage : live.stages) {
      for (const WorkerReport& clock : stage.clocks) {
        INFO(stage.name << ": " << clock.busy_s << " + " << clock.starved_s << " + "
                        << clock.blocked_s << " + " << clock.parked_s << " of " << live.seconds);
        CHECK(life_of(clock) <= 1.01 * live.seconds);
        CHECK(life_of(clock) >= 0.99 * (live.seconds - birth_s));
        ++workers;
      }
    }
    CHECK(workers == 6);
    run->cancel();
    gate.open();
    const Report report = run.end();
    for (const StageReport& stage : report.stages) {
      for (const WorkerReport& clock : stage.clocks) {
        INFO(stage.name);
        CHECK(life_of(clock) <= 1.01 * report.seconds);
        CHECK(life_of(clock) >= 0.99 * (live.seconds - birth_s));
      }
    }
  });
}

TEST_CASE("Clocks: blocked in emit is not busy", "[pipeline][report]") {
  Gate gate;
  Pipeline p("blocked emit");
  const auto burst = [](Number, Emitter<Number>& out) {
    for (Number n = 0; n < 10; ++n) out.emit(n);
  };
  p.source("read", numbers(1)) | flat_map<Number>("emit", burst, {.streaming = true}) |
      sink("held", [&gate](Number) { gate.pass(); },
           {.carrier = Carrier::thread, .capacity = 1, .batch = 1});
  WatchedRun run(p);
  const OpensAtEnd opens(gate);
  wait_until([&] { return run->snapshot().edges[1].put == 2; });  // all that fits
  wait_until([&] { return run->explain().find("emit.0: blocked") != std::string::npos; });
  const WorkerReport before = run->snapshot().stage("emit").clocks[0];
  const double began = run->snapshot().seconds;
  wait_until([&] { return run->snapshot().seconds > began + 0.2; });
  const WorkerReport after = run->snapshot().stage("emit").clocks[0];
  CHECK(after.blocked_s - before.blocked_s >= 0.2);
  CHECK(after.busy_s == before.busy_s);
  gate.open();
  const Report report = run->wait();
  CHECK(report.stage("emit").clocks[0].blocked_s >= 0.2);
  CHECK(edge_named(report, "emit->held").full_s >= 0.2);
}

TEST_CASE("Clocks: an edge's full time is its producers' wait, its empty time its consumers'",
          "[pipeline][report]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("waits");
    const auto slow = [](Number n) {
      spin(300us);
      return n;
    };
    p.source("read", numbers(200), {.carrier = mix.at(0)}) |
        map("slow", slow, {.carrier = mix.at(1), .capacity = 2}) |
        sink("drop", [](Number) {}, {.workers = 2, .carrier = mix.at(0)});
    const Report report = run_watched(p);
    const EdgeReport& before = edge_named(report, "read->slow");
    const EdgeReport& behind = edge_named(report, "slow->drop");
    CHECK(before.full_s == Approx(report.stage("read").clock_sum().blocked_s));
    CHECK(before.full_s > 0);
    CHECK(behind.full_s == 0);
    CHECK(behind.empty_s == Approx(report.stage("drop").clock_sum().starved_s));
    CHECK(behind.empty_s > 0);
    CHECK(before.empty_s == Approx(report.stage("slow").clock_sum().starved_s));
  });
}

// ---- service times -------------------------------------------------------------------------------

TEST_CASE("Service times: the median and the 99th percentile of the time in the callback",
          "[pipeline][report]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("service");
    const auto half = [](Number n) {
      spin(n % 4 == 3 ? 1000us : 100us);
      return n;
    };
    p.source("read", numbers(200), {.carrier = mix.at(0)}) |
        map("spins", half, {.workers = 2, .carrier = mix.at(1)}) |
        sink("spins too", [](Number) { spin(50us); }, {.carrier = mix.at(0)});
    const Report report = run_watched(p);
    // The histogram's buckets are 7 % wide to either side.
    CHECK(report.stage("spins").service_p50_us >= 93);
    CHECK(report.stage("spins").service_p99_us >= 930);
    CHECK(report.stage("spins too").service_p50_us >= 46);
    for (const StageReport& stage : report.stages) {
      CHECK(stage.service_p50_us <= stage.service_p99_us);
      CHECK(stage.service_p99_us > 0);
    }
    // Most items of the stage take a tenth of the others.
    CHECK(report.stage("spins").service_p50_us < report.stage("spins").service_p99_us);
  });
}

TEST_CASE("Service times: of a source, the time in next()", "[pipeline][report]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("service of a source");
    const auto read = [next = Number{0}]() mutable -> std::optional<Number> {
      spin(100us);
      return next < 50 ? std::optional(next++) : std::nullopt;
    };
    p.source("read", read, {.carrier = mix.at(0)}) |
        sink("drop", [](Number) {}, {.carrier = mix.at(1)});
    const Report report = run_watched(p);
    CHECK(report.stage("read").service_p50_us >= 93);
    CHECK(report.stage("read").service_p99_us >= report.stage("read").service_p50_us);
  });
}

// ---- the verdict ---------------------------------------------------------------------------------

/// Four stages, each with the given time per item. The edges hold enough that a worker which loses its
/// processor for some milliseconds, and looks busy meanwhile, starves nobody and holds nobody up.
Report run_with_times(const CarrierMix& mix, std::chrono::microseconds source,
                      std::chrono::microseconds stage, std::chrono::microseconds end) {
  constexpr Number kItems = scaled(1000);
  constexpr std::size_t kCapacity = kItems / 8;
  Pipeline p("limits");
  const auto read = [source, next = Number{0}]() mutable -> std::optional<Number> {
    spin(source);
    return next < kItems ? std::optional(next++) : std::nullopt;
  };
  const auto work = [stage](Number n) {
    spin(stage);
    return n;
  };
  p.source("source", read, {.carrier = mix.at(0)}) |
      map("cheap", [](Number n) { return n; }, {.carrier = mix.at(1), .capacity = kCapacity}) |
      map("stage", work, {.carrier = mix.at(0), .capacity = kCapacity}) |
      sink("sink", [end](Number) { spin(end); }, {.carrier = mix.at(1), .capacity = kCapacity});
  return run_watched(p);
}

/// The verdict of the first of five runs that begins so and has all these words, else that of the last one. On
/// a machine that others use too, a single run proves little.
template <class Run>
std::string verdict_of(Run run, const std::string& beginning,
                       const std::vector<std::string>& words = {}) {
  std::string verdict;
  const auto is_wanted = [&] {
    return verdict.starts_with(beginning) &&
           std::all_of(words.begin(), words.end(),
                       [&](const std::string& word) { return verdict.find(word) != verdict.npos; });
  };
  for (int i = 0; i < 5 && !is_wanted(); ++i) verdict = run().verdict;
  return verdict;
}

TEST_CASE("Verdict: names a stage that takes 200 us an item between cheap ones, and why",
          "[pipeline][report]") {
  for_every_carrier([](const CarrierMix& mix) {
    const auto limits = [&mix] { return run_with_times(mix, 0us, 200us, 0us); };
    CHECK_THAT(verdict_of(limits, "stage is the limit", {"source ", " % blocked", " % starved"}),
               StartsWith("stage is the limit: busy ") &&
                   Contains(" % of the time of its 1 worker") && Contains("source ") &&
                   Contains(" % blocked") && Contains("sink ") && Contains(" % starved") &&
                   Contains(" cores used"));
  });
}

TEST_CASE("Verdict: names a slow source, and who is starved by it", "[pipeline][report]") {
  for_every_carrier([](const CarrierMix& mix) {
    const auto limits = [&mix] { return run_with_times(mix, 200us, 0us, 0us); };
    CHECK_THAT(verdict_of(limits, "source is the limit", {"stage ", " % starved"}),
               StartsWith("source is the limit: busy ") && Contains("stage ") &&
                   Contains(" % starved") && !Contains("blocked"));
  });
}

TEST_CASE("Verdict: names a slow sink, and who is blocked by it", "[pipeline][report]") {
  for_every_carrier([](const CarrierMix& mix) {
    const auto limits = [&mix] { return run_with_times(mix, 0us, 0us, 200us); };
    CHECK_THAT(verdict_of(limits, "sink is the limit", {"source ", " % blocked"}),
               StartsWith("sink is the limit: busy ") && Contains("source ") &&
                   Contains(" % blocked") && !Contains("starved"));
  });
}

TEST_CASE("Verdict: of a stage with several workers, all of them are judged together",
          "[pipeline][report]") {
  Pipeline p("workers");
  const auto work = [](Number n) {
    spin(200us);
    return n;
  };
  p.source("source", numbers(scaled(1000))) |
      map("many", work,
          {.workers = 2, .carrier = Carrier::thread, .capacity = scaled<std::size_t>(125)}) |
      sink("sink", [](Number) {}, {.carrier = Carrier::thread});
  CHECK_THAT(verdict_of([&p] { return run_watched(p); }, "many is the limit"),
             StartsWith("many is the limit") && Contains("of its 2 workers"));
}

TEST_CASE("Verdict: a run without items, and one in which nobody is busy, have no limit",
          "[pipeline][report]") {
  Pipeline none("none");
  none.source("source", numbers(0)) | sink("sink", [](Number) {});
  CHECK(run_watched(none).verdict == "no item has come in");

  Pipeline idle("idle");
  idle.inlet<Number>("in", {.carrier = Carrier::thread}) |
      sink("sink", [](Number) {}, {.carrier = Carrier::thread});
  const auto mostly_idle = [&idle] {
    WatchedRun run(idle);
    auto in = run->inlet<Number>("in");
    REQUIRE(in.put(1) == PutStatus::ok);
    wait_until([&] { return run->snapshot().seconds > 0.05; });
    in.close();
    return run->wait();
  };
  const std::string beginning = "no stage is the limit; the busiest is ";
  CHECK_THAT(verdict_of(mostly_idle, beginning), StartsWith(beginning));
}

// Four times as many threads as cores, all with work: most of them wait for a processor.
TEST_CASE("Clocks: time without a processor is told from work when threads outnumber cores",
          "[pipeline][report]") {
  Pipeline p("crowded");
  auto stream = p.source("source", numbers(scaled(2000)), {.carrier = Carrier::thread});
  const std::size_t stages = 4 * std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < stages; ++i) {
    stream = std::move(stream) | map("stage " + std::to_string(i),
                                     [](Number n) {
                                       spin(20us);
                                       return n;
                                     },
                                     {.carrier = Carrier::thread});
  }
  std::move(stream) | sink("sink", [](Number) {}, {.carrier = Carrier::thread});
  const Report report = run_watched(p);
  double delayed = 0;
  for (const StageReport& stage : report.stages) {
    const WorkerReport sum = stage.clock_sum();
    CHECK(sum.delayed_s >= 0);
    delayed += sum.delayed_s;
  }
  CHECK(delayed > 0);
  CHECK_THAT(report.table(), Contains("delayed"));
}

TEST_CASE("Clocks: a stage on the pool has no thread of its own to be delayed",
          "[pipeline][report]") {
  Pipeline p("pooled");
  p.source("source", numbers(100), {.carrier = Carrier::pool}) |
      sink("sink", [](Number) {}, {.carrier = Carrier::pool});
  const Report report = run_watched(p);
  for (const StageReport& stage : report.stages) CHECK(stage.clock_sum().delayed_s == 0);
}

TEST_CASE("Service times: a worker that gets one item at a time has them too", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("one at a time");
    p.inlet<Number>("in") | map("same", [](Number n) { return n; }, {.carrier = mix.at(0)}) |
        outlet<Number>("out");
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Number>("out");
    for (Number n = 0; n < 64; ++n) {
      REQUIRE(in.put(n) == PutStatus::ok);
      REQUIRE(out.get());
    }
    in.close();
    CHECK_FALSE(out.get());
    CHECK(run.end().stage("same").service_p99_us > 0);
  });
}

}  // namespace
}  // namespace sluice
