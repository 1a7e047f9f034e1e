// sluice/testing.cpp
// SPDX-License-Identifier: MIT
#include <sluice/testing.hpp>

#include <sluice/runtime/ledger.hpp>
#include <sluice/runtime/seeded_driver.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <random>
#include <system_error>

namespace sluice {

namespace detail {
namespace {

// A streaming stage's emit waits for room that only another worker's step can make, and that is the same
// thread.
void refuse_streaming(const Graph& graph, const char* who) {
  for (const StageDef& def : graph.stages) {
    if (!def.options.streaming) continue;
    throw UsageError(fmt::format(
        "{}: stage {} is streaming: its emit would wait for the very thread that runs it; test it "
        "with sluice::run()",
        who, def.name));
  }
}

void refuse_endpoints(const Graph& graph) {
  for (const StageDef& def : graph.stages) {
    if (def.role != StageRole::inlet && def.role != StageRole::outlet) continue;
    throw UsageError(fmt::format(
        "testing::run: stage {} is an {}, which application code has to serve; use start(), or a "
        "StageHarness for one stage",
        def.name, def.kind));
  }
}

// A capacity that was left to the scheduler may be any: often few slots, so that stages wait for each other
// and workers overtake each other.
std::vector<StageOverride> capacities(const Graph& graph, std::uint64_t seed) {
  std::vector<StageOverride> overrides;
  std::mt19937_64 random{seed};
  for (const StageDef& def : graph.stages) {
    const std::uint64_t drawn = random();
    if (def.role == StageRole::source || def.options.capacity != kAuto || drawn % 2 == 0) continue;
    overrides.push_back({.stage = def.name, .capacity = 1 + drawn / 2 % 4});
  }
  return overrides;
}

void cancel_and_end(SeededDriver& driver) {
  driver.run().request_cancel();
  while (driver.step()) {
  }
}

// SLUICE_SEED, where it is set.
std::optional<std::uint64_t> seed_asked_for() {
  const char* const text = std::getenv("SLUICE_SEED");
  if (text == nullptr || *text == '\0') return std::nullopt;
  std::uint64_t seed = 0;
  const char* const end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, seed);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    throw UsageError(fmt::format("SLUICE_SEED is '{}'; give a number", text));
  }
  return seed;
}

void try_seed(UniqueFunction<bool(std::uint64_t)>& check, std::uint64_t seed) {
  bool passed = false;
  try {
    passed = check(seed);
  } catch (...) {
    throw testing::SeedFailed(seed, current_exception_text());
  }
  if (!passed) throw testing::SeedFailed(seed, "the check says no");
}

}  // namespace

std::uint64_t explore_seeds(UniqueFunction<bool(std::uint64_t)> check, std::uint64_t first,
                            std::uint64_t seeds) {
  if (const std::optional<std::uint64_t> one = seed_asked_for()) {
    first = *one;
    seeds = 1;
  }
  for (std::uint64_t i = 0; i < seeds; ++i) try_seed(check, first + i);
  return seeds;
}

HarnessRun::HarnessRun(const Pipeline& pipeline, std::string stage, std::uint64_t seed)
    : stage_(std::move(stage)) {
  refuse_streaming(pipeline.graph(), "testing::StageHarness");
  RunHooks hooks;
  hooks.on_dead_letter = [this](const DeadLetter& letter) { letters_.push_back(letter); };
  driver_ = std::make_unique<SeededDriver>(pipeline, seed, std::vector<StageOverride>{},
                                           std::move(hooks));
}

HarnessRun::~HarnessRun() { cancel_and_end(*driver_); }

std::shared_ptr<Endpoint> HarnessRun::inlet(TypeKey type) const {
  return find_inlet(driver_->shared_run(), kInput, type);
}

void HarnessRun::advance(std::chrono::nanoseconds time) {
  if (time.count() < 0) throw UsageError("testing::StageHarness: time does not go back");
  driver_->advance(std::chrono::duration_cast<Clock::duration>(time));
  driver_->run().throw_failure();
}

void HarnessRun::finish() {
  while (driver_->step()) {
  }
  require_balance(driver_->run());
  driver_->run().throw_failure();
}

Clock::time_point HarnessRun::now() const noexcept { return driver_->now(); }
StageReport HarnessRun::report() const { return make_report(driver_->run()).stage(stage_); }

}  // namespace detail

namespace testing {

SeedFailed::SeedFailed(std::uint64_t failing, const std::string& text)
    : std::runtime_error(
          fmt::format("seed {}: {} (repeat it with SLUICE_SEED={})", failing, text, failing)),
      seed_(failing) {}

Report run(const Pipeline& pipeline, RunSettings settings) {
  detail::refuse_endpoints(pipeline.graph());
  detail::refuse_streaming(pipeline.graph(), "testing::run");
  std::vector<StageOverride> overrides = detail::capacities(pipeline.graph(), settings.seed);
  overrides.insert(overrides.end(), settings.overrides.begin(), settings.overrides.end());
  detail::SeededDriver driver(pipeline, settings.seed, overrides,
                              {std::move(settings.on_dead_letter), std::move(settings.on_log)},
                              settings.memory);
  std::size_t steps = 0;
  try {
    while (driver.step()) {
      ++steps;
      if (steps == settings.stop_after) driver.run().request_stop();
      if (steps == settings.cancel_after) driver.run().request_cancel();
    }
  } catch (const detail::SeededDriver::Deadlock& deadlock) {
    detail::cancel_and_end(driver);
    throw Deadlock(deadlock.what());
  }
  detail::require_balance(driver.run());
  driver.run().throw_failure();
  return detail::make_report(driver.run());
}

}  // namespace testing
}  // namespace sluice
