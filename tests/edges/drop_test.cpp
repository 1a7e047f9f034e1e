// edges/drop_test.cpp: branches that drop what finds them full: who waits, what arrives, and every count.
// SPDX-License-Identifier: MIT
#include <edges/edge_reports.hpp>

#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/counted.hpp>
#include <support/jam.hpp>
#include <support/move_only.hpp>
#include <support/throwing_move.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using Catch::Matchers::Contains;

constexpr Number kItems = 200;

/// The dropping of both kinds, each once.
template <class Test>
void for_both(Test test) {
  for (const bool oldest : {false, true}) {
    INFO((oldest ? "drop_oldest" : "drop_newest"));
    test(oldest ? drop_oldest() : drop_newest(), oldest);
  }
}

auto collect_behind(Gate& gate, Collected<Number>& got) {
  return [&gate, &got](Number n) {
    gate.pass();
    got.add(n);
  };
}

TEST_CASE("Drop: a producer never waits for a branch that drops, and every output is counted",
          "[edges]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    for_both([&](auto policy, bool oldest) {
      Gate gate;
      Collected<Number> got;
      Pipeline p("drop");
      p.source("read", numbers(kItems), {.carrier = mix.at(0)}) | when_full(policy) |
          sink("slow", collect_behind(gate, got),
               {.carrier = mix.at(1), .capacity = 3, .batch = 1});
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      wait_until_emitted(run, "read", "slow", kItems);  // while the sink is held
      CHECK_THAT(run->explain(), Contains(" dropped because it was full"));
      gate.open();
      const Report report = run.end();
      const BranchReport counts = branch(report, "read", "slow");
      const EdgeReport edge = edge_into(report, "slow");
      CHECK(report.status == RunStatus::done);
      CHECK(report.ledger.balanced);
      CHECK(counts.when_full == (oldest ? "drop_oldest" : "drop_newest"));
      CHECK(counts.emitted == kItems);
      CHECK(counts.put == kItems - counts.dropped_newest);
      CHECK(got.size() == kItems - counts.dropped_newest - counts.dropped_oldest);
      CHECK((oldest ? counts.dropped_newest : counts.dropped_oldest) == 0);
      CHECK(edge.dropped_when_full() >= kItems - 4 - 1);  // three queued, one in the sink
      CHECK(edge.put == edge.got + edge.dropped);
      CHECK(edge.dropped == counts.dropped_oldest);
      CHECK(edge.high_water == 3);
      CHECK(ascends(got.items()));
      // The newest are those that are kept, or those that are not.
      if (oldest) CHECK(got.items().back() == kItems - 1);
      if (!oldest) CHECK(got.items().front() == 0);
      CHECK(report.dead_letters == 0);
      CHECK(report.error_count == 0);
    });
  });
}

TEST_CASE("Drop: the table, the JSON and the plan say so", "[edges]") {
  Gate gate;
  Collected<Number> got;
  Pipeline p("drop");
  auto stream = p.source("read", numbers(kItems));
  stream | when_full(drop_newest()) |
      sink("new", collect_behind(gate, got), {.carrier = Carrier::thread, .capacity = 2});
  stream | when_full(drop_oldest()) |
      sink("old", collect_behind(gate, got), {.carrier = Carrier::thread, .capacity = 2});
  stream | sink("all", got.sink());
  const Plan planned = plan(p);
  CHECK_THAT(planned.text(), Contains("when_full drop_newest"));
  CHECK_THAT(planned.dot(), Contains("when_full drop_oldest, 2"));
  CHECK_THAT(planned.mermaid(), Contains("when_full drop_newest, 2"));
  WatchedRun run(p);
  const OpensAtEnd opens(gate);
  wait_until_emitted(run, "read", "all", kItems);
  gate.open();
  const Report report = run.end();
  const BranchReport newest = branch(report, "read", "new");
  const BranchReport oldest = branch(report, "read", "old");
  CHECK_THAT(report.table(),
             Contains("dropped: read->new: " + std::to_string(newest.dropped_newest) +
                      " of 200 outputs of read found it full (") &&
                 Contains("dropped: read->old: " + std::to_string(oldest.dropped_oldest) +
                          " of 200 queued items made room for outputs of read ("));
  const auto json = nlohmann::json::parse(report.json());
  CHECK(json["edges"][0]["branches"][0] ==
        nlohmann::json({{"from", "read"},
                        {"when_full", "drop_newest"},
                        {"emitted", 200},
                        {"put", newest.put},
                        {"refused", 0},
                        {"elsewhere", 0},
                        {"dropped_newest", newest.dropped_newest},
                        {"dropped_oldest", 0}}));
  CHECK(json["edges"][2]["branches"][0]["when_full"] == "block");
  CHECK(json["edges"][0].count("store") == 0);
}

TEST_CASE("Drop: a held branch that drops does not hold back the one beside it", "[edges]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    for_both([&](auto policy, bool) {
      Gate gate;
      Collected<Number> all;
      Collected<Number> some;
      Pipeline p("fan-out");
      auto stream = p.source("read", numbers(kItems), {.carrier = mix.at(0)}) |
                    map("same", same, narrow(mix.at(1)));
      stream | when_full(policy) |
          sink("slow", collect_behind(gate, some),
               {.carrier = mix.at(0), .capacity = 2, .batch = 1});
      stream | sink("all", all.sink(), narrow_sink(mix.at(1)));
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      wait_until([&] { return all.size() == kItems; });
      gate.open();
      const Report report = run.end();
      const BranchReport slow = branch(report, "same", "slow");
      CHECK(all.items() == up_to(kItems));
      CHECK(ascends(some.items()));
      CHECK(some.size() + slow.dropped_newest + slow.dropped_oldest == kItems);
      CHECK(branch(report, "same", "all").put == kItems);
      CHECK(branch(report, "same", "all").dropped_newest == 0);
    });
  });
}

TEST_CASE("Drop: one item that makes more outputs than fit", "[edges]") {
  for_every_carrier([](const CarrierMix& mix) {
    for_both([&](auto policy, bool oldest) {
      Collected<Number> got;
      Pipeline p("burst");
      const auto burst = [](Number, Emitter<Number>& out) {
        for (Number n = 0; n < kItems; ++n) out.emit(n);
      };
      p.source("read", numbers(1), {.carrier = mix.at(0)}) |
          flat_map<Number>("burst", burst, {.carrier = mix.at(1)}) | when_full(policy) |
          sink("collect", got.sink(), {.carrier = mix.at(0), .capacity = 4});
      const Report report = run_watched(p);
      const BranchReport counts = branch(report, "burst", "collect");
      CHECK(counts.emitted == kItems);
      CHECK(got.size() + counts.dropped_newest + counts.dropped_oldest == kItems);
      CHECK(got.size() >= 4);
      CHECK(ascends(got.items()));
      if (oldest) CHECK(got.items().back() == kItems - 1);
    });
  });
}

TEST_CASE("Drop: a streaming stage does not wait in emit", "[edges]") {
  for_both([](auto policy, bool) {
    Gate gate;
    Collected<Number> got;
    Pipeline p("stream");
    const auto burst = [](Number, Emitter<Number>& out) {
      for (Number n = 0; n < kItems; ++n) out.emit(n);
    };
    p.source("read", numbers(1)) | flat_map<Number>("burst", burst, {.streaming = true}) |
        when_full(policy) |
        sink("slow", collect_behind(gate, got), {.carrier = Carrier::thread, .capacity = 2});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    wait_until_emitted(run, "burst", "slow", kItems);
    gate.open();
    const Report report = run.end();
    CHECK(got.size() + edge_into(report, "slow").dropped_when_full() == kItems);
  });
}

TEST_CASE("Drop: each lane of a keyed edge drops its own", "[edges]") {
  for (const Carrier carrier : {Carrier::thread, Carrier::pool}) {
    for_both([&](auto policy, bool) {
      Gate gate;
      Collected<Number> free;
      Collected<Number> held;
      Pipeline p("keyed");
      const auto take = [&](Number n, Context& context) {
        if (context.worker() == 0) gate.pass();
        (context.worker() == 0 ? held : free).add(n);
      };
      const auto halves = [](Number n) { return n % 2; };
      p.source("read", numbers(kItems)) | when_full(policy) | key_by(halves) |
          sink("by key", take,
               {.workers = 2, .carrier = carrier, .capacity = 2 * kItems, .batch = 1});
      if (pool_size() < 2 && carrier == Carrier::pool) return;
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      wait_until([&] { return free.size() == kItems / 2; });  // there is room for all of them
      gate.open();
      const Report report = run.end();
      CHECK(held.size() == kItems / 2);
      CHECK(edge_into(report, "by key").dropped_when_full() == 0);
    });
    for_both([&](auto policy, bool) {
      Gate gate;
      Collected<Number> got[2];
      Pipeline p("keyed");
      const auto take = [&](Number n, Context& context) {
        gate.pass();
        got[context.worker()].add(n);
      };
      p.source("read", numbers(kItems)) | key_by([](Number n) { return n % 2; }) |
          when_full(policy) |
          sink("by key", take,
               {.workers = 2, .carrier = Carrier::thread, .capacity = 4, .batch = 1});
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      wait_until_emitted(run, "read", "by key", kItems);
      gate.open();
      const Report report = run.end();
      CHECK(got[0].size() + got[1].size() + edge_into(report, "by key").dropped_when_full() ==
            kItems);
      for (const Collected<Number>& lane : got) {
        CHECK(lane.size() >= 2);
        CHECK(ascends(lane.items()));
        for (const Number n : lane.items()) CHECK(n % 2 == lane.items().front() % 2);
      }
    });
  }
}

TEST_CASE("Drop: before a route every arm drops, behind it only that one", "[edges]") {
  for_both([](auto policy, bool) {
    Gate gate;
    Collected<Number> even;
    Collected<Number> odd;
    const auto is_even = [](Number n) { return n % 2 == 0; };
    const SinkOptions narrow = {.carrier = Carrier::thread, .capacity = 2, .batch = 1};
    Pipeline both("both arms");
    {
      auto arms = route(both.source("read", numbers(kItems)) | when_full(policy), is_even);
      arms[0] | sink("even", collect_behind(gate, even), narrow);
      arms[1] | sink("odd", collect_behind(gate, odd), narrow);
    }
    CHECK_THAT(plan(both).text(), Contains("when_full") && Contains(", route arm 0"));
    {
      WatchedRun run(both);
      const OpensAtEnd opens(gate);
      wait_until_emitted(run, "read", "odd", kItems);
      gate.open();
      const Report report = run.end();
      for (const char* const end : {"even", "odd"}) {
        const BranchReport counts = branch(report, "read", end);
        CHECK(counts.elsewhere == kItems / 2);
        CHECK(counts.put + counts.dropped_newest == kItems / 2);
        CHECK(counts.dropped_newest + counts.dropped_oldest > 0);
      }
      CHECK(even.size() + odd.size() + edge_into(report, "even").dropped_when_full() +
                edge_into(report, "odd").dropped_when_full() ==
            kItems);
    }
    Collected<Number> all;
    Pipeline one("one arm");
    auto arms = route(one.source("read", numbers(kItems)), is_even);
    arms[0] | when_full(policy) |
        sink(
            "even", [](Number) {}, narrow);
    arms[1] | sink("odd", all.sink(), narrow);
    const Report report = run_watched(one);
    CHECK(all.size() == kItems / 2);
    CHECK(edge_into(report, "odd").dropped_when_full() == 0);
  });
}

TEST_CASE("Drop: of two branches into one edge only the one that drops loses outputs", "[edges]") {
  for_every_carrier([](const CarrierMix& mix) {
    Collected<Number> got;
    Pipeline p("merge");
    auto left = p.source("left", numbers(kItems), {.carrier = mix.at(0)});
    auto right = p.source("right", numbers(kItems), {.carrier = mix.at(0)}) |
                 map(
                     "more", [](Number n) { return n + kItems; }, narrow(mix.at(1)));
    merge(left | when_full(drop_newest()), right) |
        sink("collect", got.sink(), narrow_sink(mix.at(0)));
    const Report report = run_watched(p);
    std::size_t from_right = 0;
    for (const Number n : got.items()) from_right += n >= kItems;
    CHECK(from_right == kItems);
    CHECK(got.size() - from_right + branch(report, "left", "collect").dropped_newest == kItems);
    CHECK(branch(report, "more", "collect").dropped_newest == 0);
    CHECK(branch(report, "more", "collect").when_full == "block");
  });
}

TEST_CASE("Drop: the order that several workers keep survives", "[edges]") {
  for_every_carrier([](const CarrierMix& mix) {
    for_both([&](auto policy, bool oldest) {
      Collected<Number> got;
      Pipeline p("ordered");
      const StageOptions ordered = {
          .workers = 3, .carrier = mix.at(1), .order = Order::keep, .capacity = 8};
      auto kept = p.source("read", numbers(kItems), {.carrier = mix.at(0)}) |
                  map("first", same, ordered) | when_full(policy);
      // Only outputs that were never queued leave no gap in the order.
      if (oldest) {
        kept | sink("collect", got.sink(), narrow_sink(mix.at(0)));
      } else {
        kept | map("second", same, ordered) | when_full(policy) |
            sink("collect", got.sink(), narrow_sink(mix.at(0)));
      }
      const Report report = run_watched(p);
      std::uint64_t dropped = 0;
      for (const EdgeReport& edge : report.edges) dropped += edge.dropped_when_full();
      CHECK(got.size() + dropped == kItems);
      CHECK(ascends(got.items()));
    });
  });
}

TEST_CASE("Drop: items that can only be moved, that may throw, and none is left alive", "[edges]") {
  for_every_carrier([](const CarrierMix& mix) {
    for_both([&](auto policy, bool) {
      std::atomic<std::size_t> got{0};
      {
        Pipeline p("move-only");
        const auto make = [n = Number{0}]() mutable -> std::optional<MoveOnly> {
          if (n == kItems) return std::nullopt;
          return MoveOnly(n++);
        };
        p.source("read", make, {.carrier = mix.at(0)}) | when_full(policy) |
            sink(
                "drop", [&](MoveOnly) { ++got; }, narrow_sink(mix.at(1)));
        const Report report = run_watched(p);
        CHECK(got + edge_into(report, "drop").dropped_when_full() == kItems);
      }
      got = 0;
      {
        Pipeline p("may throw");
        const auto make = [n = Number{0}]() mutable -> std::optional<ThrowingMove> {
          if (n == kItems) return std::nullopt;
          return ThrowingMove(n++);
        };
        auto stream = p.source("read", make, {.carrier = mix.at(0)});
        stream | when_full(policy) |
            sink(
                "drop", [&](const ThrowingMove&) { ++got; }, narrow_sink(mix.at(1)));
        stream | when_full(policy) |
            sink(
                "too", [&](const ThrowingMove&) { ++got; }, narrow_sink(mix.at(0)));
        const Report report = run_watched(p);
        CHECK(got + edge_into(report, "drop").dropped_when_full() +
                  edge_into(report, "too").dropped_when_full() ==
              2 * kItems);
      }
      const std::int64_t before = Counted::live();
      got = 0;
      {
        Pipeline p("counted");
        const auto make = [n = Number{0}]() mutable -> std::optional<Counted> {
          if (n == kItems) return std::nullopt;
          return Counted(n++);
        };
        auto stream = p.source("read", make, {.carrier = mix.at(0)});
        stream | when_full(policy) |
            sink(
                "drop", [&](const Counted&) { ++got; }, narrow_sink(mix.at(1)));
        stream | when_full(policy) |
            sink(
                "too", [&](const Counted&) { ++got; }, narrow_sink(mix.at(0)));
        const Report report = run_watched(p);
        CHECK(got + edge_into(report, "drop").dropped_when_full() +
                  edge_into(report, "too").dropped_when_full() ==
              2 * kItems);
      }
      CHECK(Counted::live() == before);
    });
  });
}

TEST_CASE("Drop: a move that throws while an item makes room fails the run and loses no count",
          "[edges]") {
  for (std::int64_t moves = 0; moves < 60; ++moves) {
    INFO("the move that throws: " << moves);
    Pipeline p("throws");
    const auto make = [n = Number{0}]() mutable -> std::optional<ThrowingMove> {
      if (n == 20) return std::nullopt;
      return ThrowingMove(n++);
    };
    p.source("read", make, {.carrier = Carrier::thread}) | when_full(drop_oldest()) |
        sink(
            "drop", [](const ThrowingMove&) {}, narrow_sink(Carrier::thread));
    WatchedRun run(p);
    ThrowingMove::throw_after(moves);
    const Report report = run.end();
    ThrowingMove::never_throw();
    CHECK(report.ledger.balanced);
    CHECK((report.status == RunStatus::done || report.status == RunStatus::failed));
  }
}

TEST_CASE("Drop: stop, cancel, a failure and a consumer that has enough, with full edges",
          "[edges]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    for_both([&](auto policy, bool) {
      for (const char* const how : {"stop", "cancel", "failure", "enough"}) {
        INFO(how);
        const std::string end = how;
        Gate gate;
        Pipeline p("ends");
        const auto take = [&](Number n) {
          gate.pass();
          if (end == "failure") throw std::runtime_error("no");
          return end == "enough" && n > 1 ? Demand::enough : Demand::more;
        };
        p.source("read", endless_numbers(), {.carrier = mix.at(0)}) | when_full(policy) |
            sink("slow", take, {.carrier = mix.at(1), .capacity = 3, .batch = 1});
        WatchedRun run(p);
        const OpensAtEnd opens(gate);
        wait_until([&] { return edge_into(run->snapshot(), "slow").dropped_when_full() > 10; });
        if (end == "stop") run->stop();
        if (end == "cancel") run->cancel();
        gate.open();
        const Report report = run.end();
        const BranchReport counts = branch(report, "read", "slow");
        CHECK(report.ledger.balanced);
        CHECK(counts.emitted == counts.put + counts.refused + counts.dropped_newest);
        CHECK((report.status == RunStatus::failed) == (end == "failure"));
      }
    });
  });
}

TEST_CASE("Drop: an outlet that is read slowly has the newest items", "[edges]") {
  Pipeline p("outlet");
  p.source("read", numbers(kItems)) | when_full(drop_oldest()) |
      outlet<Number>("out", {.capacity = 5});
  WatchedRun run(p);
  auto out = run->outlet<Number>("out");
  wait_until_emitted(run, "read", "out", kItems);
  for (Number n = kItems - 5; n < kItems; ++n) CHECK(*out.get() == n);
  CHECK(out.get().status() == GetStatus::closed);
  CHECK(branch(run.end(), "read", "out").dropped_oldest == kItems - 5);
}

TEST_CASE("Drop: block() says what is so anyway", "[edges]") {
  Collected<Number> got;
  Pipeline p("block");
  p.source("read", numbers(kItems)) | when_full(block()) |
      sink("all", got.sink(), narrow_sink(Carrier::thread));
  const Report report = run_watched(p);
  CHECK(got.items() == up_to(kItems));
  CHECK(edge_into(report, "all").adaptors == "when_full block");
}

}  // namespace
}  // namespace sluice
