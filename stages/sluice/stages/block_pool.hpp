// sluice/stages/block_pool.hpp: the memory of blocks, handed out again and again.
//
// A block's memory is large enough that the allocator would take it from the system and give it back
// each time, which costs a page fault per 4 KiB: more than reading the bytes.
// (1) The pool grows to as many buffers as are in use at once: what the queues hold, plus one.
// (2) At most kKept idle buffers are kept, and none that grew beyond the usual size.
// Layer: stages. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice::stages {

struct BlockBuffer {
  std::unique_ptr<char[]> bytes;
  std::size_t capacity_bytes = 0;
};

class BlockPool : public std::enable_shared_from_this<BlockPool> {
 public:
  /// Use make_shared: buffers keep their pool alive.
  explicit BlockPool(std::size_t usual_bytes);

  /// Returns  a buffer of at least that size, contents unspecified. Threads  any.
  [[nodiscard]] std::shared_ptr<BlockBuffer> take(std::size_t bytes);

 private:
  static constexpr std::size_t kKept = 32;

  [[nodiscard]] std::unique_ptr<BlockBuffer> idle_buffer();
  void give_back(std::unique_ptr<BlockBuffer> buffer) noexcept;

  const std::size_t usual_bytes_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<BlockBuffer>> idle_;
};

}  // namespace sluice::stages
