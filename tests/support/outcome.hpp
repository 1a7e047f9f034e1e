// support/outcome.hpp: "for every driver": a pipeline run to its end by threads, by the pool, or by seed,
// and what became of it.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/carriers.hpp>
#include <support/seeds.hpp>
#include <support/watched_run.hpp>

#include <sluice/runtime/seeded_driver.hpp>
#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::testing_support {

/// How a run ended: its report, and what wait() threw.
struct Outcome {
  Report report;
  std::optional<StageError> error;
};

/// Where a StageError is expected to come from. No item: outside any item.
struct ExpectedError {
  std::string stage;
  std::string phase = "process";
  std::optional<std::uint64_t> item{};
  unsigned attempt = 1;
  std::string cause;
  std::size_t worker = 0;
};

/// Carries out pipelines: on real threads, or, with a seed, step by step on this thread.
class Driver {
 public:
  explicit Driver(const CarrierMix& mix) : mix_{mix} {}
  explicit Driver(std::uint64_t seed) : mix_{kCarrierMixes[0]}, seed_{seed} {}

  /// The carrier of the stage at that place; without meaning to the seeded driver.
  [[nodiscard]] Carrier at(std::size_t place) const noexcept { return mix_.at(place); }
  [[nodiscard]] bool is_seeded() const noexcept { return seed_.has_value(); }

  /// Runs to the end and checks what holds for every run that has ended. Main thread only.
  [[nodiscard]] Outcome run(const Pipeline& pipeline, RunOptions options = {}) const {
    Outcome outcome = is_seeded() ? run_by_seed(pipeline, std::move(options))
                                  : run_on_threads(pipeline, std::move(options));
    const Report& report = outcome.report;
    CHECK(report.ledger.faults == std::vector<std::string>{});
    CHECK(report.ledger.balanced);
    CHECK((report.status == RunStatus::failed) == outcome.error.has_value());
    for (const EdgeReport& edge : report.edges) CHECK(edge.queued == 0);
    return outcome;
  }

 private:
  template <class Throws>
  static std::optional<StageError> thrown_by(Throws throws) {
    try {
      throws();
    } catch (const StageError& error) {
      return error;
    }
    return std::nullopt;
  }

  static Outcome run_on_threads(const Pipeline& pipeline, RunOptions options) {
    WatchedRun run{pipeline, std::move(options)};
    Outcome outcome{run.end(), {}};
    outcome.error = thrown_by([&] { static_cast<void>(run->wait()); });
    return outcome;
  }

  [[nodiscard]] Outcome run_by_seed(const Pipeline& pipeline, RunOptions options) const {
    detail::SeededDriver driver{pipeline,
                                *seed_,
                                options.overrides,
                                {std::move(options.on_dead_letter), std::move(options.on_log)}};
    Outcome outcome{driver.finish(), {}};
    CHECK(driver.unfinished() == 0);
    outcome.error = thrown_by([&] { driver.run().throw_failure(); });
    return outcome;
  }

  CarrierMix mix_;
  std::optional<std::uint64_t> seed_{};
};

/// Calls `test(driver)` for every mix of carriers.
template <class Test>
void for_every_mix(Test test) {
  for_every_carrier([&](const CarrierMix& mix) { test(Driver{mix}); });
}

/// The same, and for `rounds` orders of steps by seed.
template <class Test>
void for_every_driver(Test test, std::uint64_t rounds = 8) {
  for_every_mix(test);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    INFO("seeded driver, seed " << seed() + round);
    test(Driver{seed() + round});
  }
}

/// The text of the exception that is nested in `error`; a number when it was one.
[[nodiscard]] inline std::string nested_text(const StageError& error) {
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& original) {
    return original.what();
  } catch (const int original) {
    return std::to_string(original);
  } catch (...) {
    return "something else";
  }
  return "nothing";
}

/// The run failed, for that reason alone, and both the exception and the report say so in full.
inline void check_failed(const Outcome& outcome, const ExpectedError& expected) {
  CHECK(outcome.report.status == RunStatus::failed);
  CHECK(outcome.report.error_count == 1);
  REQUIRE(outcome.report.errors.size() == 1);
  REQUIRE(outcome.error.has_value());
  const StageError& thrown = *outcome.error;
  CHECK(thrown.stage() == expected.stage);
  CHECK(thrown.worker() == expected.worker);
  CHECK(thrown.has_item() == expected.item.has_value());
  if (expected.item) CHECK(thrown.item() == *expected.item);
  CHECK(thrown.attempt() == expected.attempt);
  CHECK(thrown.phase() == expected.phase);
  CHECK(thrown.cause_text() == expected.cause);
  CHECK(std::string{thrown.what()}.find(expected.stage) != std::string::npos);
  CHECK(std::string{thrown.what()}.find(expected.cause) != std::string::npos);
  const ErrorReport& reported = outcome.report.errors.front();
  CHECK(reported.stage == expected.stage);
  CHECK(reported.worker == expected.worker);
  CHECK(reported.has_item == expected.item.has_value());
  CHECK(reported.item == expected.item.value_or(0));
  CHECK(reported.attempt == expected.attempt);
  CHECK(reported.phase == expected.phase);
  CHECK(reported.cause == expected.cause);
}

}  // namespace sluice::testing_support
