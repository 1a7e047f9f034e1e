// pipelines/invariants_close_test.cpp: the third invariant of framework/README.md: how ends spread.
//
// Close reaches every sink after the last producer, and no sooner; a failure anywhere ends everything.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/counted.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/scale.hpp>
#include <support/scenario.hpp>
#include <support/seeds.hpp>
#include <support/watched_run.hpp>

#include <sluice/runtime/seeded_driver.hpp>
#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

constexpr std::uint64_t kRounds = scaled(2000);

/// Knows how many of its kind have finished, and how many items each of them had before.
class Finisher {
 public:
  Finisher(std::atomic<std::size_t>& items, std::atomic<std::size_t>& finishes)
      : items_{&items}, finishes_{&finishes} {}
  void process(Number) { ++*items_; }
  void finish() { ++*finishes_; }

 private:
  std::atomic<std::size_t>* items_;
  std::atomic<std::size_t>* finishes_;
};

TEST_CASE("Invariant 3: close flows forward, failure flows both ways. Close reaches every sink",
          "[pipeline][invariant]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("close");
    Gate gate;
    std::atomic<std::size_t> items{0};
    std::atomic<std::size_t> finishes{0};
    const auto last = [&gate, done = false]() mutable -> std::optional<Number> {
      if (done) return std::nullopt;
      gate.pass();
      done = true;
      return 20;
    };
    auto both = merge(p.source("quick", numbers(20), {.carrier = mix.at(0)}),
                      p.source("last", last, {.carrier = Carrier::thread}));
    auto stream = both | map("same", [](Number n) { return n; },
                             {.workers = 2, .carrier = mix.at(1), .capacity = 2});
    stream | sink("a", Finisher(items, finishes), {.carrier = mix.at(0), .capacity = 1});
    stream | key_by([](const Number& n) { return n; }) |
        sink("b", Finisher(items, finishes), {.workers = 3, .carrier = mix.at(1)});
    auto arms = route(stream, [](Number n) { return n < 10; });
    arms[0] | sink("c", Finisher(items, finishes), {.carrier = mix.at(0)});
    arms[1] | batch("pack", 4) | sink("d", [](const std::vector<Number>&) {});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    wait_until([&] { return items == 50; });  // everything of the quick source
    CHECK(finishes == 0);                     // one producer is left
    CHECK(run->join(Deadline::now()) == JoinStatus::late);
    gate.open();
    const Report report = run->wait();
    CHECK(finishes == 5);
    CHECK(items == 52);
    CHECK(report.stage("d").completed == 3);  // the open batch came out before the close
    for (const EdgeReport& edge : report.edges) CHECK(edge.put == edge.done);
  });
}

/// Counts how many callbacks of a pipeline are running right now and how many there were.
struct Presence {
  std::atomic<int> inside{0};
  std::atomic<std::uint64_t> calls{0};

  void enter() {
    ++inside;
    ++calls;
  }
  void leave() { --inside; }
};

TEST_CASE("Invariant 3: close flows forward, failure flows both ways. Failure ends everything",
          "[pipeline][invariant]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const std::size_t capacity : {1U, 64U}) {
      const std::int64_t before = Counted::live();
      Presence presence;
      std::atomic<std::size_t> items{0};
      std::atomic<std::size_t> finishes{0};
      std::atomic<bool> fail{false};
      {
        Pipeline p("failure");
        const auto counted = [&presence, next = Number{0}]() mutable -> std::optional<Counted> {
          presence.enter();
          presence.leave();
          return Counted(next++);
        };
        const auto value = [&presence](const Counted& item) {
          presence.enter();
          presence.leave();
          return item.value();
        };
        auto both = merge(p.source("one", counted, {.carrier = mix.at(0)}),
                          p.source("two", counted, {.carrier = mix.at(1)}));
        auto stream =
            both | map("value", value, {.workers = 2, .carrier = mix.at(0), .capacity = capacity});
        const auto bad = [&](Number) {
          presence.enter();
          presence.leave();
          if (fail) throw std::runtime_error("bad");
        };
        stream | sink("bad", bad, {.carrier = mix.at(1), .capacity = capacity});
        stream | map("beside", [](Number n) { return n; }, {.carrier = mix.at(0)}) |
            sink("sibling", Finisher(items, finishes), {.carrier = mix.at(1)});
        WatchedRun run(p);
        wait_until([&] { return items > 100; });
        fail = true;
        const Report report = run.end();
        const std::uint64_t calls = presence.calls;
        CHECK(report.status == RunStatus::failed);
        CHECK(report.stage("bad").failed == 1);
        CHECK(report.ledger.balanced);
        for (const EdgeReport& edge : report.edges) {
          CHECK(edge.put == edge.done + edge.dropped);
          CHECK(edge.queued == 0);
        }
        CHECK(finishes == 0);  // what was absorbed is dropped
        CHECK(presence.inside == 0);
        CHECK(presence.calls == calls);  // nobody calls any more
        CHECK(run->explain().find(": ended\n") != std::string::npos);
      }
      CHECK(Counted::live() == before);  // nothing is queued anywhere
    }
  });
}

/// Counts in `finishes` of its place how many of a stage's workers have finished.
class Passer {
 public:
  using Out = Number;
  Passer(std::vector<std::size_t>& finishes, std::size_t place)
      : finishes_{&finishes}, place_{place} {}
  void process(Number n, Emitter<Number>& out) { out.emit(n); }
  void finish(Emitter<Number>& out) {
    ++(*finishes_)[place_];
    out.emit(1000);
  }

 private:
  std::vector<std::size_t>* finishes_;
  std::size_t place_;
};

TEST_CASE("Invariant 3: close flows forward, failure flows both ways. An edge never closes early",
          "[pipeline][model][invariant]") {
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    const std::uint64_t round_seed = seed() + round;
    INFO("repeat this round with SLUICE_SEED=" << round_seed);
    Draw draw(round_seed);
    Pipeline p("forward");
    std::vector<std::size_t> finishes(4);
    const StageOptions options[] = {draw.stage(), draw.stage(), draw.stage()};
    auto stream = p.source("read", numbers(draw.between(0, 30)), draw.source());
    for (std::size_t i = 0; i < 3; ++i) {
      stream = stream | stage("pass " + std::to_string(i), Passer(finishes, i + 1), options[i]);
    }
    stream | sink(
                 "drop", [](Number) {}, draw.sink(2));
    detail::SeededDriver driver(p, round_seed);
    std::string fault;
    const Report report = driver.finish([&] {
      for (std::size_t i = 0; i < 3; ++i) {  // the edge behind stage i + 1
        const bool closed = driver.run().edge_into(i + 2)->lane(0).is_closed();
        const bool finished = finishes[i + 1] == options[i].workers;
        if (closed && !finished) fault = "the edge behind pass " + std::to_string(i);
      }
    });
    CHECK(fault == "");
    for (std::size_t i = 0; i < 3; ++i) CHECK(finishes[i + 1] == options[i].workers);
    for (std::size_t i = 1; i < 5; ++i) CHECK(driver.run().edge_into(i)->lane(0).drained());
    CHECK(report.stage("drop").completed >= 3);
  }
}

}  // namespace
}  // namespace sluice
