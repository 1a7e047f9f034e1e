// memory/policies_test.cpp: branches that drop and spill in a run with a tight memory budget, by seed: every item is
// received, dropped by the count of its branch, or settled by a cancel, and every byte is given back.
//
// SLUICE_SEED=<the seed of a failing round> tries that one alone.
// SPDX-License-Identifier: MIT
#include <support/scale.hpp>
#include <support/scenario.hpp>

#include <sluice/runtime/seeded_driver.hpp>
#include <sluice/spill.hpp>
#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

constexpr std::uint64_t kSeeds = kUnderSanitizer ? 500 : 10'000;
constexpr Number kMost = 40;

struct Load {
  Number n = 0;
  std::string pad{};
};

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

/// What all rounds of a shape have seen: one in which nothing is dropped or stored proves nothing.
struct Happened {
  std::uint64_t dropped = 0;
  std::uint64_t spilled = 0;
};

struct Round {
  explicit Round(std::uint64_t round_seed) : seed(round_seed), draw(round_seed) {
    count = draw.between(0, kMost);
    disturbance = static_cast<Disturbance>(draw.one_in(2) ? 0 : draw.between(1, 2));
    memory = draw.one_in(4) ? 1 : draw.between(1, 6000);
  }

  Stream<Load> source() {
    return pipeline.source(
        "read",
        [this]() -> std::optional<Load> {
          if (emitted == count) return std::nullopt;
          const Number n = emitted++;
          return Load{.n = n, .pad = std::string(n * 131 % 700 * widened, 'x')};
        },
        draw.source());
  }
  SinkOptions bounded() {
    SinkOptions options = draw.sink();
    if (draw.one_in(3)) options.capacity_bytes = draw.between(1, 1500);
    return options;
  }
  auto into(const char* name, std::vector<Number>& arrived) {
    return sink(
        name, [&arrived](const Load& load) { arrived.push_back(load.n); }, bounded());
  }

  void run(Happened& happened) {
    detail::SeededDriver driver(pipeline, seed, {}, {}, memory);
    const std::size_t after = draw.between(1, 150);
    std::size_t steps = 0;
    const Report report = driver.finish([&] {
      if (driver.run().memory()->charged() < 0) {
        throw std::runtime_error("more was given back than charged");
      }
      if (++steps != after || disturbance == Disturbance::none || driver.run().ended()) return;
      if (disturbance == Disturbance::stop) driver.run().request_stop();
      if (disturbance == Disturbance::cancel) driver.run().request_cancel();
    });
    for (const std::string& fault : report.ledger.faults) throw std::runtime_error(fault);
    require(driver.unfinished() == 0, "something is unfinished");
    require(report.memory.charged == 0, "something is charged");
    cancelled = report.status == RunStatus::cancelled;
    for (const EdgeReport& edge : report.edges) {
      dropped += edge.dropped_when_full();
      happened.spilled += edge.store.spilled_high_water;
    }
    happened.dropped += dropped;
  }
  /// Without gaps, unless items may have been dropped; never twice, and in the order of the source.
  void check(const std::vector<Number>& arrived, bool drops) const {
    for (std::size_t i = 0; i < arrived.size(); ++i) {
      require(drops ? i == 0 || arrived[i] > arrived[i - 1] : arrived[i] == i, "the order is lost");
    }
    const std::uint64_t accounted = arrived.size() + (drops ? dropped : 0);
    require(cancelled ? accounted <= emitted : accounted == emitted,
            "received and dropped are not what was emitted");
  }

  std::uint64_t seed;
  Draw draw;
  Number count = 0;
  Number emitted = 0;
  Disturbance disturbance = Disturbance::none;
  std::size_t memory = 0;
  std::size_t widened = 1;  // how much heavier items are
  bool cancelled = false;
  std::uint64_t dropped = 0;
  std::vector<Number> got{};
  std::vector<Number> all{};
  Pipeline pipeline{"policies"};
};

template <class Shape>
Happened explore(const char* name, Shape shape) {
  Happened happened;
  const std::uint64_t tried = testing::explore(
      [&](std::uint64_t seed) {
        Round round(seed);
        const bool drops = shape(round);
        round.run(happened);
        round.check(round.got, drops);
        if (!round.all.empty()) round.check(round.all, false);
        return true;
      },
      {.seeds = kSeeds});
  std::cout << "memory, " << name << ": " << tried << " seeds, " << happened.dropped << " dropped, "
            << happened.spilled << " spilled\n";
  return happened;
}

TEST_CASE("Memory by seed: a branch that drops its newest", "[memory]") {
  const Happened happened = explore("drop_newest", [](Round& r) {
    auto stream = r.source();
    stream | when_full(drop_newest()) | r.into("some", r.got);
    if (r.draw.one_in(2)) stream | r.into("all", r.all);
    return true;
  });
  CHECK(happened.dropped > 0);
}

TEST_CASE("Memory by seed: a branch that drops its oldest", "[memory]") {
  const Happened happened = explore("drop_oldest", [](Round& r) {
    auto stream = r.source();
    stream | when_full(drop_oldest()) | r.into("some", r.got);
    if (r.draw.one_in(2)) stream | r.into("all", r.all);
    return true;
  });
  CHECK(happened.dropped > 0);
}

TEST_CASE("Memory by seed: a branch that spills", "[memory]") {
  const Happened happened = explore("spill", [](Round& r) {
    if (r.draw.one_in(20)) r.widened = 1000;  // so that blocks go to the file
    auto stream = r.source();
    stream |
        when_full(spill({.max_bytes = r.draw.one_in(2) ? 1 : std::uint64_t{1} << 30,
                         .memory_items = r.draw.between(0, 4)})) |
        r.into("late", r.got);
    if (r.draw.one_in(2)) stream | r.into("all", r.all);
    return false;
  });
  CHECK(happened.spilled > 0);
}

}  // namespace
}  // namespace sluice
