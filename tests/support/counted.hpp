// support/counted.hpp: a copyable value that knows how many of its kind are alive.
//
// A test takes Counted::live() before and after: equal means nothing leaked and nothing was destroyed
// twice. A moved-from object is alive until it is destroyed, as any object.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice::testing_support {

class Counted {
 public:
  explicit Counted(std::uint64_t value = 0) noexcept : value_{value} { born(); }
  Counted(const Counted& other) noexcept : value_{other.value_} {
    born();
    copies_.fetch_add(1, std::memory_order_relaxed);
  }
  Counted(Counted&& other) noexcept : value_{other.value_} {
    other.value_ = kMovedFrom;
    born();
  }
  Counted& operator=(const Counted& other) noexcept {
    value_ = other.value_;
    copies_.fetch_add(1, std::memory_order_relaxed);
    return *this;
  }
  Counted& operator=(Counted&& other) noexcept {
    if (this != &other) {
      value_ = other.value_;
      other.value_ = kMovedFrom;
    }
    return *this;
  }
  ~Counted() { live_.fetch_sub(1, std::memory_order_relaxed); }

  static constexpr std::uint64_t kMovedFrom = ~std::uint64_t{0};

  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }
  friend bool operator==(const Counted& a, const Counted& b) noexcept {
    return a.value_ == b.value_;
  }

  /// Relaxed counters: exact once the threads that made the objects were joined.
  [[nodiscard]] static std::int64_t live() noexcept {
    return live_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] static std::int64_t copies() noexcept {
    return copies_.load(std::memory_order_relaxed);
  }

 private:
  static void born() noexcept { live_.fetch_add(1, std::memory_order_relaxed); }

  std::uint64_t value_;
  inline static std::atomic<std::int64_t> live_{0};
  inline static std::atomic<std::int64_t> copies_{0};
};

}  // namespace sluice::testing_support
