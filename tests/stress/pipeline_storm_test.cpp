// stress/pipeline_storm_test.cpp: random pipelines on real threads, several at once, disturbed at random.
//
// The shapes are those of the seeded driver; every value is counted, and every ledger has to balance. A round's
// pipeline and its disturbance come from its seed (SLUICE_SEED=<it> makes it the first round); what the threads
// do with it does not.
// SPDX-License-Identifier: MIT
#include <support/scale.hpp>
#include <support/seeds.hpp>
#include <support/shapes.hpp>
#include <support/watched_run.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

// As many as there is time for: a busy machine makes a round much slower.
constexpr std::uint64_t kRounds = scaled(12000);
constexpr std::chrono::seconds kTime{12};
constexpr std::size_t kAtOnce = 3;

/// One live run of a scenario, and what is to be done to it.
struct Live {
  Live(const Shape& of, std::uint64_t with, Draw& draw)
      : shape{&of},
        seed{with},
        scenario{of.make(draw)},
        wanted{draw.one_in(3) ? Disturbance::none : static_cast<Disturbance>(draw.between(1, 2))},
        pause{draw.between(0, 100)},
        run{scenario.pipeline} {}

  const Shape* shape;
  std::uint64_t seed;
  Scenario scenario;
  Disturbance wanted;
  std::chrono::microseconds pause;
  WatchedRun run;
};

std::unique_ptr<Live> begin(std::uint64_t round_seed) {
  Draw draw(round_seed);
  const Shape& shape = kShapes[draw.between(0, std::size(kShapes) - 1)];
  return std::make_unique<Live>(shape, round_seed, draw);
}

/// Some microseconds into the run. On a busy machine a yield may take milliseconds, so none here.
void disturb(Live& live) {
  const Deadline then = live.pause;
  while (!then.passed()) {
  }
  if (live.wanted == Disturbance::stop) live.run->stop();
  if (live.wanted == Disturbance::cancel) live.run->cancel();
}

/// What the run says was done to it: a disturbance after the end is none.
Disturbance done_to(const Report& report) {
  if (report.status == RunStatus::stopped) return Disturbance::stop;
  return report.status == RunStatus::cancelled ? Disturbance::cancel : Disturbance::none;
}

RunStatus finish(Live& live) {
  INFO("shape " << live.shape->name << ", repeat this round with SLUICE_SEED=" << live.seed);
  const Report report = live.run.end();  // throws when an item is unaccounted for
  CHECK(report.ledger.balanced);
  CHECK(report.status != RunStatus::running);
  if (!live.scenario.fails) CHECK(report.status != RunStatus::failed);
  live.scenario.check(report, done_to(report));
  return report.status;
}

TEST_CASE("Storm: random pipelines, several at once, stopped and cancelled at random",
          "[pipeline][stress]") {
  std::map<RunStatus, std::uint64_t> ended;
  std::vector<std::unique_ptr<Live>> live;
  const Deadline over = kTime;
  for (std::uint64_t round = 0; round < kRounds && (!over.passed() || !live.empty()); ++round) {
    live.push_back(begin(seed() + round));
    if (live.size() < kAtOnce && round + 1 < kRounds) continue;
    for (auto& one : live) disturb(*one);
    for (auto& one : live) ++ended[finish(*one)];
    live.clear();
  }
  for (const RunStatus status :
       {RunStatus::done, RunStatus::stopped, RunStatus::cancelled, RunStatus::failed}) {
    INFO(to_string(status));
    CHECK(ended[status] > 0);
  }
}

TEST_CASE("Storm: handles dropped at random leave nothing behind", "[pipeline][stress]") {
  const Deadline over = kTime / 2;
  for (std::uint64_t round = 0; round < kRounds / 3 && !over.passed(); ++round) {
    INFO("repeat this round with SLUICE_SEED=" << seed() + round);
    const std::unique_ptr<Live> one = begin(seed() + round);
    const std::unique_ptr<Live> two = begin(seed() + kRounds + round);
    disturb(*one);
  }
  SUCCEED("the resource guard looks for what is left");
}

}  // namespace
}  // namespace sluice
