// pipelines/errors_moves_test.cpp: items whose move throws: every move of a run in turn, wherever it is made:
// in user code, in taking an item, in staging an output, in putting it.
// SPDX-License-Identifier: MIT
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/outcome.hpp>
#include <support/scale.hpp>
#include <support/throwing_move.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

constexpr Number kCount = 7;
constexpr const char* kCause = "the move throws, as the test asked for";

/// Emits 0 ... kCount - 1, several per call, so that some wait in the port.
struct Reader {
  using Out = ThrowingMove;
  Number next_number = 0;
  bool next(Emitter<ThrowingMove>& out) {
    for (int i = 0; i < 3 && next_number < kCount; ++i) out.emit(ThrowingMove{next_number++});
    return next_number < kCount;
  }
};

using Items = Stream<ThrowingMove>;
using Got = Collected<Number>;

auto collect(Got& got) {
  return [&got](const ThrowingMove& item) { got.add(item.value()); };
}

/// A shape of pipeline behind the source; every item arrives `copies` times.
struct MovingShape {
  const char* name;
  Number copies;
  void (*connect)(const Items&, Got&, const StageOptions&);
};

ThrowingMove same(ThrowingMove item) { return item; }

void chain(const Items& from, Got& got, const StageOptions& options) {
  from | map("first", same, options) | map("second", same, options) | sink("sink", collect(got));
}
void filters(const Items& from, Got& got, const StageOptions& options) {
  from |
      filter(
          "filter", [](const ThrowingMove&) { return true; }, options) |
      map(
          "optional", [](ThrowingMove item) { return std::optional(std::move(item)); }, options) |
      sink("sink", [&got](ThrowingMove item) { got.add(item.value()); },
           {.on_error = options.on_error});
}
void bursts(const Items& from, Got& got, const StageOptions& options) {
  const auto emit_twice = [](ThrowingMove item, Emitter<ThrowingMove>& out) {
    out.emit(ThrowingMove{item.value()});
    out.emit(std::move(item));
  };
  from | flat_map<ThrowingMove>("burst", emit_twice, options) |
      sink("sink", collect(got), {.capacity = 1});
}
void branches(const Items& from, Got& got, const StageOptions& options) {
  auto stream = from | map("first", same, options);
  stream | sink("left", collect(got), {.capacity = 1});
  stream | sink("right", collect(got), {.capacity = 3});
}
void keyed(const Items& from, Got& got, const StageOptions& options) {
  StageOptions workers = options;
  workers.workers = 2;
  const auto key = key_by([](const ThrowingMove& item) { return item.value(); });
  from | key | map("first", same, workers) | key | sink("sink", collect(got), {.workers = 2});
}
void diamond(const Items& from, Got& got, const StageOptions& options) {
  auto arms = route(from, [](const ThrowingMove& item) { return item.value() % 2 == 0; });
  merge(arms[0] | map("even", same, options), arms[1] | map("odd", same, options)) |
      sink("sink", collect(got), {.capacity = 2});
}
void batches(const Items& from, Got& got, const StageOptions& options) {
  from | batch("batch", 3, 1h, options) | sink("sink", [&got](std::vector<ThrowingMove> all) {
    for (const ThrowingMove& item : all) got.add(item.value());
  });
}
void reduction(const Items& from, Got& got, const StageOptions& options) {
  using All = std::vector<Number>;
  from |
      reduce(
          "sum", All{}, [](All& all, ThrowingMove item) { all.push_back(item.value()); }, options) |
      sink("sink", [&got](const All& all) {
        for (const Number n : all) got.add(n);
      });
}

/// Keeps what comes and emits it in finish, by parts.
struct Keeper {
  using Out = ThrowingMove;
  std::vector<Number> kept{};
  void process(const ThrowingMove& item, Emitter<ThrowingMove>&) { kept.push_back(item.value()); }
  bool finish(Emitter<ThrowingMove>& out) {
    for (int i = 0; i < 3 && !kept.empty(); ++i) {
      out.emit(ThrowingMove{kept.back()});
      kept.pop_back();
    }
    return !kept.empty();
  }
};
void in_finish(const Items& from, Got& got, const StageOptions& options) {
  from | stage("keep", Keeper{}, options) | sink("sink", collect(got), {.capacity = 1});
}

constexpr MovingShape kShapes[] = {
    {"in finish", 1, in_finish},

    {"chain", 1, chain},         {"filters", 1, filters},     {"bursts", 2, bursts},
    {"branches", 2, branches},   {"keyed", 1, keyed},         {"diamond", 1, diamond},
    {"batches", 1, batches},     {"reduction", 1, reduction},
};

/// No item more often than it should, and none that was never sent.
void check_at_most_once(const Got& got, Number copies) {
  for (Number n = 0; n < kCount; ++n) {
    CHECK(static_cast<Number>(std::count(got.items().begin(), got.items().end(), n)) <= copies);
  }
  for (const Number n : got.items()) CHECK(n < kCount);
}

/// What became of a run in which one move has thrown, or none.
void check_moved(const Outcome& outcome, const Got& got, Number copies) {
  const Report& report = outcome.report;
  check_at_most_once(got, copies);
  if (outcome.error) {
    CHECK(report.status == RunStatus::failed);
    CHECK(report.error_count == 1);
    CHECK(nested_text(*outcome.error) == kCause);
    CHECK(outcome.error->cause_text() == kCause);
    const std::set<std::string> phases = {"next",           "process",          "taking an item",
                                          "moving an item", "moving an output", "finish"};
    CHECK(phases.count(outcome.error->phase()) == 1);
    return;
  }
  CHECK(report.status == RunStatus::done);
  std::uint64_t lost = 0;
  for (const StageReport& stage : report.stages) lost += stage.skipped;
  CHECK(report.error_count == lost);
  CHECK(lost <= 1);
  CHECK(got.size() == (kCount - lost) * copies);
}

/// What the runs of a sweep have shown.
struct Seen {
  std::set<std::string> phases{};  ///< in which a move failed the run
  std::uint64_t skipped = 0;
  std::uint64_t retried = 0;
};

/// Each move of a run in turn throws: first by seed, then on threads and the pool in turn.
Seen sweep(const MovingShape& shape, const ErrorPolicy& policy, std::size_t capacity) {
  constexpr int kMoves = 70;
  Seen seen;
  for (int k = 0; k < 2 * kMoves; k += kUnderSanitizer ? 3 : 1) {
    INFO(shape.name << ", capacity " << capacity << ", move " << k % kMoves << ", seed " << seed());
    const Driver driver =
        k < kMoves ? Driver(seed() + static_cast<Number>(k)) : Driver(kCarrierMixes[k % 4]);
    Pipeline p("moves");
    Got got;
    shape.connect(p.source("read", Reader{}, {.carrier = driver.at(0)}), got,
                  {.carrier = driver.at(1), .capacity = capacity, .on_error = policy});
    ThrowingMove::throw_after(k % kMoves);
    const Outcome outcome = driver.run(p);
    ThrowingMove::never_throw();
    check_moved(outcome, got, shape.copies);
    if (outcome.error) seen.phases.insert(outcome.error->phase());
    for (const StageReport& stage : outcome.report.stages) {
      seen.skipped += stage.skipped;
      seen.retried += stage.retried;
    }
  }
  return seen;
}

TEST_CASE("Moves: whichever of them throws fails the run, without a loss in the account",
          "[pipeline][errors]") {
  std::set<std::string> phases;
  for (const MovingShape& shape : kShapes) {
    for (const std::size_t capacity : {1U, 8U}) {
      const Seen seen = sweep(shape, fail_run(), capacity);
      phases.insert(seen.phases.begin(), seen.phases.end());
      CHECK(seen.skipped + seen.retried == 0);
    }
  }
  CHECK(phases ==
        std::set<std::string>{"next", "process", "finish", "taking an item", "moving an output"});
}

TEST_CASE("Moves: whichever of them throws under skip loses one item at most, or fails the run",
          "[pipeline][errors]") {
  std::uint64_t skipped = 0;
  for (const MovingShape& shape : kShapes) {
    for (const std::size_t capacity : {1U, 8U}) skipped += sweep(shape, skip(), capacity).skipped;
  }
  CHECK(skipped > 0);
}

TEST_CASE("Moves: whichever of them throws in an attempt, the retry makes up for it",
          "[pipeline][errors]") {
  std::uint64_t retried = 0;
  for (const MovingShape& shape : kShapes) {
    for (const auto back_off : {0us, 10us}) {
      const Seen seen = sweep(shape, retry(2, back_off).then(skip()), 1);
      CHECK(seen.skipped == 0);
      retried += seen.retried;
    }
  }
  CHECK(retried > 0);
}

}  // namespace
}  // namespace sluice
