// sluice/stages/collect.hpp: a sink that appends to a vector of the application.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace sluice::stages {

/// What collect() makes; all workers share the vector.
template <class T>
class Collect {
 public:
  explicit Collect(std::vector<T>& into) : into_(&into), mutex_(std::make_shared<std::mutex>()) {}

  void process(T item) {
    const std::lock_guard lock(*mutex_);
    into_->push_back(std::move(item));
  }

 private:
  std::vector<T>* into_;
  std::shared_ptr<std::mutex> mutex_;
};

/// Appends every item to `into`, in the order of arrival. `into` must outlive the run and may be
/// read when the run has ended.
template <class T>
[[nodiscard]] Collect<T> collect(std::vector<T>& into) {
  return Collect<T>(into);
}

}  // namespace sluice::stages
