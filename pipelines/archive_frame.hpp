// pipelines/archive_frame.hpp: some chunks, compressed together.
//
// A frame's stored bytes depend on its raw bytes and the level alone, not on what a worker
// compressed before. (zstd promises that for one version of it, and a test holds it to that.)
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <byte_buffer.hpp>
#include <digest.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::samples {

/// What is known of a chunk whose bytes lie elsewhere.
struct ChunkMark {
  Digest digest{};
  std::uint32_t size_bytes = 0;

  friend bool operator==(const ChunkMark&, const ChunkMark&) = default;
};

/// The bytes of some chunks, one behind the other.
struct RawFrame {
  ByteBuffer bytes{};
  std::vector<ChunkMark> chunks{};
};

/// The same, ready to be written.
struct StoredFrame {
  ByteBuffer bytes{};
  std::uint64_t checksum = 0;  ///< of the bytes
  std::vector<ChunkMark> chunks{};
};

/// XXH3-64: against accidents, not against intent.
[[nodiscard]] std::uint64_t checksum_of(std::string_view bytes) noexcept;

/// Compresses frames, with memory that is used again.
///
/// Threads  one at a time; each worker has its own.
class FrameCompressor {
 public:
  /// Throws  UsageError unless kLeastLevel <= level <= kMostLevel.
  explicit FrameCompressor(int level);
  FrameCompressor(FrameCompressor&&) noexcept;
  FrameCompressor& operator=(FrameCompressor&&) noexcept;
  ~FrameCompressor();

  /// The stored bytes lie in `memory`, which grows if it has to.
  [[nodiscard]] StoredFrame compress(const RawFrame& frame, ByteBuffer memory = {});
  /// One frame of zstd that says how large it becomes; what was in `to` is gone.
  void compress(std::string_view raw, ByteBuffer& to);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Decompresses frames, with memory that is used again.
///
/// Threads  one at a time; each worker has its own.
class FrameDecompressor {
 public:
  FrameDecompressor();
  FrameDecompressor(FrameDecompressor&&) noexcept;
  FrameDecompressor& operator=(FrameDecompressor&&) noexcept;
  ~FrameDecompressor();

  /// Fills `to` with exactly `raw_bytes` bytes, which the caller has found to be a reasonable
  /// number.
  ///
  /// Returns  what is wrong with the frame, in a few words; nothing when it is fine.
  [[nodiscard]] std::string decompress(std::string_view stored, std::size_t raw_bytes,
                                       ByteBuffer& to);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::samples
