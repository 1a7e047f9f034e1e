// bench/peers/mutex_queues.hpp: the queues people write themselves, with a mutex and two condition
// variables.
//
// Three of them: one item per lock; the same with the accounting of Python's queue.Queue (a second
// lock for every task_done); and a ring that moves as many items per lock as fit.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

namespace sluice::bench {

/// One item per lock, one notification per item.
template <typename T>
class MutexQueue {
 public:
  explicit MutexQueue(std::size_t capacity) : capacity_(capacity) {}

  void put(T value) {
    {
      std::unique_lock lock(mutex_);
      not_full_.wait(lock, [this] { return items_.size() < capacity_; });
      items_.push_back(value);
    }
    not_empty_.notify_one();
  }

  T get() {
    T value{};
    {
      std::unique_lock lock(mutex_);
      not_empty_.wait(lock, [this] { return !items_.empty(); });
      value = items_.front();
      items_.pop_front();
    }
    not_full_.notify_one();
    return value;
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
  std::deque<T> items_;
};

/// MutexQueue with task_done and join: what is put counts as unfinished until it is settled.
template <typename T>
class AccountedMutexQueue {
 public:
  explicit AccountedMutexQueue(std::size_t capacity) : capacity_(capacity) {}

  void put(T value) {
    {
      std::unique_lock lock(mutex_);
      not_full_.wait(lock, [this] { return items_.size() < capacity_; });
      items_.push_back(value);
      ++unfinished_;
    }
    not_empty_.notify_one();
  }

  T get() {
    T value{};
    {
      std::unique_lock lock(mutex_);
      not_empty_.wait(lock, [this] { return !items_.empty(); });
      value = items_.front();
      items_.pop_front();
    }
    not_full_.notify_one();
    return value;
  }

  void task_done() {
    const std::lock_guard lock(mutex_);
    if (--unfinished_ == 0) all_done_.notify_all();
  }

  void join() {
    std::unique_lock lock(mutex_);
    all_done_.wait(lock, [this] { return unfinished_ == 0; });
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
  std::condition_variable all_done_;
  std::deque<T> items_;
  std::uint64_t unfinished_ = 0;
};

/// A ring under one mutex; whoever holds the lock moves all it can. A thread that leaves something
/// behind for a second waiter wakes that one too.
template <typename T>
class BatchedMutexQueue {
 public:
  explicit BatchedMutexQueue(std::size_t capacity) : ring_(capacity) {}

  void put_many(std::span<const T> values) {
    while (!values.empty()) {
      bool room_left = false;
      {
        std::unique_lock lock(mutex_);
        not_full_.wait(lock, [this] { return size_ < ring_.size(); });
        const std::size_t count = std::min(values.size(), ring_.size() - size_);
        for (std::size_t i = 0; i < count; ++i) {
          ring_[(first_ + size_ + i) % ring_.size()] = values[i];
        }
        size_ += count;
        values = values.subspan(count);
        room_left = size_ < ring_.size();
      }
      not_empty_.notify_one();
      if (room_left) not_full_.notify_one();
    }
  }

  /// Returns  how many were taken: at least one.
  std::size_t get_many(std::span<T> values) {
    std::size_t count = 0;
    bool items_left = false;
    {
      std::unique_lock lock(mutex_);
      not_empty_.wait(lock, [this] { return size_ > 0; });
      count = std::min(values.size(), size_);
      for (std::size_t i = 0; i < count; ++i) {
        values[i] = ring_[(first_ + i) % ring_.size()];
      }
      first_ = (first_ + count) % ring_.size();
      size_ -= count;
      items_left = size_ > 0;
    }
    not_full_.notify_one();
    if (items_left) not_empty_.notify_one();
    return count;
  }

 private:
  std::vector<T> ring_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::mutex mutex_;
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
};

}  // namespace sluice::bench
