// support/collected.hpp: what arrived at a sink, from any number of workers.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace sluice::testing_support {

/// Outlives the run whose sinks fill it. Threads  all functions: any.
template <class T>
class Collected {
 public:
  void add(T item) {
    const std::lock_guard lock{mutex_};
    items_.push_back(std::move(item));
  }

  /// A callable for sluice::sink that adds what it gets.
  [[nodiscard]] auto sink() {
    return [this](T item) { add(std::move(item)); };
  }

  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock{mutex_};
    return items_.size();
  }
  /// In order of arrival. Call when nothing arrives any more.
  [[nodiscard]] const std::vector<T>& items() const noexcept { return items_; }
  /// In order of value.
  [[nodiscard]] std::vector<T> sorted() const {
    const std::lock_guard lock{mutex_};
    std::vector<T> copy = items_;
    std::sort(copy.begin(), copy.end());
    return copy;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<T> items_;
};

}  // namespace sluice::testing_support
