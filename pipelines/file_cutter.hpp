// pipelines/file_cutter.hpp: reads files, or ranges of large ones, and cuts them into chunks.
//
// (1) A range is read and cut by itself, so one large file can keep all cores busy. Cuts start anew
//     where a range does: ranges lie at multiples of kRangeBytes, whoever asks, and so equal files
//     are cut alike.
// (2) Told apart from the file that was found: another file under its name, another size or time
//     before or after reading. The contents of such a file are of no single moment, so they are not
//     kept.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_frame.hpp>
#include <byte_buffer.hpp>
#include <digest.hpp>

#include <sluice/os/inode.hpp>
#include <sluice/stages/content_chunker.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::samples {

/// Consecutive chunks and their bytes, one behind the other.
struct ChunkGroup {
  ByteBuffer bytes{};
  std::vector<ChunkMark> chunks{};
};

/// A file's part that is read at once.
struct FileRange {
  /// The last bytes of a range are a chunk that its end cut short. Finding 16 KiB chunks again in
  /// content that was shifted loses about one of them in a hundred by that.
  static constexpr std::uint64_t kMostBytes = std::uint64_t{2} << 20;

  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;

  /// The range at `offset`, a multiple of kMostBytes, of a file of `file_bytes`.
  [[nodiscard]] static FileRange at(std::uint64_t offset, std::uint64_t file_bytes) noexcept {
    return {.offset = offset, .size_bytes = std::min(kMostBytes, file_bytes - offset)};
  }
  [[nodiscard]] std::uint64_t end() const noexcept { return offset + size_bytes; }
};

/// Cuts ranges of files, with memory that is used again.
///
/// Threads  one at a time; each worker has its own.
class FileCutter {
 public:
  /// Appends the chunks of a range of the file that a walk has found, described by `expected`.
  ///
  /// Blocks   while the file system reads.
  /// Throws   std::system_error for a file that can't be opened or read; ChangedFile for one that is
  ///          no longer what was found. `to` is as it was then.
  void append(const std::string& path, const sluice::detail::Inode& expected, FileRange range,
              ChunkGroup& to);

 private:
  void cut(std::string_view bytes, ChunkGroup& to);

  DigestMaker digest_{};
};

/// The text is what happened, without the path: "changed while it was read".
class ChangedFile : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sluice::samples
