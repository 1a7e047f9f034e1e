// pipelines/explain_test.cpp: explain() and the live snapshot name who waits for what, and the root of it.
//
// Gates bring a pipeline into a known jam; the test waits until the report of the live run shows that jam
// and then reads the text. Nothing moves any more in a jam, so the text is the same however often one asks.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

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

/// The line of a text that begins so, without its indentation.
std::string line_of(const std::string& text, const std::string& beginning) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    line.erase(0, line.find_first_not_of(' '));
    if (line.starts_with(beginning)) return line;
    at = end + 1;
  }
  return "no line begins with " + beginning;
}

/// "blocked for 0.012 s, waits" without the figure: "blocked for _ s, waits".
std::string without_times(std::string line) {
  for (std::size_t at = line.find(" for "); at != line.npos; at = line.find(" for ", at + 1)) {
    const std::size_t figure = at + 5;
    const std::size_t end = line.find_first_not_of("0123456789.", figure);
    if (end != line.npos && end > figure) line.replace(figure, end - figure, "_");
  }
  return line;
}

/// Blocks until the text has all these lines at once; the watchdog shows the text when it never does. In a
/// jam nothing changes any more, but nobody signals that the last worker has come to rest.
std::string jammed(WatchedRun& run, const std::vector<std::string>& lines) {
  std::string text;
  const auto has = [&text](const std::string& line) {
    return without_times(line_of(text, line.substr(0, line.find(':')))) == line;
  };
  wait_until([&] {
    text = run->explain();
    return std::all_of(lines.begin(), lines.end(), has);
  });
  return text;
}

/// On a pool of one thread a held callback holds the only thread there is.
bool can_hold(const CarrierMix& mix) {
  return pool_size() >= 2 || (mix.even == Carrier::thread && mix.odd == Carrier::thread);
}

/// Waits at a gate in the callback of one item.
auto hold_at(Gate& gate, Number item) {
  return [&gate, item](Number n) {
    if (n == item) gate.pass();
    return n;
  };
}
Number same(Number n) { return n; }

StageOptions narrow(Carrier carrier) { return {.carrier = carrier, .capacity = 1, .batch = 1}; }
SinkOptions narrow_sink(Carrier carrier) { return {.carrier = carrier, .capacity = 1, .batch = 1}; }

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
    jammed(run, {"in.0: starved for _ s, waits for items on application->in",
                 "a.0: starved for _ s, waits for items on in->a",
                 "b.0: starved for _ s, waits for items on a->b",
                 "drop.0: starved for _ s, waits for items on b->drop",
                 "edge application->in: 0 of 1024 queued, 0 in flight, 1 done",
                 "edge b->drop: 0 of 1 queued, 0 in flight, 1 done"});
    CHECK(line_of(run->explain(), "root cause") ==
          "root cause: in: idle, not stuck: the application has put nothing more into its inlet");
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
      jammed(run, {"read.0: blocked for _ s, waits for room on read->split",
                   "split.0: blocked for _ s, waits for room on split->full",
                   "full.0: busy for _ s, item 0 at attempt 1",
                   "idle.0: starved for _ s, waits for items on split->idle",
                   "edge split->full: 1 of 1 queued, 1 in flight, 0 done",
                   "edge split->idle: 0 of 1024 queued, 0 in flight, 3 done"});
      CHECK(without_times(line_of(run->explain(), "root cause")) ==
            "root cause: full: has been at work for _ s, busy for _ s, item 0 at attempt 1");
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
                 "waiting.0: starved for _ s, waits for items on in->waiting"});
    CHECK(without_times(line_of(run->explain(), "root cause")) ==
          "root cause: held: has been at work for _ s, busy for _ s, item 0 at attempt 1");
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
