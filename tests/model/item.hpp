// model/item.hpp: what goes through the queues of the scenarios, and the count of what arrived.
// SPDX-License-Identifier: MIT
#pragma once

#include <model/execution.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <utility>

namespace sluice::model {

/// Moves without throwing, so it lies in the ring itself. The machine follows its life and its uses.
class Item {
 public:
  explicit Item(int value) noexcept : value_(value) { shadow().made(run(), this); }
  Item(Item&& other) noexcept : value_(std::exchange(other.value_, kMovedFrom)) {
    shadow().written(run(), &other);
    shadow().made(run(), this);
  }
  Item& operator=(Item&&) = delete;
  ~Item() { shadow().destroyed(run(), this); }

  [[nodiscard]] int value() const noexcept {
    shadow().read(run(), this);
    return value_;
  }
  [[nodiscard]] bool moved_from() const noexcept { return value() == kMovedFrom; }

 private:
  static constexpr int kMovedFrom = -1;

  static Execution& run() noexcept { return *Execution::current(); }
  static Shadow& shadow() noexcept { return run().shadow(); }

  int value_;
};

/// Counts the values that arrived: each exactly once, and those of one producer in their order.
/// A value is 100 * producer + number, numbers from 0. Each taker keeps a tally of its own.
class Tally {
 public:
  void arrived(int value) {
    const auto producer = static_cast<std::size_t>(value / 100);
    const int number = value % 100;
    expect(value >= 0 && producer < kProducers, "a value arrives that nobody put");
    expect(number > last_[producer], "a producer's values are reordered or doubled");
    last_[producer] = number;
    counts_[producer] |= 1U << number;
  }
  /// What both got; fails when it is the same value.
  void add(const Tally& other) {
    for (std::size_t i = 0; i < kProducers; ++i) {
      expect((counts_[i] & other.counts_[i]) == 0, "a value arrives twice");
      counts_[i] |= other.counts_[i];
    }
  }
  /// Fails unless exactly the first `count` values of that producer arrived.
  void expect_all(std::size_t producer, unsigned count) const {
    expect(counts_[producer] == (1U << count) - 1,
           "a value is lost, or one that was refused arrives");
  }
  [[nodiscard]] unsigned count() const noexcept {
    unsigned sum = 0;
    for (const unsigned bits : counts_) sum += static_cast<unsigned>(__builtin_popcount(bits));
    return sum;
  }

 private:
  static constexpr std::size_t kProducers = 3;

  std::array<int, kProducers> last_{-1, -1, -1};
  std::array<unsigned, kProducers> counts_{};
};

}  // namespace sluice::model
