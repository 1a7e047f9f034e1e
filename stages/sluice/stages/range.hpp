// sluice/stages/range.hpp: a source of evenly spaced whole numbers.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/error.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace sluice::stages {

/// What range() makes.
template <std::integral T>
class RangeSource {
 public:
  using Out = T;

  RangeSource(T begin, T end, T step) : next_(bits(begin)), step_(bits(step)) {
    if (step == 0) throw UsageError("range: the step is 0; give the distance of two numbers");
    // In 64-bit arithmetic without sign, where the distance of any two numbers fits.
    if (step > 0 && begin < end) left_ = (bits(end) - bits(begin) - 1) / bits(step) + 1;
    if (step < 0 && begin > end) left_ = (bits(begin) - bits(end) - 1) / (0 - bits(step)) + 1;
  }

  bool next(Emitter<T>& out) {
    const std::uint64_t count = std::min<std::uint64_t>(left_, kPerCall);
    for (std::uint64_t i = 0; i < count; ++i) {
      out.emit(static_cast<T>(next_));
      next_ += step_;
    }
    left_ -= count;
    return left_ > 0;
  }

 private:
  static constexpr std::uint64_t kPerCall = 64;
  static constexpr std::uint64_t bits(T value) noexcept {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  }

  std::uint64_t next_;
  std::uint64_t step_;
  std::uint64_t left_ = 0;
};

/// begin, begin + step, begin + 2 * step, ... while short of `end`; a negative step counts down.
/// Throws  UsageError for a step of 0.
template <std::integral T>
  requires(!std::same_as<T, bool>)
[[nodiscard]] RangeSource<T> range(T begin, std::type_identity_t<T> end,
                                   std::type_identity_t<T> step = 1) {
  return RangeSource<T>(begin, end, step);
}

}  // namespace sluice::stages
