// bench/chain_steps.cpp: what ledger, clocks and report cost a chain, in instructions per item.
//
//   source ──▶ map ──▶ map ──▶ sink      no work in the stages, batch 64, capacity 1024
//
// Stepped round robin on one thread, so that a count of instructions is repeatable. Built twice: with
// accounting, and with everything that only serves the account compiled out
// (SLUICE_BENCH_WITHOUT_ACCOUNTING). bench/chain_steps.sh runs both under callgrind and prints the
// difference per item.
// SPDX-License-Identifier: MIT
#include <sluice/runtime/run_state.hpp>
#include <sluice/sluice.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

namespace {

constexpr std::size_t kBatch = 64;

std::uint64_t run_stepwise(std::uint64_t items) {
  std::uint64_t sum = 0;
  sluice::Pipeline pipeline("chain");
  pipeline.source("source",
                  [next = std::uint64_t{0}, items]() mutable -> std::optional<std::uint64_t> {
                    if (next == items) return std::nullopt;
                    return next++;
                  },
                  {.batch = kBatch}) |
      sluice::map("add", [](std::uint64_t x) { return x + 1; }, {.batch = kBatch}) |
      sluice::map("twice", [](std::uint64_t x) { return 2 * x; }, {.batch = kBatch}) |
      sluice::sink("sum", [&sum](std::uint64_t x) { sum += x; }, {.batch = kBatch});
  const auto run = std::make_shared<sluice::detail::RunState>(
      pipeline.shared_graph(), sluice::plan(pipeline), 1, sluice::detail::RunHooks{});
  auto now = sluice::detail::Worker::read_clock();
  for (std::size_t live = run->workers().size(); live > 0;) {
    for (const auto& worker : run->workers()) {
      if (worker->ended()) continue;
      if (worker->step(now) == sluice::detail::StepResult::done) {
        run->participant_ended();
        --live;
      }
    }
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t items = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::uint64_t sum = run_stepwise(items);
  const std::uint64_t expected = items * (items + 1);
  if (sum != expected) {
    std::fprintf(stderr, "chain_steps: the sum is %llu, not %llu\n",
                 static_cast<unsigned long long>(sum), static_cast<unsigned long long>(expected));
    return 1;
  }
  std::printf("%llu items\n", static_cast<unsigned long long>(items));
  return 0;
}
