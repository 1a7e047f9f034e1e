// bench/support/statistics.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <support/statistics.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <utility>

namespace sluice::bench {

double quantile(std::vector<double> values, double p) {
  if (values.empty()) throw std::invalid_argument("quantile of no values");
  std::sort(values.begin(), values.end());
  const double position = p * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(position));
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double share = position - static_cast<double>(below);
  return values[below] + (values[above] - values[below]) * share;
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

Spread spread(std::vector<double> values) {
  if (values.empty()) throw std::invalid_argument("spread of no values");
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  Spread result{0, *min, *max};
  result.median = median(std::move(values));
  return result;
}

Interval bootstrap_median(const std::vector<double>& values, std::uint64_t seed) {
  constexpr int kResamples = 10'000;
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::size_t> pick(0, values.empty() ? 0 : values.size() - 1);
  std::vector<double> medians;
  medians.reserve(kResamples);
  std::vector<double> draw(values.size());
  for (int i = 0; i < kResamples; ++i) {
    for (double& value : draw) value = values[pick(random)];
    medians.push_back(median(draw));
  }
  return {median(values), quantile(medians, 0.025), quantile(medians, 0.975)};
}

}  // namespace sluice::bench
