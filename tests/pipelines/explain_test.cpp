// pipelines/explain_test.cpp: explain() and the live snapshot name who waits for what, and the root of it.
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

TEST_CASE("Explain: behind a slow sink everybody is blocked, and the sink is the root",
          "[pipeline][explain]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    Gate gate;
    Pipeline p("slow sink");
    p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
        map("a", same, narrow(mix.at(1))) | map("b", same, narrow(mix.at(0))) |
        sink("slow", hold_at(gate, 3), narrow_sink(mix.at(1)));
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    // 3 are done; every stage holds one, every edge too, the source the last.
    jammed(run, {"read.0: blocked for _ s, waits for room on read->a",
                 "a.0: blocked for _ s, waits for room on a->b",
                 "b.0: blocked for _ s, waits for room on b->slow",
                 "slow.0: busy for _ s, item 3 at attempt 1",
                 "edge read->a: 1 of 1 queued, 1 in flight, 7 done",
                 "edge a->b: 1 of 1 queued, 1 in flight, 5 done",
                 "edge b->slow: 1 of 1 queued, 1 in flight, 3 done",
                 "root cause: slow: has been at work for _ s, busy for _ s, item 3 at attempt 1"});
    CHECK(line_of(run->explain(), "pipeline") == "pipeline slow sink: running");
    const Report now = run->snapshot();
    CHECK(now.status == RunStatus::running);
    CHECK(now.stage("slow").in == 4);
    CHECK(now.edges[0].put == 9);
    CHECK(now.edges[0].got == 8);
    CHECK(now.edges[0].done == 7);
    CHECK(now.edges[2].queued == 1);
    CHECK(now.edges[2].high_water == 1);
    run->cancel();
    gate.open();
    CHECK(run.end().ledger.balanced);
  });
}

TEST_CASE("Explain: behind a source that waits everybody is starved, and nobody is stuck",
          "[pipeline][explain]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    Gate gate;
    Pipeline p("waiting source");
    const auto read = [&gate, next = Number{0}]() mutable -> std::optional<Number> {
      if (next == 2) gate.pass();
      return next < 4 ? std::optional(next++) : std::nullopt;
    };
    p.source("read", read, {.carrier = mix.at(0)}) | map("a", same, narrow(mix.at(1))) |
        map("b", same, narrow(mix.at(0))) |
        sink(
            "drop", [](Number) {}, narrow_sink(mix.at(1)));
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    jammed(run, {"read.0: busy for _ s, item 2 at attempt 1",
                 "a.0: starved for _ s, waits for items on read->a",
                 "b.0: starved for _ s, waits for items on a->b",
                 "drop.0: starved for _ s, waits for items on b->drop",
                 "edge read->a: 0 of 1 queued, 0 in flight, 2 done",
                 "edge b->drop: 0 of 1 queued, 0 in flight, 2 done",
                 "root cause: read: idle, not stuck: its source has been in next() for _ s"});
    CHECK(run->snapshot().stage("drop").completed == 2);
    gate.open();
    CHECK(run->wait().stage("drop").completed == 4);
  });
}

TEST_CASE(
    "Explain: a worker in a callback is named with its item, before and behind it wait the rest",
    "[pipeline][explain]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    Gate gate;
    Pipeline p("held in the middle");
    p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
        map("a", same, narrow(mix.at(1))) | map("held", hold_at(gate, 7), narrow(mix.at(0))) |
        sink(
            "drop", [](Number) {}, narrow_sink(mix.at(1)));
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    jammed(run, {"read.0: blocked for _ s, waits for room on read->a",
                 "a.0: blocked for _ s, waits for room on a->held",
                 "held.0: busy for _ s, item 7 at attempt 1",
                 "drop.0: starved for _ s, waits for items on held->drop",
                 "edge a->held: 1 of 1 queued, 1 in flight, 7 done",
                 "edge held->drop: 0 of 1 queued, 0 in flight, 7 done",
                 "root cause: held: has been at work for _ s, busy for _ s, item 7 at attempt 1"});
    CHECK(run->snapshot().stage("held").in == 8);
    CHECK(run->snapshot().stage("drop").completed == 7);
    run->cancel();
    gate.open();
    CHECK(run.end().ledger.balanced);
  });
}

TEST_CASE("Explain: of several workers, each has its own line", "[pipeline][explain]") {
  Gate gate;
  Pipeline p("two workers");
  p.source("read", numbers(2), {.carrier = Carrier::thread}) |
      sink("held", [&gate](Number) { gate.pass(); },
           {.workers = 2, .carrier = Carrier::thread, .batch = 1});
  WatchedRun run(p);
  const OpensAtEnd opens(gate);
  gate.wait_for_arrivals(2);
  const std::string text = run->explain();
  std::vector<std::string> doing;
  for (const std::string worker : {"held.0: ", "held.1: "}) {
    doing.push_back(without_times(line_of(text, worker)).substr(worker.size()));
  }
  std::sort(doing.begin(), doing.end());
  CHECK(doing == std::vector<std::string>{"busy for _ s, item 0 at attempt 1",
                                          "busy for _ s, item 1 at attempt 1"});
  CHECK_THAT(line_of(text, "root cause"), StartsWith("root cause: held: has been at work"));
  gate.open();
  CHECK(run->wait().stage("held").completed == 2);
}

TEST_CASE("Explain: a retry that waits for its time is said to wait for a timer",
          "[pipeline][explain]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const bool keyed : {false, true}) {
      Pipeline p("retry");
      StageOptions options = narrow(mix.at(0));
      options.on_error = retry(1, 1h);
      const auto fail = [](Number n) -> Number {
        if (n == 1) throw std::runtime_error("in an hour");
        return n;
      };
      auto stream = p.source("read", numbers(keyed ? 10 : 2), {.carrier = mix.at(1)});
      if (keyed) {  // the wait holds the worker
        stream | key_by([](const Number& n) { return n; }) | map("again", fail, options) |
            sink(
                "drop", [](Number) {}, narrow_sink(mix.at(1)));
      } else {  // the wait is all that is left
        stream | map("again", fail, options) |
            sink(
                "drop", [](Number) {}, narrow_sink(mix.at(1)));
      }
      WatchedRun run(p);
      const std::string text =
          jammed(run, {"again.0: waits for a timer for _ s",
                       "drop.0: starved for _ s, waits for items on again->drop",
                       "root cause: again: waits for a timer for _ s"});
      CHECK_THAT(line_of(text, "edge read->again"), Contains(" 1 in flight, 1 done"));
      run->cancel();
      CHECK(run.end().stage("again").retried == 1);
    }
  });
}

TEST_CASE("Explain: a stage that has only a retry to do is the root, though more items may come",
          "[pipeline][explain]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("only a retry");
    StageOptions options{.carrier = mix.at(0), .on_error = retry(1, 1h)};
    const auto fail = [](Number) -> Number { throw std::runtime_error("in an hour"); };
    p.inlet<Number>("feed", {.carrier = mix.at(1)}) | map("again", fail, options) |
        sink(
            "drop", [](Number) {}, narrow_sink(mix.at(1)));
    WatchedRun run(p);
    auto feed = run->inlet<Number>("feed");  // ends with its handle
    CHECK(feed.put(1) == PutStatus::ok);
    jammed(run,
           {"again.0: waits for _ s, for the next attempt of an item and for items on feed->again",
            "root cause: again: waits for _ s, for the next attempt of an item and for items on "
            "feed->again"});
    run->cancel();
    CHECK(run.end().stage("again").retried == 1);
  });
}

TEST_CASE("Explain: an inlet that nobody feeds makes the run idle, not stuck",
          "[pipeline][explain]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("unfed");
    p.inlet<Number>("in", {.carrier = mix.at(0)}) | map("a", same, narrow(mix.at(1))) |
        map("b", same, narrow(mix.at(0))) |
        sink(
            "drop", [](Number) {}, narrow_sink(mix.at(1)));
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    REQUIRE(in.put(1) == PutStatus::ok);
    jammed(
        run,
        {"in.0: starved for _ s, waits for items on application->in",
         "a.0: starved for _ s, waits for items on in->a",
         "b.0: starved for _ s, waits for items on a->b",
         "drop.0: starved for _ s, waits for items on b->drop",
         "edge application->in: 0 of 1024 queued, 0 in flight, 1 done",
         "edge b->drop: 0 of 1 queued, 0 in flight, 1 done",
         "root cause: in: idle, not stuck: the application has put nothing more into its inlet"});
    in.close();
    CHECK(run->wait().status == RunStatus::done);
  });
}

TEST_CASE("Explain: an outlet that nobody reads is the root of a jam", "[pipeline][explain]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("unread");
    p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
        map("a", same, narrow(mix.at(1))) | map("b", same, narrow(mix.at(0))) |
        outlet<Number>("out", {.capacity = 2});
    WatchedRun run(p);
    jammed(run, {"read.0: blocked for _ s, waits for room on read->a",
                 "a.0: blocked for _ s, waits for room on a->b",
                 "b.0: blocked for _ s, waits for room on b->out",
                 "edge a->b: 1 of 1 queued, 1 in flight, 2 done",
                 "edge b->out: 2 of 2 queued, 0 in flight, 0 done"});
    CHECK(line_of(run->explain(), "root cause") ==
          "root cause: out: the application does not read its outlet");
    run->cancel();
    CHECK(run.end().ledger.balanced);
  });
}

TEST_CASE("Explain: an outlet that was not read to its end is why the run goes on",
          "[pipeline][explain]") {
  Pipeline p("to the end");
  p.source("read", numbers(1)) | outlet<Number>("out");
  WatchedRun run(p);
  auto out = run->outlet<Number>("out");
  CHECK(*out.get() == 0);
  jammed(run, {"read.0: ended"});
  CHECK(line_of(run->explain(), "root cause") ==
        "root cause: out: the application does not read its outlet to the end");
  CHECK(out.get().status() == GetStatus::closed);
  CHECK(run->wait().status == RunStatus::done);
}

}  // namespace
}  // namespace sluice
