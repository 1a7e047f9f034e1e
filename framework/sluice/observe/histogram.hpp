// sluice/observe/histogram.hpp: durations in logarithmic buckets, one writer, any reader.
//
// Eight buckets per doubling, so a quantile is within 7 % of the true value. The layout is the
// usual log-linear one (as in HdrHistogram): exponent from the highest bit, three bits below it.
// Layer: observe. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/observe/tally.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace sluice::detail {

class Histogram {
 public:
  /// Records one duration in nanoseconds.
  void add(std::uint64_t ns) noexcept { buckets_[bucket_of(ns)].add(1); }

  /// Adds this histogram's counts to `sums`, an array of kBuckets counts.
  void add_to(std::uint64_t* sums) const noexcept {
    for (std::size_t i = 0; i < kBuckets; ++i) sums[i] += buckets_[i].get();
  }

  static constexpr std::size_t kBuckets = 8 * 44;

  /// The `q`-quantile (0 to 1) of summed counts in nanoseconds; 0 when there are none.
  [[nodiscard]] static std::uint64_t quantile(const std::uint64_t* sums, double q) noexcept {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) total += sums[i];
    if (total == 0) return 0;
    const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(total - 1));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += sums[i];
      if (seen > rank) return middle_of(i);
    }
    return middle_of(kBuckets - 1);
  }

 private:
  static std::size_t bucket_of(std::uint64_t ns) noexcept {
    if (ns < 8) return static_cast<std::size_t>(ns);
    const auto exponent = static_cast<unsigned>(std::bit_width(ns)) - 4;  // of the top four bits
    const std::size_t index = 8 * (exponent + 1) + ((ns >> exponent) & 7);
    return index < kBuckets ? index : kBuckets - 1;
  }
  static std::uint64_t middle_of(std::size_t bucket) noexcept {
    if (bucket < 8) return bucket;
    const auto exponent = static_cast<unsigned>(bucket / 8 - 1);
    const std::uint64_t low = (8 + (bucket % 8)) << exponent;
    return low + ((std::uint64_t{1} << exponent) >> 1);
  }

  Tally buckets_[kBuckets];
};

}  // namespace sluice::detail
