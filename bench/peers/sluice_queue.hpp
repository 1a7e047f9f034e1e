// bench/peers/sluice_queue.hpp: our queue behind the verbs of the queue benches.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/queue.hpp>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>
#include <stdexcept>

namespace sluice::bench {

/// Lets get_many() append to memory that is there already.
template <typename T>
class SpanBuffer {
 public:
  explicit SpanBuffer(std::span<T> memory) : memory_(memory) {}

  void reserve(std::size_t /*count*/) {}
  [[nodiscard]] std::size_t capacity() const { return memory_.size(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T* end() { return memory_.data() + size_; }
  void push_back(T item) { memory_[size_++] = item; }
  void insert(T* at, const T* first, const T* last) {
    const auto count = static_cast<std::size_t>(last - first);
    std::memcpy(at, first, count * sizeof(T));
    size_ += count;
  }

 private:
  std::span<T> memory_;
  std::size_t size_ = 0;
};

/// Queue<T> without anybody calling task_done(): what is left when the account is not settled.
template <typename T>
class UnaccountedSluiceQueue {
 public:
  explicit UnaccountedSluiceQueue(std::size_t capacity) : queue_(capacity) {}
  UnaccountedSluiceQueue(std::size_t capacity, std::chrono::nanoseconds spin)
      : queue_(QueueOptions<T>{.capacity = capacity, .spin = spin}) {}

  void put(const T& value) { require(queue_.put(value) == PutStatus::ok); }
  void put_many(std::span<T> values) { require(queue_.put_many(values).status == PutStatus::ok); }
  T get() {
    auto item = queue_.get();
    require(static_cast<bool>(item));
    return *item;
  }
  std::size_t get_many(std::span<T> values) {
    SpanBuffer<T> buffer(values);
    return queue_.get_many(buffer, values.size()).count;
  }

 protected:
  static void require(bool ok) {
    if (!ok) throw std::logic_error("the queue refused though nobody closed it");
  }

  Queue<T> queue_;
};

/// Queue<T> as it is meant to be used: every item is settled, and somebody joins at the end.
template <typename T>
class SluiceQueue : public UnaccountedSluiceQueue<T> {
 public:
  using UnaccountedSluiceQueue<T>::UnaccountedSluiceQueue;
  void task_done(std::size_t count) { this->queue_.task_done(count); }
  void join() { this->require(this->queue_.join()); }
};

}  // namespace sluice::bench
