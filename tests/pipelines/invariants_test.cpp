// pipelines/invariants_test.cpp: the invariants of framework/README.md, each by its name.
//
// The third one, about ends, has invariants_close_test.cpp. Most are looked at after every single step, in an order of steps that comes from a seed; a failure names
// the seed. What only threads can break is looked at on every carrier as well.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/gate.hpp>
#include <support/lineage.hpp>
#include <support/numbers.hpp>
#include <support/off_thread_checks.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>
#include <support/shapes.hpp>
#include <support/watched_run.hpp>

#include <sluice/runtime/seeded_driver.hpp>
#include <sluice/runtime/stage_sums.hpp>
#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using detail::Count;
using detail::RunState;

constexpr std::uint64_t kRounds = scaled(500);

/// "" when it holds; else what does not, and where.
std::string require(bool holds, const std::string& where, const char* what) {
  return holds ? std::string{} : where + ": " + what;
}

/// Calls `look(run, stage)` for every stage with input. Returns  the first complaint.
template <class Look>
std::string at_each_edge(const RunState& run, Look look) {
  for (std::size_t stage = 0; stage < run.graph().stages.size(); ++stage) {
    if (run.edge_into(stage) == nullptr) continue;
    if (std::string fault = look(run, stage); !fault.empty()) return fault;
  }
  return {};
}

/// Runs every shape under many orders of steps, a third of them stopped and a third cancelled on the way.
/// `look(run)` returns what is wrong after a step, `look_at_end(run)` after the last one.
template <class Look, class LookAtEnd>
void after_every_step(Look look, LookAtEnd look_at_end) {
  for (const Shape& shape : kShapes) {
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      const std::uint64_t round_seed = seed() + round;
      INFO("shape " << shape.name << ", repeat this round with SLUICE_SEED=" << round_seed);
      Draw draw(round_seed);
      const Scenario scenario = shape.make(draw);
      const auto disturbance = static_cast<Disturbance>(draw.between(0, 2));
      const std::size_t when = draw.between(1, 150);
      detail::SeededDriver driver(scenario.pipeline, round_seed);
      RunState& run = driver.run();
      std::string fault;
      std::size_t steps = 0;
      const Report report = driver.finish([&] {
        if (fault.empty()) fault = look(run);
        if (++steps != when || run.ended()) return;
        if (disturbance == Disturbance::stop) run.request_stop();
        if (disturbance == Disturbance::cancel) run.request_cancel();
        if (fault.empty()) fault = look(run);
      });
      if (fault.empty()) fault = look_at_end(run);
      REQUIRE(fault == "");
      REQUIRE(report.ledger.faults == std::vector<std::string>{});
    }
  }
}

// ---- 1 -------------------------------------------------------------------------------------------

/// What can be seen, in the queues and in the workers' hands, is counted.
std::string seen_but_not_counted(const RunState& run) {
  return at_each_edge(run, [](const RunState& of, std::size_t stage) {
    detail::EdgeBase& edge = *of.edge_into(stage);
    std::uint64_t counted = 0;
    for (std::size_t i = 0; i < edge.lanes(); ++i) counted += edge.lane(i).unfinished();
    const std::uint64_t held =
        detail::sum_stage(of, stage, Count::taken) - detail::sum_stage(of, stage, Count::settled);
    return require(counted == detail::sum_queues(edge).queued + held, edge.spec().name,
                   "the unfinished count is not what is queued and in progress");
  });
}

TEST_CASE("Invariant 1: count, then publish", "[pipeline][model][invariant]") {
  after_every_step(seen_but_not_counted, seen_but_not_counted);
}

TEST_CASE("Invariant 1: count, then publish. In a callback the item in progress is counted",
          "[pipeline][model][invariant]") {
  for (std::uint64_t round = 0; round < 4 * kRounds; ++round) {
    const std::uint64_t round_seed = seed() + round;
    INFO("repeat this round with SLUICE_SEED=" << round_seed);
    Draw draw(round_seed);
    detail::SeededDriver* driver = nullptr;
    std::size_t wrong = 0;
    std::size_t looks = 0;
    const auto look = [&](std::size_t stage, std::uint64_t item) {
      const detail::QueueCore& lane = driver->run().edge_into(stage)->lane(0);
      const bool counted = lane.put_count() > item && lane.unfinished() > 0;
      wrong += counted && driver->unfinished() > 0 ? 0 : 1;
      ++looks;
    };
    const auto pass = [&](std::size_t stage) {
      return [&look, stage](Number n, Context& context) {
        look(stage, context.item());
        return n;
      };
    };
    Pipeline p("callbacks");
    p.source("read", numbers(50), draw.source()) | map("a", pass(1), draw.stage()) |
        map("b", pass(2), draw.stage()) | sink("c", pass(3), draw.sink(3));
    detail::SeededDriver driving(p, round_seed);
    driver = &driving;
    driving.finish();
    CHECK(wrong == 0);
    CHECK(looks == 150);
  }
}

TEST_CASE("Invariant 1: count, then publish. No thread sees an item that is not counted",
          "[pipeline][invariant]") {
  for_every_carrier([](const CarrierMix& mix) {
    constexpr Number kItems = scaled(2000);
    Pipeline p("seen");
    Gate begin;
    WatchedRun* run = nullptr;
    OffThreadChecks checks;
    // One worker each, so nothing of the edge is done that comes behind the item in progress.
    const auto look = [&](std::size_t edge) {
      return [&, edge](Number n, Context& context) {
        const EdgeReport now = (*run)->snapshot().edges[edge];
        checks.expect(now.put > context.item(), "an item is in progress that was not put");
        checks.expect(now.done <= context.item(), "an item is done that is in progress");
        return n;
      };
    };
    const auto read = [&begin, next = Number{0}]() mutable -> std::optional<Number> {
      if (next == 0) begin.pass();
      if (next == kItems) return std::nullopt;
      return next++;
    };
    p.source("read", read, {.carrier = Carrier::thread}) |
        map("a", look(0), {.carrier = mix.at(0), .capacity = 3}) |
        sink("b", look(1), {.carrier = mix.at(1), .capacity = 2});
    WatchedRun running(p);
    run = &running;
    begin.open();
    CHECK(running->wait().stage("b").completed == kItems);
    CHECK(checks.failures() == "");
  });
}

// ---- 2 -------------------------------------------------------------------------------------------

/// Whoever is on the way is covered by an unfinished item of its own on some edge.
void explore_lineage(TrackedPipeline (TrackedShapes::*shape)()) {
  for (std::uint64_t round = 0; round < 4 * kRounds; ++round) {
    const std::uint64_t round_seed = seed() + round;
    INFO("repeat this round with SLUICE_SEED=" << round_seed);
    Draw draw(round_seed);
    TrackedShapes shapes(draw);
    const TrackedPipeline tracked = (shapes.*shape)();
    const std::size_t stop_after = draw.one_in(3) ? draw.between(1, 150) : 0;
    detail::SeededDriver driver(tracked.pipeline, round_seed);
    std::size_t steps = 0;
    std::size_t uncovered = 0;
    const Report report = driver.finish([&] {
      const std::size_t on_the_way = tracked.lineage->on_the_way(tracked.born(driver.run()));
      if (driver.unfinished() < on_the_way) ++uncovered;
      if (++steps == stop_after) driver.run().request_stop();
    });
    REQUIRE(uncovered == 0);
    // The lineage itself is right: nobody is on the way any more, whichever way they went.
    REQUIRE(tracked.lineage->on_the_way(tracked.born(driver.run())) == 0);
    REQUIRE(driver.unfinished() == 0);
    REQUIRE(report.ledger.balanced);
  }
}

TEST_CASE("Invariant 2: flush, then done. Over a chain", "[pipeline][model][invariant]") {
  explore_lineage(&TrackedShapes::chain);
}
TEST_CASE("Invariant 2: flush, then done. Over a fan-out", "[pipeline][model][invariant]") {
  explore_lineage(&TrackedShapes::fan_out);
}
TEST_CASE("Invariant 2: flush, then done. Over a diamond", "[pipeline][model][invariant]") {
  explore_lineage(&TrackedShapes::diamond);
}
TEST_CASE("Invariant 2: flush, then done. Over a route", "[pipeline][model][invariant]") {
  explore_lineage(&TrackedShapes::routed);
}
TEST_CASE("Invariant 2: flush, then done. Over keyed edges", "[pipeline][model][invariant]") {
  explore_lineage(&TrackedShapes::keyed);
}
TEST_CASE("Invariant 2: flush, then done. Over retries, skips and dead letters",
          "[pipeline][model][invariant]") {
  explore_lineage(&TrackedShapes::failing);
}

/// A stage whose input is open and all done holds no output back. A batch holds items by its nature.
std::string done_but_not_flushed(const RunState& run) {
  return at_each_edge(run, [](const RunState& of, std::size_t stage) {
    detail::EdgeBase& edge = *of.edge_into(stage);
    if (of.graph().stages[stage].kind == "batch") return std::string{};
    for (std::size_t i = 0; i < edge.lanes(); ++i) {
      if (edge.lane(i).is_closed() || edge.lane(i).unfinished() > 0) return std::string{};
    }
    const auto out = [&](Count count) { return detail::sum_out_of(of, stage, count); };
    return require(
        out(Count::emitted) == out(Count::put) + out(Count::refused) + out(Count::elsewhere),
        of.graph().stages[stage].name, "its input is done, its outputs are not out");
  });
}

TEST_CASE("Invariant 2: flush, then done. No stage of any shape settles before it has flushed",
          "[pipeline][model][invariant]") {
  after_every_step(done_but_not_flushed, done_but_not_flushed);
}

/// Absorbs numbers, and gives their sum out in several parts when the input has ended.
class Absorber {
 public:
  using Out = Number;
  explicit Absorber(std::size_t& finished) : finished_{&finished} {}
  void process(Number n, Emitter<Number>&) { sum_ += n; }
  bool finish(Emitter<Number>& out) {
    const Number part = std::min<Number>(sum_, 100);
    out.emit(part);
    sum_ -= part;
    if (sum_ == 0) ++*finished_;
    return sum_ > 0;
  }

 private:
  std::size_t* finished_;
  Number sum_ = 0;
};

TEST_CASE("Invariant 2: flush, then done. Absorbed state comes out before the output closes",
          "[pipeline][model][invariant]") {
  for (std::uint64_t round = 0; round < 4 * kRounds; ++round) {
    const std::uint64_t round_seed = seed() + round;
    INFO("repeat this round with SLUICE_SEED=" << round_seed);
    Draw draw(round_seed);
    Pipeline p("absorbed");
    std::size_t finished = 0;
    Number sum = 0;
    const StageOptions options = draw.stage();
    p.source("read", numbers(60), draw.source()) | stage("absorb", Absorber(finished), options) |
        sink(
            "add", [&sum](Number n) { sum += n; }, draw.sink(2));
    detail::SeededDriver driver(p, round_seed);
    const detail::QueueCore& out = driver.run().edge_into(2)->lane(0);
    bool closed_too_early = false;
    driver.finish([&] {
      closed_too_early = closed_too_early || (out.is_closed() && finished != options.workers);
    });
    CHECK_FALSE(closed_too_early);
    CHECK(sum == 60 * 59 / 2);
  }
}

// ---- 4 -------------------------------------------------------------------------------------------

std::uint64_t given_up_or_completed(const detail::Tallies& counts) {
  return counts[Count::completed] + counts[Count::skipped] + counts[Count::dead] +
         counts[Count::failed] + counts[Count::cancelled];
}

/// No worker has settled what it did not take, or before its fate was decided; and the queues agree.
/// Where an order is kept, an item belongs to who delivers its outputs, which need not be who took it.
bool owns_what_it_takes(const detail::Worker& worker) {
  return worker.state.stage().input != nullptr && worker.state.stage().window == 0;
}

std::string wrong_owner(const RunState& run) {
  for (const auto& worker : run.workers()) {
    if (!owns_what_it_takes(*worker)) continue;
    const detail::Tallies& counts = worker->state.counts;
    const std::string& name = worker->state.stage().name;
    std::string fault = require(counts[Count::settled] <= counts[Count::taken], name,
                                "a worker has settled more than it took");
    if (fault.empty()) {
      fault = require(counts[Count::settled] <= given_up_or_completed(counts), name,
                      "a worker has settled an item without a fate");
    }
    if (!fault.empty()) return fault;
  }
  return at_each_edge(run, [](const RunState& of, std::size_t stage) {
    detail::EdgeBase& edge = *of.edge_into(stage);
    return require(detail::sum_stage(of, stage, Count::settled) == detail::sum_queues(edge).done,
                   edge.spec().name,
                   "the workers have settled what the queue did not count, or more");
  });
}

/// At the end every worker has settled exactly what it took, once.
std::string not_settled_once(const RunState& run) {
  for (const auto& worker : run.workers()) {
    if (!owns_what_it_takes(*worker)) continue;
    const detail::Tallies& counts = worker->state.counts;
    const bool exact = counts[Count::settled] == counts[Count::taken] &&
                       given_up_or_completed(counts) == counts[Count::taken];
    if (!exact) return worker->state.stage().name + ": a worker's items were not settled once each";
  }
  std::string fault = at_each_edge(run, [](const RunState& of, std::size_t stage) {
    return require(
        detail::sum_stage(of, stage, Count::settled) == detail::sum_stage(of, stage, Count::taken),
        of.graph().stages[stage].name, "not all that was taken was settled, or more");
  });
  return fault.empty() ? wrong_owner(run) : fault;
}

TEST_CASE("Invariant 4: a count has one owner", "[pipeline][model][invariant]") {
  after_every_step(wrong_owner, not_settled_once);
}

// ---- 5 -------------------------------------------------------------------------------------------

/// The identities as they must hold between any two steps, with what is queued and in progress.
std::string unbalanced(const RunState& run) {
  const std::string fault = at_each_edge(run, [](const RunState& of, std::size_t stage) {
    detail::EdgeBase& edge = *of.edge_into(stage);
    const detail::EdgeSums queues = detail::sum_queues(edge);
    const std::uint64_t put = detail::sum_into(of, edge, Count::put);
    const std::uint64_t got = detail::sum_stage(of, stage, Count::taken);
    std::string wrong = require(put == got + queues.dropped + queues.queued, edge.spec().name,
                                "put is not got + dropped + queued");
    if (wrong.empty()) wrong = require(got >= queues.done, edge.spec().name, "got < done");
    return wrong;
  });
  if (!fault.empty()) return fault;
  for (const auto& worker : run.workers()) {
    const std::string& name = worker->state.stage().name;
    if (worker->state.stage().input != nullptr &&
        worker->state.counts[Count::taken] < given_up_or_completed(worker->state.counts)) {
      return name + ": more items have a fate than were taken";
    }
    for (std::size_t b = 0; b < worker->body->branches(); ++b) {
      const detail::Tallies& counts = worker->body->branch(b).counts;
      if (counts[Count::emitted] <
          counts[Count::put] + counts[Count::refused] + counts[Count::elsewhere]) {
        return name + ": more outputs have a fate than were emitted";
      }
    }
  }
  return {};
}

TEST_CASE("Invariant 5: the ledger balances", "[pipeline][model][invariant]") {
  after_every_step(unbalanced, unbalanced);
}

TEST_CASE("Invariant 5: the ledger balances. On threads and on the pool, stopped and cancelled too",
          "[pipeline][invariant]") {
  for (const Shape& shape : kShapes) {
    for (std::uint64_t round = 0; round < scaled(60); ++round) {
      const std::uint64_t round_seed = seed() + round;
      INFO("shape " << shape.name << ", repeat this round with SLUICE_SEED=" << round_seed);
      Draw draw(round_seed);
      const Scenario scenario = shape.make(draw);
      const auto wanted = static_cast<Disturbance>(draw.between(0, 2));
      const Number when = draw.between(0, 40);
      WatchedRun run(scenario.pipeline);
      if (wanted != Disturbance::none) {
        wait_until([&] {
          const Report now = run->snapshot();
          return now.status != RunStatus::running || now.edges[0].put >= when;
        });
      }
      if (wanted == Disturbance::stop) run->stop();
      if (wanted == Disturbance::cancel) run->cancel();
      const Report report = run.end();
      CHECK(report.ledger.faults == std::vector<std::string>{});
      for (const EdgeReport& edge : report.edges) {
        CHECK(edge.put == edge.got + edge.dropped + edge.queued);
        CHECK(edge.got == edge.done);
      }
      for (const StageReport& stage : report.stages) {
        if (stage.kind == "source") continue;
        CHECK(stage.in ==
              stage.completed + stage.skipped + stage.dead + stage.failed + stage.cancelled);
      }
      scenario.check(report, wanted);
    }
  }
}

}  // namespace
}  // namespace sluice
