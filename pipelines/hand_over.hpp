// pipelines/hand_over.hpp: what one stage of a run leaves for a later one, and does not travel with the items.
//
// (1) A thing has one owner: who made it, until put() is called; the hand-over; who took it.
// (2) Runs of a pipeline share a hand-over, also at the same time. Each thing has a number of its own, and a number is
//     all that a run's items carry: an item may be in another process, be lost or be dropped, and the thing isn't.
// (3) Whoever is going to take has a Taker from before its run begins until it leaves the run. Once nobody is left
//     who could take, what is there goes, and so does what is put later: its run has ended. So nothing outlives
//     its run, however that ends; beside other runs of the same pipeline, the last of them.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/error.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace sluice::samples {

/// Threads  any.
template <class T>
class HandOver {
 public:
  class Taker;

  /// Returns  the thing's number, which no other has.
  [[nodiscard]] std::uint64_t put(T thing) {
    const std::lock_guard lock(mutex_);
    ++last_;
    if (takers_ > 0) waiting_.emplace(last_, std::move(thing));
    return last_;  // things end outside of the lock: `thing` is the caller's
  }

 private:
  std::mutex mutex_{};
  std::map<std::uint64_t, T> waiting_{};  // empty while there is no taker
  std::uint64_t last_ = 0;
  std::size_t takers_ = 0;
};

template <class T>
class HandOver<T>::Taker {
 public:
  explicit Taker(std::shared_ptr<HandOver> from) : from_(std::move(from)) {
    const std::lock_guard lock(from_->mutex_);
    ++from_->takers_;
  }
  Taker(Taker&&) noexcept = default;  // what was moved from takes nothing
  Taker& operator=(Taker&&) = delete;
  ~Taker() {
    if (from_ == nullptr) return;
    std::map<std::uint64_t, T> left;  // outlives the lock
    const std::lock_guard lock(from_->mutex_);
    if (--from_->takers_ == 0) left.swap(from_->waiting_);
  }

  /// Throws  UsageError when there is nothing of that number (any more).
  [[nodiscard]] T take(std::uint64_t number) {
    const std::lock_guard lock(from_->mutex_);
    const auto found = from_->waiting_.find(number);
    if (found == from_->waiting_.end()) {
      throw UsageError("nothing was handed over under number " + std::to_string(number));
    }
    T thing = std::move(found->second);
    from_->waiting_.erase(found);
    return thing;
  }

 private:
  std::shared_ptr<HandOver> from_;
};

}  // namespace sluice::samples
