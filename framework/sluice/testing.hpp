// sluice/testing.hpp: runs pipelines and single stages on one thread, in an order that comes from a seed, by a
// virtual clock: for tests that are exact, repeatable and do not wait. Not part of <sluice/sluice.hpp>.
//
// (1) One thread does everything: callbacks of several workers interleave step by step, never inside one.
//     So it finds errors of order, not data races.
//     Capacities that the pipeline leaves open come from the seed, too, and are often small.
// (2) The same pipeline with the same seed makes the same steps, unless user code itself depends on more.
// (3) The run's clock (Context::now()) begins at its epoch and stands still while anything can go on; then
//     it jumps to the next back-off, linger, window or throttle that is due. An hour takes microseconds.
//     Soft timeouts, and the times in reports, are real ones.
// Layer: testing. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/unique_function.hpp>
#include <sluice/dead_letter.hpp>
#include <sluice/deadline.hpp>
#include <sluice/error.hpp>
#include <sluice/pipeline.hpp>
#include <sluice/queue.hpp>
#include <sluice/report.hpp>
#include <sluice/runtime/endpoints.hpp>
#include <sluice/scheduler.hpp>
#include <sluice/stage.hpp>
#include <sluice/stream.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

namespace detail {

class SeededDriver;

/// Calls `check` for the seeds; the part of explore() that needs no type.
std::uint64_t explore_seeds(UniqueFunction<bool(std::uint64_t)> check, std::uint64_t first,
                            std::uint64_t seeds);

/// The part of a harness that needs no type: the run behind it.
class HarnessRun {
 public:
  HarnessRun(const Pipeline& pipeline, std::string stage, std::uint64_t seed);
  HarnessRun(const HarnessRun&) = delete;
  HarnessRun& operator=(const HarnessRun&) = delete;
  ~HarnessRun();

  [[nodiscard]] std::shared_ptr<Endpoint> inlet(TypeKey type) const;
  void advance(std::chrono::nanoseconds time);
  void finish();
  [[nodiscard]] Clock::time_point now() const noexcept;
  [[nodiscard]] StageReport report() const;
  [[nodiscard]] const std::vector<DeadLetter>& dead_letters() const noexcept { return letters_; }

  static constexpr const char* kInput = "test-input";

 private:
  std::string stage_;
  std::vector<DeadLetter> letters_{};
  std::unique_ptr<SeededDriver> driver_;
};

}  // namespace detail

namespace testing {

/// How a pipeline is run by run().
struct RunSettings {
  std::uint64_t seed = 1;
  std::vector<StageOverride> overrides{};
  std::size_t memory = kAuto;    ///< as RunOptions::memory
  std::size_t stop_after = 0;    ///< steps before the run is stopped; 0: never
  std::size_t cancel_after = 0;  ///< steps before it is cancelled; 0: never
  UniqueFunction<void(const DeadLetter&)> on_dead_letter{};
  UniqueFunction<void(std::string_view stage, std::string_view text)> on_log{};
};

/// No worker can go on and no timer runs; the text is that of RunHandle::explain().
class Deadlock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A check that failed under explore(): the text names its seed.
class SeedFailed : public std::runtime_error {
 public:
  SeedFailed(std::uint64_t failing, const std::string& text);
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

 private:
  std::uint64_t seed_;
};

/// Runs the pipeline to its end on the calling thread; carriers have no meaning here.
/// Throws  what sluice::run() throws; Deadlock; UsageError for a streaming stage, an inlet or an outlet,
///         which can't be served by the one thread.
Report run(const Pipeline& pipeline, RunSettings settings = {});

/// Which seeds explore() tries.
struct Seeds {
  std::uint64_t seeds = 1000;  ///< how many
  std::uint64_t first_seed = 1;
};

/// Calls `check(seed)` for one seed after the other. It makes a pipeline, runs it with
/// `testing::run(p, {.seed = seed})`, and fails by throwing, or by returning false.
///
///     testing::explore([](std::uint64_t seed) {
///       std::vector<int> got;
///       const Pipeline p = my_pipeline(got);
///       testing::run(p, {.seed = seed});
///       return got == expected;
///     }, {.seeds = 10'000});
///
/// The environment variable SLUICE_SEED=n has exactly that seed tried, as a failure's text says.
/// Returns  how many seeds were tried. Throws  SeedFailed; UsageError when SLUICE_SEED is no number.
template <class Check>
  requires std::invocable<Check&, std::uint64_t> std::uint64_t explore(Check check,
                                                                       Seeds seeds = {}) {
    const auto passes = [&check](std::uint64_t seed) -> bool {
      if constexpr (std::same_as<std::invoke_result_t<Check&, std::uint64_t>, bool>) {
        return check(seed);
      } else {
        check(seed);
        return true;
      }
    };
    return detail::explore_seeds(passes, seeds.first_seed, seeds.seeds);
  }

/// One stage alone: items go in, and what comes out is kept.
///
///     StageHarness<int, std::vector<int>> h(batch("pack", 3, 10s));
///     h.put(1);
///     h.put(2);
///     CHECK(h.outputs().empty());
///     h.advance(10s);  // takes no time
///     CHECK(h.outputs() == std::vector<std::vector<int>>{{1, 2}});
///     h.put(3);
///     h.finish();
///     CHECK(h.outputs().back() == std::vector<int>{3});
///
/// For a sink leave out the second type. A stage that stands behind key_by: `h(key_by(f), stage)`. Every member
/// that lets the stage work throws its StageError when that fails the run; dead letters are kept.
template <class In, class Out = void>
class StageHarness {
 public:
  template <detail::Declaration Decl>
  explicit StageHarness(Decl decl, std::uint64_t seed = 1) {
    std::string name = decl.base.name;
    connect(input(), std::move(decl));
    start(std::move(name), seed);
  }
  template <class KeyOf, detail::Declaration Decl>
  StageHarness(detail::KeyBy<KeyOf> by, Decl decl, std::uint64_t seed = 1) {
    std::string name = decl.base.name;
    connect(input() | std::move(by), std::move(decl));
    start(std::move(name), seed);
  }
  StageHarness(const StageHarness&) = delete;
  StageHarness& operator=(const StageHarness&) = delete;
  ~StageHarness() = default;

  /// Puts an item and lets the stage work as far as it can without time going on. Returns  false when the
  /// stage wants no more input.
  bool put(In item) {
    const bool taken = inlet_->put(std::move(item), Deadline::now()) == PutStatus::ok;
    run_->advance({});
    return taken;
  }
  /// Lets time go on, timer by timer.
  void advance(std::chrono::nanoseconds time) { run_->advance(time); }
  /// The input ends; the stage finishes, with as much time as it needs. Throws  also std::logic_error when an
  /// item is unaccounted for.
  void finish() {
    inlet_->close();
    run_->finish();
  }

  /// What came out so far, in order.
  [[nodiscard]] const auto& outputs() const noexcept requires(!std::is_void_v<Out>) {
    return outputs_;
  }
  /// The same, moved out; outputs() is empty then.
  [[nodiscard]] auto take_outputs() noexcept requires(!std::is_void_v<Out>) {
    return std::exchange(outputs_, {});
  }
  [[nodiscard]] const std::vector<DeadLetter>& dead_letters() const noexcept {
    return run_->dead_letters();
  }
  /// The stage's counters: completed, filtered, skipped, dead, retried ...
  [[nodiscard]] StageReport report() const { return run_->report(); }
  [[nodiscard]] std::uint64_t filtered() const { return report().filtered; }
  [[nodiscard]] std::uint64_t skipped() const { return report().skipped; }
  /// The time on the virtual clock since the beginning.
  [[nodiscard]] std::chrono::nanoseconds now() const noexcept {
    return run_->now().time_since_epoch();
  }

 private:
  using Kept = std::conditional_t<std::is_void_v<Out>, char, Out>;

  [[nodiscard]] Stream<In> input() {
    return pipeline_.inlet<In>(detail::HarnessRun::kInput, {.capacity = unbounded});
  }
  template <class Input, class Decl>
  void connect(Input input, Decl decl) {
    if constexpr (std::is_void_v<Out>) {
      std::move(input) | std::move(decl);
    } else {
      (std::move(input) | std::move(decl)) |
          sink("test-output", [this](Out item) { outputs_.push_back(std::move(item)); });
    }
  }
  void start(std::string stage, std::uint64_t seed) {
    run_ = std::make_unique<detail::HarnessRun>(pipeline_, std::move(stage), seed);
    inlet_.emplace(run_->inlet(detail::type_key<In>()));
  }

  Pipeline pipeline_{"harness"};
  std::vector<Kept> outputs_{};
  std::unique_ptr<detail::HarnessRun> run_{};
  std::optional<Inlet<In>> inlet_{};
};

}  // namespace testing
}  // namespace sluice
