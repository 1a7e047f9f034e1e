// support/throwing_move.hpp: a value whose move may throw, and does so when told.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <type_traits>

namespace sluice::testing_support {

/// A move construction counts down; the one that finds the count at zero throws, and disarms it.
class ThrowingMove {
 public:
  explicit ThrowingMove(std::uint64_t value = 0) noexcept : value_{value} {}
  ThrowingMove(const ThrowingMove&) = default;
  ThrowingMove& operator=(const ThrowingMove&) = default;
  ThrowingMove(ThrowingMove&& other) noexcept(false) : value_{other.value_} { maybe_throw(); }
  ThrowingMove& operator=(ThrowingMove&& other) noexcept(false) {
    maybe_throw();
    value_ = other.value_;
    return *this;
  }
  ~ThrowingMove() = default;

  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

  /// The move after `moves` further successful ones throws std::runtime_error.
  static void throw_after(std::int64_t moves) noexcept {
    moves_left_.store(moves, std::memory_order_relaxed);
  }
  static void never_throw() noexcept { throw_after(kNever); }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  static void maybe_throw() {
    if (moves_left_.load(std::memory_order_relaxed) == kNever) {
      return;
    }
    if (moves_left_.fetch_sub(1, std::memory_order_relaxed) == 0) {
      never_throw();
      throw std::runtime_error("the move throws, as the test asked for");
    }
  }

  std::uint64_t value_;
  inline static std::atomic<std::int64_t> moves_left_{kNever};
};

static_assert(!std::is_nothrow_move_constructible_v<ThrowingMove>);

}  // namespace sluice::testing_support
