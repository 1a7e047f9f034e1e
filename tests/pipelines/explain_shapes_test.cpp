// pipelines/explain_shapes_test.cpp: explain() where pipelines branch, where there are several, and at the end.
//
// Gates bring a pipeline into a known jam; the test waits until the report of the live run shows that jam
// and then reads the text. Nothing moves any more in a jam, so the text is the same however often one asks.
// SPDX-License-Identifier: MIT
#include <support/jam.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("Explain: of a fan-out's branches the full one is named, not the idle one",
          "[pipeline][explain]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    for (const bool full_first : {false, true}) {
      Gate gate;
      Pipeline p("fan-out");
      auto stream = p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
                    map("split", same, narrow(mix.at(1)));
      const auto add_full = [&] {
        stream | sink("full", hold_at(gate, 0), narrow_sink(mix.at(0)));
      };
      if (full_first) add_full();
      stream | sink("idle", [](Number) {}, {.carrier = mix.at(1)});
      if (!full_first) add_full();
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      jammed(run,
             {"read.0: blocked for _ s, waits for room on read->split",
              "split.0: blocked for _ s, waits for room on split->full",
              "full.0: busy for _ s, item 0 at attempt 1",
              "idle.0: starved for _ s, waits for items on split->idle",
              "edge split->full: 1 of 1 queued, 1 in flight, 0 done",
              "edge split->idle: 0 of 1024 queued, 0 in flight, 3 done",
              "root cause: full: has been at work for _ s, busy for _ s, item 0 at attempt 1"});
      run->cancel();
      gate.open();
      CHECK(run.end().stage("idle").completed == 3);
    }
  });
}

TEST_CASE("Explain: of two chains in one pipeline, the jammed one is the root, not the idle one",
          "[pipeline][explain]") {
  for (const bool jam_first : {false, true}) {
    Gate gate;
    Pipeline p("two chains");
    const auto add_jam = [&] {
      p.source("read", endless_numbers(), {.carrier = Carrier::thread}) |
          sink("held", hold_at(gate, 0), narrow_sink(Carrier::thread));
    };
    if (jam_first) add_jam();
    p.inlet<Number>("in") | sink("waiting", [](Number) {});
    if (!jam_first) add_jam();
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    auto in = run->inlet<Number>("in");
    jammed(run, {"held.0: busy for _ s, item 0 at attempt 1",
                 "read.0: blocked for _ s, waits for room on read->held",
                 "waiting.0: starved for _ s, waits for items on in->waiting",
                 "root cause: held: has been at work for _ s, busy for _ s, item 0 at attempt 1"});
    run->cancel();
    gate.open();
    CHECK(run.end().ledger.balanced);
  }
}

TEST_CASE("Explain: of several runs at once, each speaks of its own stages",
          "[pipeline][explain]") {
  Gate gate;
  Pipeline stuck("stuck");
  stuck.source("read", endless_numbers(), {.carrier = Carrier::thread}) |
      sink("held", hold_at(gate, 0), narrow_sink(Carrier::thread));
  Pipeline idle("idle");
  idle.inlet<Number>("in", narrow(Carrier::pool)) |
      sink(
          "waiting", [](Number) {}, narrow_sink(Carrier::pool));
  WatchedRun one(stuck);
  WatchedRun two(idle);
  WatchedRun three(stuck);
  const OpensAtEnd opens(gate);
  auto in = two->inlet<Number>("in");
  gate.wait_for_arrivals(2);
  for (WatchedRun* const run : {&one, &three}) {
    const std::string text = jammed(*run, {"read.0: blocked for _ s, waits for room on read->held",
                                           "edge read->held: 1 of 1 queued, 1 in flight, 0 done"});
    CHECK(line_of(text, "pipeline") == "pipeline stuck: running");
    CHECK_THAT(line_of(text, "root cause"), StartsWith("root cause: held: has been at work"));
    CHECK_THAT(text, !Contains("waiting"));
  }
  const std::string text =
      jammed(two, {"in.0: starved for _ s, waits for items on application->in",
                   "waiting.0: starved for _ s, waits for items on in->waiting"});
  CHECK_THAT(line_of(text, "root cause"), StartsWith("root cause: in: idle, not stuck"));
  CHECK_THAT(text, !Contains("held"));
  one->cancel();
  gate.open();
  CHECK(one.end().status == RunStatus::cancelled);
  CHECK(line_of(one->explain(), "pipeline") == "pipeline stuck: ended");
  CHECK(line_of(three->explain(), "pipeline") == "pipeline stuck: running");
  in.close();
  CHECK(two->wait().status == RunStatus::done);
  three->cancel();
  CHECK(three.end().status == RunStatus::cancelled);
}

TEST_CASE("Explain: after the end everything has ended, and the snapshot is the final report",
          "[pipeline][explain]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("over");
    p.source("read", numbers(5), {.carrier = mix.at(0)}) |
        map("a", same, {.workers = 2, .carrier = mix.at(1)}) |
        sink("drop", [](Number) {}, {.carrier = mix.at(0)});
    WatchedRun run(p);
    const Report report = run->wait();
    for (int i = 0; i < 2; ++i) {
      CHECK(run->explain() ==
            "pipeline over: ended\n"
            "  read.0: ended\n"
            "  a.0: ended\n"
            "  a.1: ended\n"
            "  drop.0: ended\n"
            "  edge read->a: 0 of 1024 queued, 0 in flight, 5 done\n"
            "  edge a->drop: 0 of 1024 queued, 0 in flight, 5 done\n");
      CHECK(run->snapshot().json() == report.json());
    }
    CHECK(run->join() == JoinStatus::ended);
    run->stop();
    run->cancel();
    CHECK(run->snapshot().status == RunStatus::done);
  });
}

}  // namespace
}  // namespace sluice
