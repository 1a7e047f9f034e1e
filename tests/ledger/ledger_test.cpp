// ledger/ledger_test.cpp: a build that leaves out any single increment of any counter is caught.
//
// Linked with a framework that can leave out increments (observe/tally.hpp). Under the seeded driver a run
// is the same every time, so each of its increments can be left out in turn; then the same for whole kinds
// on threads and on the pool, and for what passes through inlets and outlets.
// SPDX-License-Identifier: MIT
#include <ledger/exercises.hpp>

#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/observe/tally.hpp>
#include <sluice/runtime/seeded_driver.hpp>
#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace sluice {
namespace {

using namespace testing_support;
using detail::Count;

constexpr std::uint64_t kSeeds = 6;

/// Leaves out increments for the length of a scope.
class Omission {
 public:
  explicit Omission(Count kind, std::uint64_t turn = detail::kEveryTurn) {
    detail::omission_turns.store(0, std::memory_order_relaxed);
    detail::omitted_turn.store(turn, std::memory_order_relaxed);
    detail::omitted_count.store(kind, std::memory_order_relaxed);
  }
  ~Omission() { detail::omitted_count.store(Count::kinds, std::memory_order_relaxed); }
  Omission(const Omission&) = delete;
  Omission& operator=(const Omission&) = delete;

  /// How many increments of the kind there were so far.
  [[nodiscard]] static std::uint64_t turns() {
    return detail::omission_turns.load(std::memory_order_relaxed);
  }
};
constexpr std::uint64_t kNoTurn = detail::kEveryTurn - 1;  // counts, leaves out nothing

const char* name_of(Count kind) {
  constexpr const char* kNames[] = {"taken",     "settled", "completed", "filtered",  "skipped",
                                    "dead",      "failed",  "cancelled", "retried",   "created",
                                    "emitted",   "put",     "refused",   "elsewhere", "dropped",
                                    "displaced", "cleared", "charged",   "freed"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Count::kinds));
  return kNames[static_cast<std::size_t>(kind)];
}

template <class Visit>
void for_every_kind(Visit visit) {
  for (unsigned kind = 0; kind < static_cast<unsigned>(Count::kinds); ++kind) {
    visit(static_cast<Count>(kind));
  }
}

/// What the ledger alone notices. Sources have no input edge: what befalls them is in no identity, and they
/// may skip and fail as other stages do.
bool always_in_an_identity(Count kind) {
  switch (kind) {
    case Count::filtered:
    case Count::retried:
    case Count::created:
    case Count::skipped:
    case Count::failed:
      return false;
    default:
      return true;
  }
}

struct Outcome {
  bool balanced;
  Complaints complaints;  ///< the ledger's and those about numbers
};

constexpr std::size_t kTightMemory = 40;

// Half of the seeds have a memory budget, so that bytes are counted, too.
Outcome drive(MakeExercise make, std::uint64_t seed) {
  const Exercise exercise = make(Carrier::thread);
  detail::SeededDriver driver(exercise.pipeline, seed, {}, {},
                              seed % 2 == 0 ? kAuto : kTightMemory);
  const Report report = driver.finish();
  return {report.ledger.balanced, exercise.judge(report)};
}

// ---- one increment at a time ---------------------------------------------------------------------

TEST_CASE("Ledger: with every increment in place, runs balance and the numbers are right",
          "[ledger]") {
  for (const MakeExercise make : kExercises) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      const Outcome outcome = drive(make, seed);
      CHECK(outcome.complaints == Complaints{});
      CHECK(outcome.balanced);
    }
  }
}

TEST_CASE("Ledger: any single increment that is left out is noticed", "[ledger]") {
  for_every_kind([](Count kind) {
    std::uint64_t tried = 0;
    for (const MakeExercise make : kExercises) {
      for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        std::uint64_t turns = 0;
        {
          const Omission counting(kind, kNoTurn);
          REQUIRE(drive(make, seed).complaints == Complaints{});
          turns = Omission::turns();
        }
        for (std::uint64_t turn = 0; turn < turns; ++turn) {
          INFO("increment " << turn << " of " << turns << " of " << name_of(kind) << " in "
                            << make(Carrier::thread).pipeline.name() << ", seed " << seed);
          const Omission omission(kind, turn);
          const Outcome outcome = drive(make, seed);
          CHECK(outcome.complaints != Complaints{});
          if (always_in_an_identity(kind)) CHECK_FALSE(outcome.balanced);
        }
        tried += turns;
      }
    }
    INFO("no pipeline here has an increment of " << name_of(kind));
    CHECK(tried > 0);
  });
}

TEST_CASE("Ledger: any kind of increment that is left out is noticed", "[ledger]") {
  for_every_kind([](Count kind) {
    INFO("left out: " << name_of(kind));
    bool noticed = false;
    for (const MakeExercise make : kExercises) {
      for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Omission omission(kind);
        const bool wrong = drive(make, seed).complaints != Complaints{};
        CHECK(wrong == (Omission::turns() > 0));
        noticed = noticed || wrong;
      }
    }
    CHECK(noticed);
  });
}

// ---- threads and the pool ------------------------------------------------------------------------

/// Runs it to its end. Returns  whether join() refused the run because its ledger does not balance.
bool refused(MakeExercise make, Carrier carrier, std::size_t memory) {
  const Exercise exercise = make(carrier);
  RunOptions options;
  options.memory = memory;
  WatchedRun run(exercise.pipeline, std::move(options));
  try {
    static_cast<void>(run->join());
  } catch (const std::logic_error& error) {
    return std::string(error.what()).find("the ledger does not balance") != std::string::npos;
  }
  return false;
}

TEST_CASE("Ledger: on threads and the pool, join refuses a run without one kind of increment",
          "[ledger]") {
  for (const Carrier carrier : {Carrier::thread, Carrier::pool}) {
    for_every_kind([&](Count kind) {
      const bool report_only =
          kind == Count::filtered || kind == Count::retried || kind == Count::created;
      if (report_only) return;
      INFO("left out: " << name_of(kind) << ", on " << to_string(carrier));
      for (const MakeExercise make : {every_fate, failing_run, full_edges}) {
        for (const std::size_t memory : {kAuto, kTightMemory}) {
          const Omission omission(kind);
          const bool was_refused = refused(make, carrier, memory);
          if (Omission::turns() > 0) CHECK(was_refused);
        }
      }
    });
    for (const MakeExercise make : kExercises) {
      for (const std::size_t memory : {kAuto, kTightMemory}) {
        CHECK_FALSE(refused(make, carrier, memory));
      }
    }
  }
}

TEST_CASE("Ledger: run throws for a pipeline whose items are not all accounted for", "[ledger]") {
  const auto copy = [](const Carrier carrier) {
    Pipeline p("copy");
    p.source("read", numbers(100), {.carrier = carrier}) |
        map("same", [](Number n) { return n; }, {.carrier = carrier}) |
        sink("drop", [](Number) {}, {.carrier = carrier});
    return p;
  };
  for (const Carrier carrier : {Carrier::thread, Carrier::pool}) {
    for (const Count kind :
         {Count::taken, Count::settled, Count::completed, Count::emitted, Count::put}) {
      const Omission omission(kind);
      CHECK_THROWS_WITH(run(copy(carrier)), Catch::Matchers::StartsWith(
                                                "pipeline copy: the ledger does not balance: "));
    }
    CHECK(run(copy(carrier)).ledger.balanced);
  }
}

// ---- memory --------------------------------------------------------------------------------------

TEST_CASE("Ledger: a run that does not give its memory back is refused", "[ledger][mutant]") {
  for (const Carrier carrier : {Carrier::thread, Carrier::pool}) {
    // A budget that is large enough, or the mutant would wait for ever.
    CHECK_FALSE(refused(every_fate, carrier, 1'000'000));
    detail::keeps_memory_charged.store(true, std::memory_order_relaxed);
    const bool was_refused = refused(every_fate, carrier, 1'000'000);
    detail::keeps_memory_charged.store(false, std::memory_order_relaxed);
    CHECK(was_refused);
  }
}

// ---- inlets and outlets --------------------------------------------------------------------------

/// Feeds four items through an inlet and reads two from an outlet, which is then let go.
bool endpoints_refused(std::size_t memory) {
  Pipeline p("endpoints");
  p.inlet<Number>("in", {.carrier = Carrier::thread}) |
      map("same", [](Number n) { return n; }, {.carrier = Carrier::thread}) | outlet<Number>("out");
  RunOptions options;
  options.memory = memory;
  WatchedRun run(p, std::move(options));
  {
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Number>("out");
    for (Number n = 0; n < 4; ++n) REQUIRE(in.put(n) == PutStatus::ok);
    for (Number n = 0; n < 2; ++n) REQUIRE(*out.get() == n);
  }
  try {
    static_cast<void>(run->join());
  } catch (const std::logic_error&) {
    return true;
  }
  return false;
}

TEST_CASE("Ledger: an increment left out at an inlet or an outlet is noticed", "[ledger]") {
  CHECK_FALSE(endpoints_refused(kAuto));
  CHECK_FALSE(endpoints_refused(1000));
  for (const Count kind : {Count::taken, Count::settled, Count::completed, Count::emitted,
                           Count::put, Count::charged, Count::freed}) {
    // How many increments there are depends on how many items a step takes: try until one is not reached.
    std::uint64_t turn = 0;
    for (bool reached = true; reached; ++turn) {
      INFO("left out: increment " << turn << " of " << name_of(kind));
      const Omission omission(kind, turn);
      const bool was_refused = endpoints_refused(1000);
      reached = Omission::turns() > turn;
      CHECK(was_refused == reached);
    }
    CHECK(turn > 3);
  }
}

}  // namespace
}  // namespace sluice
