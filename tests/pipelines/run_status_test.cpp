// pipelines/run_status_test.cpp: what a run has ended with stays, and its first error is the first.
// SPDX-License-Identifier: MIT
#include <support/numbers.hpp>
#include <support/outcome.hpp>
#include <support/scale.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

namespace sluice {
namespace {

using namespace testing_support;

constexpr int kRounds = static_cast<int>(scaled(4000));

TEST_CASE("What wait throws is the first error of the report", "[pipeline][errors]") {
  int differ = 0;
  int both_failed = 0;
  for (int round = 0; round < kRounds; ++round) {
    Pipeline p("together");
    std::atomic<int> arrived{0};
    const auto fail = [&arrived](Number n) {
      ++arrived;
      while (arrived < 3) std::this_thread::yield();
      throw std::runtime_error(std::to_string(n));
    };
    p.source("read", endless_numbers()) |
        sink("fail", fail, {.workers = 3, .carrier = Carrier::thread, .capacity = 3, .batch = 1});
    RunHandle run = start(p);
    run.join();
    const Report report = run.snapshot();
    both_failed += report.stage("fail").failed > 1;
    try {
      run.wait();
    } catch (const StageError& error) {
      differ += report.errors[0].item != error.item();
    }
  }
  INFO("failed twice in " << both_failed << " of " << kRounds << " runs");
  CHECK(differ == 0);
}

TEST_CASE("The status of a run that has ended does not change", "[pipeline][stop]") {
  int changed = 0;
  for (int round = 0; round < kRounds; ++round) {
    Pipeline p("late stop");
    p.source("read", numbers(static_cast<Number>(round % 3))) | sink("drop", [](Number) {});
    RunHandle run = start(p);
    std::thread stopper([&] { run.stop(); });
    run.join();
    const RunStatus at_end = run.snapshot().status;
    stopper.join();
    changed += run.snapshot().status != at_end;
  }
  CHECK(changed == 0);
}

}  // namespace
}  // namespace sluice
