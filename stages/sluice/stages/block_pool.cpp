// sluice/stages/block_pool.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/block_pool.hpp>

#include <algorithm>
#include <utility>

namespace sluice::stages {

BlockPool::BlockPool(std::size_t usual_bytes) : usual_bytes_(usual_bytes) {
  idle_.reserve(kKept);  // so that giving back can't fail
}

std::unique_ptr<BlockBuffer> BlockPool::idle_buffer() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  std::unique_ptr<BlockBuffer> buffer = std::move(idle_.back());
  idle_.pop_back();
  return buffer;
}

void BlockPool::give_back(std::unique_ptr<BlockBuffer> buffer) noexcept {
  if (buffer->capacity_bytes != usual_bytes_) return;
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kKept) idle_.push_back(std::move(buffer));
}

std::shared_ptr<BlockBuffer> BlockPool::take(std::size_t bytes) {
  std::unique_ptr<BlockBuffer> buffer;
  if (bytes <= usual_bytes_) buffer = idle_buffer();
  if (buffer == nullptr) {
    const std::size_t capacity = std::max(bytes, usual_bytes_);
    buffer = std::make_unique<BlockBuffer>();
    buffer->bytes = std::make_unique_for_overwrite<char[]>(capacity);
    buffer->capacity_bytes = capacity;
  }
  return {buffer.release(), [pool = shared_from_this()](BlockBuffer* done) noexcept {
            pool->give_back(std::unique_ptr<BlockBuffer>(done));
          }};
}

}  // namespace sluice::stages
