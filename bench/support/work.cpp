// bench/support/work.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <support/work.hpp>

#include <algorithm>
#include <cmath>

namespace sluice::bench {
namespace {

// The fastest of several tries: a disturbed try is only ever slower.
double measure_turns_per_ns() {
  constexpr std::uint64_t kTurns = 2'000'000;
  const Work work(kTurns);
  double best_ns = 1e300;
  std::uint64_t value = 1;
  for (int i = 0; i < 15; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    value = work(value);
    const auto end = std::chrono::steady_clock::now();
    best_ns = std::min(best_ns, std::chrono::duration<double, std::nano>(end - begin).count());
  }
  return static_cast<double>(kTurns) / best_ns;
}

}  // namespace

Work Work::costing(std::chrono::nanoseconds price) {
  static const double turns_per_ns = measure_turns_per_ns();
  return Work(
      static_cast<std::uint64_t>(std::llround(turns_per_ns * static_cast<double>(price.count()))));
}

Work::Work(std::uint64_t turns) noexcept : turns_(turns) {
  for (std::uint64_t i = 0; i < turns; ++i) {
    factor_ *= kFactor;
    summand_ = summand_ * kFactor + kSummand;
  }
}

}  // namespace sluice::bench
