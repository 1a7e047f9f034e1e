// support/numbers.hpp: sources of numbers, and the lists of numbers that tests expect back.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

namespace sluice::testing_support {

using Number = std::uint64_t;

/// A source of 0, 1, ... count - 1.
[[nodiscard]] inline auto numbers(Number count) {
  return [next = Number{0}, count]() mutable -> std::optional<Number> {
    if (next == count) return std::nullopt;
    return next++;
  };
}

/// A source of 0, 1, 2, ... that never ends by itself.
[[nodiscard]] inline auto endless_numbers() {
  return [next = Number{0}]() mutable -> std::optional<Number> { return next++; };
}

/// The list 0, 1, ... count - 1.
[[nodiscard]] inline std::vector<Number> up_to(Number count) {
  std::vector<Number> list(count);
  std::iota(list.begin(), list.end(), Number{0});
  return list;
}

}  // namespace sluice::testing_support
