// edges/policy_shapes_test.cpp: branches that drop and spill under thousands of step orders, undisturbed, stopped
// and cancelled: every value is received, dropped by the count of just its branch, or settled by the cancel.
//
// SLUICE_SEED=<the seed of a failing round> tries that one alone.
// SPDX-License-Identifier: MIT
#include <edges/edge_reports.hpp>

#include <support/scale.hpp>
#include <support/scenario.hpp>

#include <sluice/feedback.hpp>
#include <sluice/spill.hpp>
#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

using Numbers = std::vector<Number>;

constexpr std::uint64_t kSeeds = kUnderSanitizer ? 500 : 10'000;
constexpr Number kMost = 30;

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

/// What the counted branches of a whole explore() have dropped or stored: a shape in which nothing ever
/// happens proves nothing.
struct Happened {
  std::uint64_t dropped = 0;
  std::uint64_t stored = 0;
  std::uint64_t spilled = 0;
};

/// One round: numbers from a source, what was done to the run, and what the report has to say.
struct Round {
  Round(std::uint64_t round_seed, Happened& sum) : seed(round_seed), draw(round_seed), all(&sum) {
    count = draw.between(0, kMost);
    disturbance = static_cast<Disturbance>(draw.one_in(2) ? 0 : draw.between(1, 2));
  }

  auto source() {
    return pipeline.source(
        "read",
        [this]() -> std::optional<Number> {
          if (emitted == count) return std::nullopt;
          return emitted++;
        },
        draw.source());
  }
  SinkOptions end(std::size_t most_workers = 1) { return draw.sink(most_workers); }
  /// Few bytes and few items, so that both bounds are met; a block in the file has 256 KiB.
  SpillLimits limits() {
    return {.max_bytes = draw.one_in(2) ? 1 : std::uint64_t{1} << 30,
            .memory_items = draw.between(0, 3)};
  }

  void run() {
    testing::RunSettings settings{.seed = seed};
    const std::size_t after = draw.between(1, 100);
    if (disturbance == Disturbance::stop) settings.stop_after = after;
    if (disturbance == Disturbance::cancel) settings.cancel_after = after;
    report =
        testing::run(pipeline, std::move(settings));  // throws when the ledger does not balance
    cancelled = report.status == RunStatus::cancelled;
    for (const EdgeReport& edge : report.edges) {
      all->dropped += edge.dropped_when_full();
      all->stored += edge.store.items_high_water;
      all->spilled += edge.store.spilled_high_water;
      require(edge.put == edge.got + edge.dropped + edge.queued,
              "put is not got + dropped + queued");
      require(edge.store.items == 0 && edge.store.file_bytes == 0, "a store outlives its run");
    }
  }

  /// Of a branch that drops, `wanted` of the stage's outputs for it.
  void check_branch(const std::string& from, const std::string& to, std::size_t got,
                    Number wanted) const {
    const BranchReport counts = branch(report, from, to);
    require(counts.emitted - counts.elsewhere == wanted || cancelled, "a wrong number of outputs");
    const std::uint64_t accounted = got + counts.dropped_newest + counts.dropped_oldest;
    require(cancelled ? accounted <= wanted : accounted == wanted,
            "received and dropped are not what was emitted");
  }
  void check_all_in_order(const Numbers& got) const {
    require(cancelled ? got.size() <= emitted : got.size() == emitted, "items are missing");
    for (Number n = 0; n < got.size(); ++n) require(got[n] == n, "the order is lost");
  }

  std::uint64_t seed;
  Draw draw;
  Happened* all;
  Number count = 0;
  Number emitted = 0;
  Disturbance disturbance = Disturbance::none;
  bool cancelled = false;
  Report report;
  Pipeline pipeline{"shape"};
};

template <class Shape>
Happened explore_shape(const char* name, Shape shape) {
  Happened happened;
  const auto begin = std::chrono::steady_clock::now();
  const std::uint64_t tried = testing::explore(
      [&](std::uint64_t seed) {
        Round round(seed, happened);
        shape(round);
      },
      {.seeds = kSeeds});
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  std::cout << "shape " << name << ": " << tried << " seeds, " << happened.dropped << " dropped, "
            << happened.stored << " stored, "
            << static_cast<std::uint64_t>(static_cast<double>(tried) / spent.count())
            << " seeds a second\n";
  return happened;
}

auto into(Numbers& got) {
  return [&got](Number n) { got.push_back(n); };
}

/// A stage between, sometimes several outputs from one item: those are staged and go another way than one.
auto several(Round& round, const char* name) {
  const Number each = round.draw.between(1, 4);
  return flat_map<Number>(
      name,
      [each](Number n, Emitter<Number>& out) {
        for (Number i = 0; i < each; ++i) out.emit(each * n + i);
      },
      round.draw.stage(1));
}

TEST_CASE("Shapes: drop_newest", "[edges][model]") {
  const Happened happened = explore_shape("drop_newest", [](Round& round) {
    Numbers got;
    round.source() | several(round, "more") | when_full(drop_newest()) |
        sink("end", into(got), round.end());
    round.run();
    round.check_branch("more", "end", got.size(), branch(round.report, "more", "end").emitted);
    require(ascends(got), "the order is lost");
  });
  CHECK(happened.dropped > 0);
}

TEST_CASE("Shapes: drop_oldest", "[edges][model]") {
  const Happened happened = explore_shape("drop_oldest", [](Round& round) {
    Numbers got;
    round.source() | when_full(drop_oldest()) | several(round, "more") | when_full(drop_oldest()) |
        sink("end", into(got), round.end());
    round.run();
    const std::uint64_t emitted = branch(round.report, "more", "end").emitted;
    round.check_branch("more", "end", got.size(), emitted);
    require(ascends(got), "the order is lost");
    require(round.cancelled || emitted == 0 || got.back() + 1 >= emitted, "the newest is missing");
  });
  CHECK(happened.dropped > 0);
}

TEST_CASE("Shapes: one branch that drops beside one that blocks", "[edges][model]") {
  const Happened happened = explore_shape("fan-out", [](Round& round) {
    Numbers all;
    Numbers newest;
    Numbers oldest;
    auto stream = round.source();
    stream | when_full(drop_newest()) | sink("newest", into(newest), round.end());
    stream | sink("all", into(all), round.end());
    stream | when_full(drop_oldest()) | sink("oldest", into(oldest), round.end());
    round.run();
    round.check_branch("read", "newest", newest.size(), round.emitted);
    round.check_branch("read", "oldest", oldest.size(), round.emitted);
    round.check_all_in_order(all);
    require(ascends(newest) && ascends(oldest), "the order is lost");
  });
  CHECK(happened.dropped > 0);
}

TEST_CASE("Shapes: several workers before, an order kept, and lanes behind", "[edges][model]") {
  const Happened happened = explore_shape("order and lanes", [](Round& round) {
    std::vector<Numbers> got(4);
    StageOptions ordered = round.draw.ordered_stage();
    const Number keys = round.draw.between(1, 5);
    const bool oldest = round.draw.one_in(2);
    const auto by_key = key_by([keys](Number n) { return n % keys; });
    const auto take = [&](Number n, Context& context) { got[context.worker()].push_back(n); };
    auto kept = round.source() | map(
                                     "kept", [](Number n) { return n; }, ordered);
    if (oldest) {
      kept | when_full(drop_oldest()) | by_key | sink("end", take, round.end(3));
    } else {
      kept | by_key | when_full(drop_newest()) | sink("end", take, round.end(3));
    }
    round.run();
    std::size_t sum = 0;
    for (const Numbers& lane : got) {
      require(ascends(lane), "a key's order is lost");
      sum += lane.size();
    }
    round.check_branch("kept", "end", sum, round.emitted);
  });
  CHECK(happened.dropped > 0);
}

TEST_CASE("Shapes: two producers of one edge that drop, and a consumer that has enough",
          "[edges][model]") {
  const Happened happened = explore_shape("enough", [](Round& round) {
    Numbers got;
    const std::size_t most = round.draw.between(1, 20);
    const bool oldest = round.draw.one_in(2);
    auto left = round.source();
    auto right = left | map(
                            "more", [](Number n) { return n + 1000; }, round.draw.stage(3));
    const auto take = [&](Number n) {
      got.push_back(n);
      return got.size() == most ? Demand::enough : Demand::more;
    };
    auto both = merge(left, right);
    if (oldest) {
      both | when_full(drop_oldest()) | sink("end", take, round.end());
    } else {
      both | when_full(drop_newest()) | sink("end", take, round.end());
    }
    round.run();
    require(got.size() <= most, "too many items");
    std::sort(got.begin(), got.end());
    require(ascends(got), "an item twice");
  });
  CHECK(happened.dropped > 0);
}

TEST_CASE("Shapes: spill", "[edges][model]") {
  const Happened happened = explore_shape("spill", [](Round& round) {
    Numbers got;
    round.source() | when_full(spill(round.limits())) | sink("end", into(got), round.end());
    round.run();
    round.check_all_in_order(got);
  });
  CHECK(happened.stored > 0);
}

TEST_CASE("Shapes: spill, with items so large that they go to the file at once", "[edges][model]") {
  constexpr std::size_t kLarge = std::size_t{200} << 10;
  const Happened happened = explore_shape("spill large items", [](Round& round) {
    if (!round.draw.one_in(50)) return;  // a file each takes its time
    Numbers got;
    const auto blow_up = [](Number n) {
      return std::to_string(n) + ' ' + std::string(kLarge, 'x');
    };
    SpillLimits limits = round.limits();
    limits.max_bytes = round.draw.between(1, 1'000'000);
    round.source() | map("blow up", blow_up, round.draw.stage(1)) | when_full(spill(limits)) |
        sink(
            "end", [&](const std::string& text) { got.push_back(std::stoull(text)); }, round.end());
    round.run();
    round.check_all_in_order(got);
    for (const EdgeReport& edge : round.report.edges) {
      require(edge.store.file_bytes_high_water <= limits.max_bytes, "the file is too large");
    }
  });
  CHECK(happened.spilled > 0);
}

TEST_CASE("Shapes: spill beside others, behind an order, before lanes", "[edges][model]") {
  const Happened happened = explore_shape("spill fan-out", [](Round& round) {
    std::vector<Numbers> lanes(4);
    Numbers all;
    Numbers newest;
    auto stream =
        round.source() | map(
                             "kept", [](Number n) { return n; }, round.draw.ordered_stage());
    stream | when_full(spill(round.limits())) | key_by([](Number n) { return n % 3; }) |
        sink(
            "lanes", [&](Number n, Context& context) { lanes[context.worker()].push_back(n); },
            round.end(3));
    stream | when_full(spill(round.limits())) | sink("all", into(all), round.end());
    stream | when_full(drop_newest()) | sink("newest", into(newest), round.end());
    round.run();
    round.check_all_in_order(all);
    round.check_branch("kept", "newest", newest.size(), round.emitted);
    std::size_t sum = 0;
    for (const Numbers& lane : lanes) {
      require(ascends(lane), "a key's order is lost");
      sum += lane.size();
    }
    require(round.cancelled || sum == round.emitted, "items are missing");
  });
  CHECK(happened.stored > 0);
}

TEST_CASE("Shapes: spill before a consumer that has enough, or fails", "[edges][model]") {
  const Happened happened = explore_shape("spill ends early", [](Round& round) {
    Numbers got;
    const std::size_t most = round.draw.between(1, 20);
    const bool fails = round.draw.one_in(3);
    const auto take = [&](Number n) {
      got.push_back(n);
      if (got.size() < most) return Demand::more;
      if (fails) throw std::runtime_error("as planned");
      return Demand::enough;
    };
    round.source() | when_full(spill(round.limits())) | several(round, "more") |
        when_full(spill(round.limits())) | sink("end", take, round.end());
    try {
      round.run();
    } catch (const StageError& error) {
      require(fails && std::string(error.what()).find("as planned") != std::string::npos,
              "a wrong failure");
    }
    require(got.size() <= most, "too many items");
    for (Number n = 0; n < got.size(); ++n) require(got[n] == n, "the order is lost");
  });
  CHECK(happened.stored > 0);
}

TEST_CASE("Shapes: drops and spills inside a loop, which still ends", "[edges][model]") {
  const Happened happened = explore_shape("loop", [](Round& round) {
    Number left = 0;
    Number sum = 0;
    Feedback<Number> again(round.pipeline, "again",
                           {.capacity = round.draw.between(1, 3), .memory_items = 2});
    const auto down = [](Number n, Emitter<Number>& out) { out.emit(n / 2); };
    const bool drops = round.draw.one_in(2);
    auto in = merge(round.source(), again.items());
    auto [more, zeros] = route(
        drops ? (in | when_full(drop_newest()) | flat_map<Number>("down", down, round.draw.stage()))
              : (in | when_full(spill(round.limits())) |
                 flat_map<Number>("down", down, round.draw.stage())),
        [](Number n) { return n > 0; });
    again.put_back(more);
    zeros | sink(
                "end", [&](Number n) { sum += n, ++left; }, round.end());
    round.run();
    std::uint64_t dropped = 0;
    for (const EdgeReport& edge : round.report.edges) dropped += edge.dropped_when_full();
    require(sum == 0, "an item that is not worked off");
    require(round.cancelled ? left + dropped <= round.emitted : left + dropped == round.emitted,
            "received and dropped are not what was emitted");
  });
  CHECK(happened.dropped > 0);
  CHECK(happened.stored > 0);
}

}  // namespace
}  // namespace sluice
