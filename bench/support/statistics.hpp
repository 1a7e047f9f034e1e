// bench/support/statistics.hpp: medians, and how sure one may be of them.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::bench {

/// Median, minimum and maximum.
struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
};

/// A figure with its 95 % interval; `low` is what has to pass.
struct Interval {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// Throws   std::invalid_argument when `values` is empty.
[[nodiscard]] double median(std::vector<double> values);
[[nodiscard]] Spread spread(std::vector<double> values);

/// The p-th quantile, 0 <= p <= 1, by linear interpolation between the two nearest values.
[[nodiscard]] double quantile(std::vector<double> values, double p);

/// The median of `values` with a percentile bootstrap interval (Efron and Tibshirani, "An
/// Introduction to the Bootstrap", 1993, chapter 13): 10,000 samples drawn with replacement.
/// The same seed gives the same interval.
[[nodiscard]] Interval bootstrap_median(const std::vector<double>& values, std::uint64_t seed);

}  // namespace sluice::bench
