// sluice/stages/count.hpp: a sink that counts.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::stages {

/// What count() makes; takes any item.
class Count {
 public:
  explicit Count(std::atomic<std::uint64_t>& total) noexcept : total_(&total) {}

  template <class T>
  void operator()(const T&) const noexcept {
    // Nothing is published by the number; who reads it after the run is ordered by the run's end.
    total_->fetch_add(1, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t>* total_;
};

/// Adds 1 to `total` for every item; it may be read at any time. `total` must outlive the run.
[[nodiscard]] inline Count count(std::atomic<std::uint64_t>& total) noexcept {
  return Count(total);
}

}  // namespace sluice::stages
