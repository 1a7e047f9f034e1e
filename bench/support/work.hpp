// bench/support/work.hpp: work of a known price whose result can be checked.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::bench {

/// A chain of multiplications that each need the one before, so that it takes the same time on a
/// hyperthread as on a whole core and no compiler can shorten it. The chain is an affine map of
/// 64-bit numbers, which gives every result in two operations for checking.
class Work {
 public:
  /// Work that takes `price` on this machine when it runs alone. The speed of the machine is
  /// measured once per process.
  [[nodiscard]] static Work costing(std::chrono::nanoseconds price);

  explicit Work(std::uint64_t turns) noexcept;

  /// Does the work.
  [[nodiscard]] std::uint64_t operator()(std::uint64_t value) const noexcept {
    for (std::uint64_t i = 0; i < turns_; ++i) {
      value = value * kFactor + kSummand;
      asm volatile("" : "+r"(value));
    }
    return value;
  }

  /// Returns  what operator() would, without the work.
  [[nodiscard]] std::uint64_t expected(std::uint64_t value) const noexcept {
    return value * factor_ + summand_;
  }

  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }

 private:
  static constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15U;
  static constexpr std::uint64_t kSummand = 0x2545F4914F6CDD1DU;

  std::uint64_t turns_;
  std::uint64_t factor_ = 1;
  std::uint64_t summand_ = 0;
};

}  // namespace sluice::bench
