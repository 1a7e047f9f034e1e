// pipelines/seeded_test.cpp: every shape under thousands of step orders, on one thread, by seed.
//
// Each round has a seed of its own; SLUICE_SEED=<the seed of a failing round> makes it the first one.
// SPDX-License-Identifier: MIT
#include <support/scale.hpp>
#include <support/seeds.hpp>
#include <support/shapes.hpp>

#include <sluice/runtime/seeded_driver.hpp>

#include <catch2/catch.hpp>

#include <string>

namespace sluice {
namespace {

using namespace testing_support;

constexpr std::uint64_t kRounds = kUnderSanitizer ? 500 : 10'000;

/// Runs the scenario, stopped or cancelled after so many steps. Returns  what was really done to it.
Disturbance drive(detail::SeededDriver& driver, Disturbance wanted, std::size_t after_steps,
                  Report& report) {
  Disturbance done = Disturbance::none;
  std::size_t steps = 0;
  report = driver.finish([&] {
    if (wanted == Disturbance::none || ++steps != after_steps || driver.run().ended()) return;
    done = wanted;
    if (wanted == Disturbance::stop) driver.run().request_stop();
    if (wanted == Disturbance::cancel) driver.run().request_cancel();
  });
  return done;
}

void explore(const Shape& shape) {
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    const std::uint64_t round_seed = seed() + round;
    INFO("shape " << shape.name << ", repeat this round with SLUICE_SEED=" << round_seed);
    Draw draw(round_seed);
    const Scenario scenario = shape.make(draw);
    const auto wanted = static_cast<Disturbance>(draw.one_in(2) ? 0 : draw.between(1, 2));
    detail::SeededDriver driver(scenario.pipeline, round_seed);
    Report report;
    const Disturbance done = drive(driver, wanted, draw.between(1, 150), report);
    CHECK(report.ledger.faults == std::vector<std::string>{});
    CHECK(driver.unfinished() == 0);
    if (!scenario.fails) CHECK((report.status == RunStatus::failed) == false);
    scenario.check(report, done);
  }
}

TEST_CASE("Seeded: a chain of map, filter and flat_map", "[pipeline][model]") {
  explore({"chain", chain});
}
TEST_CASE("Seeded: order is kept through map, flat_map, filter, retry, skip", "[pipeline][model]") {
  explore({"order", ordered});
}
TEST_CASE("Seeded: order is kept in every branch", "[pipeline][model]") {
  explore({"order in branches", ordered_branches});
}
TEST_CASE("Seeded: order is kept when the sink says enough", "[pipeline][model]") {
  explore({"order with enough", ordered_enough});
}
TEST_CASE("Seeded: where order is kept, enough is exact", "[pipeline][model]") {
  explore({"order with a last item", ordered_last});
}
TEST_CASE("Seeded: where order is kept, workers finish last and by index", "[pipeline][model]") {
  explore({"order with finish", ordered_finish});
}
TEST_CASE("Seeded: where order is kept, what came before a failure is a beginning",
          "[pipeline][model]") {
  explore({"order with failure", ordered_failure});
}
TEST_CASE("Seeded: a loop works everything off and ends", "[pipeline][model]") {
  explore({"loop", looped});
}
TEST_CASE("Seeded: two ways back end together", "[pipeline][model]") {
  explore({"two loops", looped_twice});
}
TEST_CASE("Seeded: a fan-out", "[pipeline][model]") { explore({"fan-out", fan_out}); }
TEST_CASE("Seeded: a diamond", "[pipeline][model]") { explore({"diamond", diamond}); }
TEST_CASE("Seeded: a route with a merge", "[pipeline][model]") { explore({"route", routed}); }
TEST_CASE("Seeded: key_by", "[pipeline][model]") { explore({"key_by", keyed}); }
TEST_CASE("Seeded: reduce, keyed and combined", "[pipeline][model]") {
  explore({"reduce", reduced});
}
TEST_CASE("Seeded: batches, with and without linger", "[pipeline][model]") {
  explore({"batch", batched});
}
TEST_CASE("Seeded: a sink that says enough", "[pipeline][model]") { explore({"enough", enough}); }
TEST_CASE("Seeded: one of two branches says enough", "[pipeline][model]") {
  explore({"enough in one branch", one_branch_enough});
}
TEST_CASE("Seeded: items that are skipped", "[pipeline][model]") { explore({"skip", skipping}); }
TEST_CASE("Seeded: items that are retried, at once or later", "[pipeline][model]") {
  explore({"retry", retrying});
}
TEST_CASE("Seeded: items that become dead letters", "[pipeline][model]") {
  explore({"dead letters", burying});
}
TEST_CASE("Seeded: an item that fails the run", "[pipeline][model]") {
  explore({"failure", failing});
}
TEST_CASE("Seeded: a stage that stops the run", "[pipeline][model]") {
  explore({"stop from inside", stopping_itself});
}
TEST_CASE("Seeded: a stage that cancels the run", "[pipeline][model]") {
  explore({"cancel from inside", cancelling_itself});
}

TEST_CASE("Seeded driver: the same seed gives the same order of events", "[pipeline][model]") {
  const auto arrivals = [](std::uint64_t with) {
    Pipeline p("order");
    Collected<Number> got;
    auto stream = p.source("read", numbers(40));
    merge(stream | map("a", [](Number n) { return n; }, {.workers = 2, .capacity = 2}),
          stream | map("b", [](Number n) { return 100 + n; }, {.capacity = 3})) |
        sink("collect", got.sink(), {.workers = 2, .capacity = 2});
    detail::SeededDriver(p, with).finish();
    return got.items();
  };
  CHECK(arrivals(1) == arrivals(1));
  CHECK(arrivals(1) != arrivals(2));
}

TEST_CASE("Seeded driver: a run that can't go on is reported as a deadlock", "[pipeline][model]") {
  Pipeline p("unread");
  p.source("read", numbers(10)) | map("same", [](Number n) { return n; }, {.capacity = 1}) |
      outlet<Number>("out", {.capacity = 1});
  detail::SeededDriver driver(p, 1);
  CHECK_THROWS_AS(driver.finish(), detail::SeededDriver::Deadlock);
  driver.run().request_cancel();
  CHECK(driver.finish().ledger.balanced);
}

}  // namespace
}  // namespace sluice
