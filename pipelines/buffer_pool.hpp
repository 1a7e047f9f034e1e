// pipelines/buffer_pool.hpp: the memory of contents and frames, handed out again and again.
//
// Buffers of a megabyte that are allocated by one thread and freed by another go back to the system
// again and again, and every page of them is set to zero and faulted in the next time: about 7 % of
// the processor time that packing takes. What was used last is handed out first, because it is in a
// cache.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <byte_buffer.hpp>

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace sluice::samples {

/// Threads  any.
class BufferPool {
 public:
  /// Idle buffers beyond these are freed.
  static constexpr std::size_t kKept = 32;

  BufferPool() { idle_.reserve(kKept); }

  /// Returns  an empty buffer with room for `capacity` bytes. Throws  std::bad_alloc.
  [[nodiscard]] ByteBuffer take(std::size_t capacity) {
    ByteBuffer buffer = take_idle();
    buffer.clear();
    buffer.reserve(capacity);
    return buffer;
  }

  /// What has no memory is no use and is dropped.
  void give(ByteBuffer buffer) noexcept {
    if (buffer.capacity() == 0) return;
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kKept) idle_.push_back(std::move(buffer));
  }

 private:
  [[nodiscard]] ByteBuffer take_idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return {};
    ByteBuffer buffer = std::move(idle_.back());
    idle_.pop_back();
    return buffer;
  }

  std::mutex mutex_{};
  std::vector<ByteBuffer> idle_{};
};

}  // namespace sluice::samples
