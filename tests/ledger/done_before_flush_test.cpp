// ledger/done_before_flush_test.cpp: a worker that settles an item before its outputs were accepted is caught.
//
// Over a chain with edges of one slot, under orders of steps that come from a seed: at some moment nothing is
// unfinished on any edge although an item is on its way. join() on all edges would return too early.
// SPDX-License-Identifier: MIT
#include <support/numbers.hpp>

#include <sluice/observe/tally.hpp>
#include <sluice/runtime/seeded_driver.hpp>
#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <cstdint>

namespace sluice {
namespace {

using namespace testing_support;

constexpr std::uint64_t kSeeds = 50;

/// Steps of a run after which nothing was unfinished while an item was on its way.
std::uint64_t steps_without_trace(std::uint64_t seed) {
  Number emitted = 0;
  Number arrived = 0;
  Pipeline p("chain");
  const auto read = [&emitted]() -> std::optional<Number> {
    if (emitted == 20) return std::nullopt;
    return emitted++;
  };
  p.source("read", read) | map("same", [](Number n) { return n; }, {.capacity = 1}) |
      sink("count", [&arrived](Number) { ++arrived; }, {.capacity = 1});
  detail::SeededDriver driver(p, seed);
  std::uint64_t found = 0;
  // Not the last item that was pulled: until its own edge accepts it, the source has it.
  const auto look = [&] { found += driver.unfinished() == 0 && arrived + 1 < emitted; };
  static_cast<void>(driver.finish(look));
  return found;
}

std::uint64_t sum_over_seeds() {
  std::uint64_t found = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) found += steps_without_trace(seed);
  return found;
}

TEST_CASE("Mutant done before flush is caught", "[ledger][mutant]") {
  CHECK(sum_over_seeds() == 0);
  detail::settles_before_flush.store(true, std::memory_order_relaxed);
  const std::uint64_t found = sum_over_seeds();
  detail::settles_before_flush.store(false, std::memory_order_relaxed);
  CHECK(found > 0);
}

}  // namespace
}  // namespace sluice
