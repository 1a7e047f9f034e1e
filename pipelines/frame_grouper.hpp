// pipelines/frame_grouper.hpp: keeps of each chunk the first copy, and groups those into frames.
//
// (1) Chunks are numbered in the order of their first appearance; a frame holds consecutive
//     numbers.
// (2) A frame ends when it holds kFrameBytes or more. So frames depend on the sequence of chunks
//     alone, not on how it was split into calls.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_format.hpp>
#include <archive_frame.hpp>
#include <buffer_pool.hpp>
#include <chunk_index.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::samples {

/// The chunks of one file, in its order, as runs.
class RunList {
 public:
  void add(std::uint32_t chunk);
  [[nodiscard]] const std::vector<ChunkRun>& runs() const noexcept { return runs_; }

 private:
  std::vector<ChunkRun> runs_;
};

/// Sees every chunk of an archive, in order.
///
/// Threads  one at a time.
class FrameGrouper {
 public:
  /// Frames lie in memory of the pool, if there is one.
  explicit FrameGrouper(std::shared_ptr<BufferPool> buffers = nullptr)
      : buffers_(std::move(buffers)) {}

  /// Notes in `file` which chunk this is, and keeps the bytes when they are new.
  ///
  /// Returns  a frame that is complete now.
  /// Throws   std::bad_alloc; std::length_error for too many chunks.
  [[nodiscard]] std::optional<RawFrame> add(const ChunkMark& chunk, std::string_view bytes,
                                            RunList& file);

  /// Returns  the last frame, unless it is empty.
  [[nodiscard]] std::optional<RawFrame> finish();

  [[nodiscard]] std::uint64_t distinct_chunks() const noexcept { return index_.size(); }
  [[nodiscard]] std::uint64_t seen_bytes() const noexcept { return seen_bytes_; }
  [[nodiscard]] std::uint64_t kept_bytes() const noexcept { return kept_bytes_; }

 private:
  [[nodiscard]] std::optional<RawFrame> take();

  std::shared_ptr<BufferPool> buffers_;
  ChunkIndex index_{};
  RawFrame frame_{};
  std::uint64_t seen_bytes_ = 0;
  std::uint64_t kept_bytes_ = 0;
};

}  // namespace sluice::samples
