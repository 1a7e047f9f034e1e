// pipelines/streaming_test.cpp: stages that emit without bound from one item, and block in emit.
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
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

TEST_CASE("Streaming: outputs of one item pass while it is in progress, within the capacity",
          "[pipeline]") {
  for (const Carrier carrier : {Carrier::thread, Carrier::pool}) {
    Pipeline p("streaming");
    Collected<Number> got;
    std::atomic<std::int64_t> ahead{0};
    std::atomic<std::int64_t> most_ahead{0};
    const auto count_up = [&](Number, Emitter<Number>& out) {
      for (Number n = 0; n < 10'000; ++n) {
        const std::int64_t now = ++ahead;
        if (now > most_ahead) most_ahead = now;
        out.emit(n);
      }
    };
    p.source("read", numbers(1)) | flat_map<Number>("count", count_up, {.streaming = true}) |
        sink("collect",
             [&](Number n) {
               --ahead;
               got.add(n);
             },
             {.carrier = carrier, .capacity = 3, .batch = 2});
    run_watched(p);
    CHECK(got.items() == up_to(10'000));
    CHECK(most_ahead <= 3 + 2 + 1);
  }
}

TEST_CASE("Streaming: an output is visible as soon as emit has returned", "[pipeline]") {
  Pipeline p("visible");
  Gate seen;
  const auto wait_inside = [&seen](Number, Emitter<Number>& out) {
    out.emit(1);
    seen.wait_for_arrivals();
    out.emit(2);
  };
  seen.open();
  p.source("read", numbers(1)) | flat_map<Number>("emit", wait_inside, {.streaming = true}) |
      sink("see", [&seen](Number) { seen.pass(); });
  run_watched(p);
  CHECK(seen.arrivals() == 2);
}

TEST_CASE("Streaming: a source may emit without end from one call until it is stopped",
          "[pipeline]") {
  Pipeline p("source");
  Collected<Number> got;
  const auto forever = [](Emitter<Number>& out) {
    Number n = 0;
    while (!out.context().stop_token().stop_requested()) out.emit(n++);
    return false;
  };
  p.source<Number>("read", forever, {.streaming = true}) |
      sink("collect", got.sink(), {.capacity = 2});
  WatchedRun run(p);
  wait_until([&] { return got.size() > 100; });
  run->stop();
  CHECK(run->wait().status == RunStatus::stopped);
  CHECK(got.items() == up_to(got.size()));
}

TEST_CASE("Streaming: emit does not block after cancel, and the emitter is not open",
          "[pipeline]") {
  for (const bool source : {false, true}) {
    Pipeline p("cancel");
    Gate stuck;
    const auto while_open = [](Emitter<Number>& out) {
      for (Number n = 0; out.open(); ++n) out.emit(n);
    };
    auto stream = source ? p.source<Number>("emit",
                                            [&](Emitter<Number>& out) {
                                              while_open(out);
                                              return false;
                                            },
                                            {.streaming = true})
                         : p.source("read", numbers(1)) |
                               flat_map<Number>(
                                   "emit", [&](Number, Emitter<Number>& out) { while_open(out); },
                                   {.streaming = true});
    stream | sink("stuck", [&stuck](Number) { stuck.pass(); }, {.capacity = 1, .batch = 1});
    WatchedRun run(p);
    const OpensAtEnd opens(stuck);
    stuck.wait_for_arrivals();
    wait_until([&] { return run->explain().find("emit.0: blocked") != std::string::npos; });
    run->cancel();
    stuck.open();
    const Report report = run.end();
    CHECK(report.status == RunStatus::cancelled);
    CHECK(report.stage("emit").refused >= 1);
  }
}

TEST_CASE("Streaming: emit ends early when nobody downstream wants more", "[pipeline]") {
  Pipeline p("enough");
  const auto while_open = [](Number, Emitter<Number>& out) {
    for (Number n = 0; out.open(); ++n) out.emit(n);
  };
  p.source("read", endless_numbers()) | flat_map<Number>("emit", while_open, {.streaming = true}) |
      sink("ten", [](Number n) { return n < 9 ? Demand::more : Demand::enough; }, {.capacity = 2});
  const Report report = run_watched(p);
  CHECK(report.status == RunStatus::done);
  CHECK(report.stage("ten").completed == 10);
}

// That it is not busy meanwhile is shown with a gate (run_clocks_test.cpp).
TEST_CASE("Streaming: time blocked in emit is blocked time", "[pipeline]") {
  Pipeline p("clocks");
  const auto burst = [](Number, Emitter<Number>& out) {
    for (Number n = 0; n < 20; ++n) out.emit(n);
  };
  p.source("read", numbers(1)) | flat_map<Number>("emit", burst, {.streaming = true}) |
      sink("slow", [](Number) { std::this_thread::sleep_for(std::chrono::milliseconds{5}); },
           {.capacity = 1, .batch = 1});
  const Report report = run_watched(p);
  const WorkerReport clock = report.stage("emit").clock_sum();
  CHECK(clock.blocked_s > 0);
  CHECK(report.edges[1].full_s > 0);
  // 20 items of 5 ms, of which two may be taken and queued while `emit` goes on.
  CHECK(clock.blocked_s + clock.busy_s > 0.08);
}

TEST_CASE("Streaming: what was emitted before a throw is out, the item is skipped", "[pipeline]") {
  Pipeline p("throws");
  Collected<Number> got;
  const auto half = [](Number n, Emitter<Number>& out) {
    out.emit(2 * n);
    if (n % 2 == 1) throw std::runtime_error("odd");
    out.emit(2 * n + 1);
  };
  p.source("read", numbers(10)) |
      flat_map<Number>("half", half, {.streaming = true, .on_error = skip()}) |
      sink("collect", got.sink());
  const Report report = run_watched(p);
  CHECK(got.size() == 15);
  CHECK(report.stage("half").skipped == 5);
}

TEST_CASE("Streaming: a fan-out with a route behind it", "[pipeline]") {
  Pipeline p("fan-out");
  Collected<Number> all;
  Collected<Number> even;
  Collected<Number> odd;
  const auto count_up = [](Number, Emitter<Number>& out) {
    for (Number n = 0; n < 500; ++n) out.emit(n);
  };
  auto stream =
      p.source("read", numbers(2)) | flat_map<Number>("count", count_up, {.streaming = true});
  stream | sink("all", all.sink(), {.capacity = 1});
  auto arms = route(stream, [](Number n) { return n % 2 == 0; });
  arms[0] | sink("even", even.sink(), {.capacity = 2});
  arms[1] | sink("odd", odd.sink(), {.capacity = 3});
  run_watched(p);
  CHECK(all.size() == 1000);
  CHECK(even.size() == 500);
  CHECK(odd.size() == 500);
}

}  // namespace
}  // namespace sluice
