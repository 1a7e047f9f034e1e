// bench/peers/library_queues.hpp: queues of other libraries behind the verbs of the queue benches.
//
// Blocking ones block by their own means. Those that only try are tried with a yield in between,
// since spinning without end with more threads than CPUs would measure the OS scheduler.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <concurrentqueue/blockingconcurrentqueue.h>
#include <concurrentqueue/lightweightsemaphore.h>
#include <oneapi/tbb/concurrent_queue.h>
#include <readerwriterqueue/readerwritercircularbuffer.h>
#include <readerwriterqueue/readerwriterqueue.h>

#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>

namespace sluice::bench {

/// Calls `attempt` until it succeeds, yielding the CPU after each failure.
template <typename Attempt>
void try_until(Attempt attempt) {
  while (!attempt()) {
    std::this_thread::yield();
  }
}

/// oneTBB's concurrent_bounded_queue. It has no batches.
template <typename T>
class TbbQueue {
 public:
  explicit TbbQueue(std::size_t capacity) {
    queue_.set_capacity(static_cast<std::ptrdiff_t>(capacity));
  }
  void put(T value) { queue_.push(value); }
  T get() {
    T value{};
    queue_.pop(value);
    return value;
  }

 private:
  oneapi::tbb::concurrent_bounded_queue<T> queue_;
};

/// moodycamel::BlockingConcurrentQueue: blocks when empty, grows without bound, no order between
/// producers.
class MoodyQueue {
 public:
  explicit MoodyQueue(std::size_t capacity) : queue_(capacity) {}
  void put(std::uint64_t value) { queue_.enqueue(value); }
  void put_many(std::span<const std::uint64_t> values) {
    queue_.enqueue_bulk(values.data(), values.size());
  }
  std::uint64_t get() {
    std::uint64_t value = 0;
    queue_.wait_dequeue(value);
    return value;
  }
  std::size_t get_many(std::span<std::uint64_t> values) {
    return queue_.wait_dequeue_bulk(values.data(), values.size());
  }

 private:
  moodycamel::BlockingConcurrentQueue<std::uint64_t> queue_;
};

/// The same, bounded by a second semaphore that counts the room.
class BoundedMoodyQueue {
 public:
  explicit BoundedMoodyQueue(std::size_t capacity)
      : queue_(capacity), room_(static_cast<std::ptrdiff_t>(capacity)) {}
  void put(std::uint64_t value) {
    room_.wait();
    queue_.enqueue(value);
  }
  void put_many(std::span<const std::uint64_t> values) {
    while (!values.empty()) {
      const auto count =
          static_cast<std::size_t>(room_.waitMany(static_cast<std::ptrdiff_t>(values.size())));
      queue_.enqueue_bulk(values.data(), count);
      values = values.subspan(count);
    }
  }
  std::uint64_t get() {
    std::uint64_t value = 0;
    queue_.wait_dequeue(value);
    room_.signal();
    return value;
  }
  std::size_t get_many(std::span<std::uint64_t> values) {
    const std::size_t count = queue_.wait_dequeue_bulk(values.data(), values.size());
    room_.signal(static_cast<std::ptrdiff_t>(count));
    return count;
  }

 private:
  moodycamel::BlockingConcurrentQueue<std::uint64_t> queue_;
  moodycamel::LightweightSemaphore room_;
};

/// moodycamel::BlockingReaderWriterCircularBuffer: one producer, one consumer, bounded, blocks.
class MoodyRingQueue {
 public:
  explicit MoodyRingQueue(std::size_t capacity) : queue_(capacity) {}
  void put(std::uint64_t value) { queue_.wait_enqueue(value); }
  std::uint64_t get() {
    std::uint64_t value = 0;
    queue_.wait_dequeue(value);
    return value;
  }

 private:
  moodycamel::BlockingReaderWriterCircularBuffer<std::uint64_t> queue_;
};

/// moodycamel::BlockingReaderWriterQueue: one producer, one consumer, blocks when empty, grows
/// without bound.
class MoodyReaderWriterQueue {
 public:
  explicit MoodyReaderWriterQueue(std::size_t capacity) : queue_(capacity) {}
  void put(std::uint64_t value) { queue_.enqueue(value); }
  std::uint64_t get() {
    std::uint64_t value = 0;
    queue_.wait_dequeue(value);
    return value;
  }

 private:
  moodycamel::BlockingReaderWriterQueue<std::uint64_t> queue_;
};

/// boost::lockfree::queue with a fixed number of nodes, tried and yielded.
class BoostQueue {
 public:
  explicit BoostQueue(std::size_t capacity) : queue_(capacity) {}
  void put(std::uint64_t value) {
    try_until([&] { return queue_.bounded_push(value); });
  }
  std::uint64_t get() {
    std::uint64_t value = 0;
    try_until([&] { return queue_.pop(value); });
    return value;
  }

 private:
  boost::lockfree::queue<std::uint64_t, boost::lockfree::fixed_sized<true>> queue_;
};

/// boost::lockfree::spsc_queue, tried and yielded: one producer, one consumer.
class BoostSpscQueue {
 public:
  explicit BoostSpscQueue(std::size_t capacity) : queue_(capacity) {}
  void put(std::uint64_t value) {
    try_until([&] { return queue_.push(value); });
  }
  void put_many(std::span<const std::uint64_t> values) {
    try_until([&] {
      values = values.subspan(queue_.push(values.data(), values.size()));
      return values.empty();
    });
  }
  std::uint64_t get() {
    std::uint64_t value = 0;
    try_until([&] { return queue_.pop(value); });
    return value;
  }
  std::size_t get_many(std::span<std::uint64_t> values) {
    std::size_t count = 0;
    try_until([&] {
      count = queue_.pop(values.data(), values.size());
      return count > 0;
    });
    return count;
  }

 private:
  boost::lockfree::spsc_queue<std::uint64_t> queue_;
};

}  // namespace sluice::bench
