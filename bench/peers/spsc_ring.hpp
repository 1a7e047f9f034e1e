// bench/peers/spsc_ring.hpp: a bare ring for one producer and one consumer, as a lower limit.
//
// Each side keeps a copy of the other side's index and looks at the original only when the copy
// says full or empty. Nothing is counted, nobody sleeps: after 64 turns in vain it yields the CPU.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

namespace sluice::bench {

class SpscRing {
 public:
  explicit SpscRing(std::size_t capacity)
      : ring_(std::bit_ceil(capacity)), mask_(ring_.size() - 1) {}

  void put_many(std::span<const std::uint64_t> values) {
    while (!values.empty()) {
      const std::uint64_t put = put_.load(std::memory_order_relaxed);  // written here only
      const std::size_t count = std::min<std::size_t>(values.size(), room(put));
      for (std::size_t i = 0; i < count; ++i) {
        ring_[(put + i) & mask_] = values[i];
      }
      // sync-point spsc-ring-items: the consumer's acquire of put_ sees the items before it.
      put_.store(put + count, std::memory_order_release);
      values = values.subspan(count);
    }
  }

  /// Returns  how many were taken: at least one.
  std::size_t get_many(std::span<std::uint64_t> values) {
    const std::uint64_t got = got_.load(std::memory_order_relaxed);  // written here only
    const std::size_t count = std::min<std::size_t>(values.size(), backlog(got));
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = ring_[(got + i) & mask_];
    }
    // sync-point spsc-ring-room: the producer's acquire of got_ sees that the slots were read.
    got_.store(got + count, std::memory_order_release);
    return count;
  }

  void put(std::uint64_t value) { put_many({&value, 1}); }

  std::uint64_t get() {
    std::uint64_t value = 0;
    get_many({&value, 1});
    return value;
  }

 private:
  static constexpr int kTurns = 64;

  std::uint64_t room(std::uint64_t put) {
    for (int turn = 0; put - got_copy_ == ring_.size(); ++turn) {
      if (turn == kTurns) {
        std::this_thread::yield();
        turn = 0;
      }
      // sync-point spsc-ring-room
      got_copy_ = got_.load(std::memory_order_acquire);
    }
    return ring_.size() - (put - got_copy_);
  }

  std::uint64_t backlog(std::uint64_t got) {
    for (int turn = 0; put_copy_ == got; ++turn) {
      if (turn == kTurns) {
        std::this_thread::yield();
        turn = 0;
      }
      // sync-point spsc-ring-items
      put_copy_ = put_.load(std::memory_order_acquire);
    }
    return put_copy_ - got;
  }

  std::vector<std::uint64_t> ring_;
  const std::uint64_t mask_;
  alignas(128) std::atomic<std::uint64_t> put_{0};
  alignas(128) std::uint64_t got_copy_ = 0;  // the producer's
  alignas(128) std::atomic<std::uint64_t> got_{0};
  alignas(128) std::uint64_t put_copy_ = 0;  // the consumer's
};

}  // namespace sluice::bench
