// memory/shapes_test.cpp: pipelines with a memory budget under thousands of step orders, undisturbed, stopped and
// cancelled: nothing blocks for ever, every byte is given back, and no more is held than is documented.
//
// Half of the budgets are of a few bytes, so that everything waits for memory. SLUICE_SEED=<the seed of a failing
// round> tries that one alone.
// SPDX-License-Identifier: MIT
#include <support/scale.hpp>
#include <support/shapes.hpp>

#include <sluice/feedback.hpp>
#include <sluice/runtime/seeded_driver.hpp>
#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

constexpr std::uint64_t kSeeds = kUnderSanitizer ? 500 : 10'000;
constexpr Number kMost = 40;
constexpr std::size_t kPad = 600;  // characters of a grown item

/// A number that grows.
struct Load {
  Number n = 0;
  std::string pad{};
  std::vector<std::string> more{};
};
constexpr std::size_t kHeaviest = sizeof(Load) + 4 * (kPad + 200);

Load grown(Load load, Number to) {
  load.pad.assign(to % kPad, 'x');
  load.more.assign(load.n % 3, load.pad);
  load.more.shrink_to_fit();
  return load;
}

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

std::size_t any_budget(Draw& draw) {
  if (draw.one_in(4)) return 1;
  return draw.one_in(3) ? draw.between(1, 300) : draw.between(300, 20'000);
}

/// One round: what comes out of a pipeline, and what was done to it.
struct Round {
  explicit Round(std::uint64_t round_seed) : seed(round_seed), draw(round_seed) {
    count = draw.between(0, kMost);
    disturbance = static_cast<Disturbance>(draw.one_in(2) ? 0 : draw.between(1, 2));
    memory = any_budget(draw);
  }

  Stream<Load> source() {
    return pipeline.source(
        "read",
        [this]() -> std::optional<Load> {
          if (emitted == count) return std::nullopt;
          const Number n = emitted++;
          return grown({.n = n}, 7 * emitted);
        },
        draw.source());
  }
  auto grow(const char* name) {
    return map(
        name,
        [](Load load) {
          const Number to = load.n * load.n;
          return grown(std::move(load), to);
        },
        stage());
  }
  auto into(const char* name) {
    return sink(
        name, [this](const Load& load) { got.push_back(load.n); }, bounded(draw.sink()));
  }
  /// One edge in three is bounded in bytes, too.
  template <class Options>
  Options bounded(Options options) {
    if (draw.one_in(3)) options.capacity_bytes = draw.between(1, 3000);
    return options;
  }
  StageOptions stage() { return bounded(draw.stage()); }
  StageOptions ordered() { return bounded(draw.ordered_stage()); }

  void run() {
    detail::SeededDriver driver(pipeline, seed, {}, {}, memory);
    const std::size_t after = draw.between(1, 150);
    std::size_t steps = 0;
    const Report report = driver.finish([&] {
      const std::int64_t charged = driver.run().memory()->charged();
      if (charged < 0) throw std::runtime_error("more was given back than charged");
      if (++steps != after || disturbance == Disturbance::none || driver.run().ended()) return;
      if (disturbance == Disturbance::stop) driver.run().request_stop();
      if (disturbance == Disturbance::cancel) driver.run().request_cancel();
    });
    for (const std::string& fault : report.ledger.faults) throw std::runtime_error(fault);
    require(driver.unfinished() == 0, "something is unfinished");
    require(report.memory.charged == 0, "something is charged");
    require(report.memory.budget == memory, "the report has another budget");
    cancelled = report.status == RunStatus::cancelled;
    if (bounded_excess) check_excess(driver.run().plan(), report.memory.peak);
    waited = std::any_of(report.edges.begin(), report.edges.end(),
                         [&](const EdgeReport&) { return report.memory.peak > memory / 2; });
  }

  // Beyond the budget: of each worker what it has at work and that one's outputs, and an item of each producer in
  // each lane and in each batch taken from it.
  void check_excess(const Plan& plan, std::uint64_t peak) const {
    std::size_t items = 0;
    for (const PlannedStage& stage : plan.stages) items += stage.workers * (2 + outputs_of_one);
    for (const PlannedEdge& edge : plan.edges) {
      const std::size_t places = edge.lanes + plan.stages[edge.to].workers;
      for (const std::size_t from : edge.from) items += plan.stages[from].workers * places;
    }
    require(peak <= memory + items * kHeaviest,
            "too much memory was held: " + std::to_string(peak) + " of " + std::to_string(memory));
  }

  /// Every number `times` times; of a cancelled run no more than that.
  void check(std::size_t times = 1) const {
    std::map<Number, std::size_t> seen;
    for (const Number n : got) ++seen[n];
    for (const auto& [n, often] : seen) {
      require(n < emitted && often <= times, "a number came too often, or from nowhere");
    }
    if (!cancelled) require(got.size() == times * emitted, "items are missing");
  }

  std::uint64_t seed;
  Draw draw;
  Pipeline pipeline{"round"};
  Disturbance disturbance = Disturbance::none;
  std::size_t memory = 0;
  std::size_t outputs_of_one = 1;
  bool bounded_excess = true;
  bool cancelled = false;
  bool waited = false;
  Number count = 0;
  Number emitted = 0;
  std::vector<Number> got{};
};

/// `make(round)` builds it and returns the check that follows the run.
template <class Make>
void explore(const char* shape, Make make) {
  std::uint64_t waited = 0;
  const std::uint64_t tried = testing::explore(
      [&](std::uint64_t seed) {
        Round round(seed);
        const auto check = make(round);
        round.run();
        check();
        if (round.waited) ++waited;
        return true;
      },
      {.seeds = kSeeds});
  std::cout << "memory, " << shape << ": " << tried << " seeds, in " << waited
            << " of them more than half of the budget was used\n";
  CHECK((tried == 1 || waited > tried / 10));
}

TEST_CASE("Memory by seed: a chain whose items grow", "[memory]") {
  explore("chain", [](Round& r) {
    r.source() | r.grow("grow") |
        filter(
            "all", [](const Load&) { return true; }, r.stage()) |
        r.grow("again") | r.into("collect");
    return [&r] { r.check(); };
  });
}

TEST_CASE("Memory by seed: one item makes several", "[memory]") {
  explore("flat_map", [](Round& r) {
    r.outputs_of_one = 3;
    r.source() |
        flat_map<Load>(
            "three",
            [](const Load& load, Emitter<Load>& out) {
              for (Number i = 0; i < 3; ++i) out.emit(grown({.n = load.n}, 100 * i));
            },
            r.stage()) |
        r.grow("grow") | r.into("collect");
    return [&r] { r.check(3); };
  });
}

TEST_CASE("Memory by seed: a fan-out whose branches join again", "[memory]") {
  explore("fan-out", [](Round& r) {
    r.outputs_of_one = 3;
    auto stream = r.source() | r.grow("grow");
    merge(stream | r.grow("left"), stream | r.grow("right")) | r.into("collect");
    stream | r.into("third");
    return [&r] { r.check(3); };
  });
}

TEST_CASE("Memory by seed: routes and keyed lanes", "[memory]") {
  explore("routes and keys", [](Round& r) {
    auto [even, odd] =
        route(r.source() | r.grow("grow"), [](const Load& load) { return load.n % 2 == 0; });
    merge(even | key_by([](const Load& load) { return load.n % 5; }) | r.grow("keyed"), odd) |
        r.into("collect");
    return [&r] { r.check(); };
  });
}

TEST_CASE("Memory by seed: order is kept", "[memory]") {
  explore("order", [](Round& r) {
    StageOptions retried = r.ordered();
    const std::chrono::nanoseconds back_off{r.draw.one_in(2) ? 50'000 : 0};
    retried.on_error = retry(1, back_off).then(fail_run());
    r.source() |
        map(
            "grow",
            [](const Load& load, Context& context) {
              if (load.n % 4 == 1 && context.attempt() == 1) throw std::runtime_error("first");
              return grown({.n = load.n}, 50 * load.n);
            },
            retried) |
        map(
            "same", [](Load load) { return load; }, r.ordered()) |
        r.into("collect");
    return [&r] {
      r.check();
      require(std::is_sorted(r.got.begin(), r.got.end()), "the order is lost");
    };
  });
}

TEST_CASE("Memory by seed: items wait for a retry, are skipped and buried", "[memory]") {
  explore("retries", [](Round& r) {
    StageOptions late = r.stage();
    late.on_error = retry(1, std::chrono::milliseconds{10}).then(skip());
    StageOptions buried = r.stage();
    buried.on_error = dead_letter("five");
    r.source() |
        map(
            "late",
            [](const Load& load, Context& context) {
              if (load.n % 3 == 1 && context.attempt() == 1) throw std::runtime_error("first");
              if (load.n % 7 == 2) throw std::runtime_error("always");
              return grown({.n = load.n}, 50 * load.n);
            },
            late) |
        map(
            "buried",
            [](Load load) {
              if (load.n % 5 == 3) throw std::runtime_error("five");
              return load;
            },
            buried) |
        r.into("collect");
    return [&r] {
      if (r.cancelled) return;
      std::vector<Number> expected;
      for (Number n = 0; n < r.emitted; ++n) {
        if (n % 7 != 2 && n % 5 != 3) expected.push_back(n);
      }
      std::sort(r.got.begin(), r.got.end());
      require(r.got == expected, "other items came than should");
    };
  });
}

TEST_CASE("Memory by seed: a loop", "[memory]") {
  explore("loop", [](Round& r) {
    r.outputs_of_one = 70;  // what a feedback offers at once
    Feedback<Load> again(r.pipeline, "again",
                         r.bounded(FeedbackOptions{.capacity = r.draw.between(1, 4),
                                                   .memory_items = r.draw.between(1, 8)}));
    const StageOptions options = r.draw.one_in(2) ? r.stage() : r.ordered();
    // Each number goes round n % 4 times, and grows.
    auto moved = merge(r.source(), again.items()) |
                 map(
                     "grow",
                     [](Load load) {
                       const Number left = load.more.empty() ? load.n % 4 : load.more.size() - 1;
                       load.more.assign(left, std::string(left * 100, 'x'));
                       return load;
                     },
                     options);
    auto [back, out] = route(moved, [](const Load& load) { return load.more.size() > 1; });
    again.put_back(back);
    out | r.into("collect");
    return [&r] { r.check(); };
  });
}

TEST_CASE("Memory by seed: an early end", "[memory]") {
  explore("enough", [](Round& r) {
    auto stream = r.source() | r.grow("grow");
    stream | sink(
                 "few",
                 [left = r.draw.between(1, 10)](const Load&) mutable {
                   return --left > 0 ? Demand::more : Demand::enough;
                 },
                 r.bounded(r.draw.sink()));
    stream | r.grow("more") | r.into("collect");
    return [&r] { r.check(); };
  });
}

TEST_CASE("Memory by seed: batches hold what is no longer counted", "[memory]") {
  explore("batch", [](Round& r) {
    r.bounded_excess = false;  // a batch weighs as much as all its items
    r.source() | r.grow("grow") | batch("pack", 5, std::chrono::milliseconds{1}, r.stage()) |
        sink(
            "collect",
            [&r](const std::vector<Load>& loads) {
              for (const Load& load : loads) r.got.push_back(load.n);
            },
            r.bounded(r.draw.sink()));
    return [&r] { r.check(); };
  });
}

TEST_CASE("Memory by seed: every other shape, with items of one weight", "[memory]") {
  for (const Shape& shape : kShapes) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      INFO("shape " << shape.name << ", seed " << seed);
      Draw draw(seed);
      const Scenario scenario = shape.make(draw);
      detail::SeededDriver driver(scenario.pipeline, seed, {}, {}, draw.between(1, 200));
      const Report report = driver.finish();
      if (!report.ledger.balanced || driver.unfinished() != 0 || report.memory.charged != 0) {
        CHECK(report.ledger.faults == std::vector<std::string>{});
        CHECK(driver.unfinished() == 0);
        CHECK(report.memory.charged == 0);
      }
      scenario.check(report, Disturbance::none);
    }
  }
}

}  // namespace
}  // namespace sluice
