// support/gate.hpp: holds callbacks until the test lets them go, and lets the test wait for them.
// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace sluice::testing_support {

/// Closed at first. Threads  all functions: any.
class Gate {
 public:
  /// Blocks until the gate is open.
  void pass() {
    std::unique_lock lock{mutex_};
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }

  /// Lets everybody through, now and later.
  void open() {
    const std::lock_guard lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }

  /// Blocks until pass() was called `count` times, whether or not those calls have returned.
  void wait_for_arrivals(std::size_t count = 1) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }

  [[nodiscard]] std::size_t arrivals() const {
    const std::lock_guard lock{mutex_};
    return arrived_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t arrived_ = 0;
  bool open_ = false;
};

/// Opens a gate at the end of a scope, so that a failed requirement does not leave callbacks waiting.
class OpensAtEnd {
 public:
  explicit OpensAtEnd(Gate& gate) noexcept : gate_{&gate} {}
  ~OpensAtEnd() { gate_->open(); }
  OpensAtEnd(const OpensAtEnd&) = delete;
  OpensAtEnd& operator=(const OpensAtEnd&) = delete;

 private:
  Gate* gate_;
};

}  // namespace sluice::testing_support
