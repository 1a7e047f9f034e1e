// sluice/stages/content_chunker.hpp: cuts a stream of bytes where its content says so.
//
// (1) A chunk is longer than kLeast and at most kMost bytes, about kMean on content without
//     repetition; only the last one of a stream may be shorter.
// (2) Where a chunk ends depends on its own bytes alone: not on how the stream was split into
//     reads, nor on what stands before. So after an insertion the cuts fall into step again, and
//     equal content is found again wherever it lies.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::stages {

/// Finds the ends of chunks, one after the other.
///
/// A rolling "gear" hash of the last 64 bytes is compared with a limit; a stricter limit holds
/// before the chunk has kNormal bytes and a looser one behind, which draws the lengths towards the
/// mean, and the first kLeast bytes are not looked at. Algorithm: FastCDC by Xia et al., USENIX ATC
/// 2016, on the gear hash of Xia et al., 2014. The table of the hash is our own.
///
/// Threads  one at a time.
class ContentChunker {
 public:
  static constexpr std::size_t kLeast = 4096;
  static constexpr std::size_t kMean = 16384;
  static constexpr std::size_t kMost = 65536;

  struct Step {
    std::size_t taken_bytes = 0;  ///< how many of the bytes belong to the current chunk
    bool cut = false;             ///< it ends with them; else all were taken and it goes on
  };

  /// Goes on with the current chunk, through `bytes` at most. After a cut, the next call begins a
  /// chunk and wants the bytes behind the cut.
  [[nodiscard]] Step feed(std::string_view bytes) noexcept;

  /// Begins a new stream.
  void restart() noexcept { *this = {}; }

  /// Returns  the length of the first chunk of a stream that begins with `bytes`, which hold at
  ///          least kMost bytes or the rest of the stream; 0 for none.
  [[nodiscard]] static std::size_t first_chunk_bytes(std::string_view bytes) noexcept {
    return ContentChunker().feed(bytes).taken_bytes;
  }

 private:
  std::size_t length_bytes_ = 0;  // of the current chunk so far
  std::uint64_t hash_ = 0;        // of its last bytes behind kLeast
};

}  // namespace sluice::stages
