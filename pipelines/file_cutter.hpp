// pipelines/file_cutter.hpp: reads files, or ranges of large ones, and cuts them into chunks.
//
// (1) A range is read and cut by itself, so one large file can keep all cores busy. The chunks of a
//     range are those between the first cut at or behind its offset and the first one at or behind
//     its end. Each of the two is found by cutting from kLeadBytes before, by both neighbours
//     alike: so the ranges of a file have all of its bytes, once. Because cuts fall into step,
//     these are nearly always the cuts of the whole file, wherever equal content lies in two files.
// (2) Told apart from the file that was found: another file under its name, another size or time
//     before or after reading. The contents of such a file are of no single moment, so they are not
//     kept.
//
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
#include <string_view>
#include <vector>

namespace sluice::samples {

/// Consecutive chunks and their bytes, one behind the other.
struct ChunkGroup {
  ByteBuffer bytes{};
  std::vector<ChunkMark> chunks{};
};

/// A file's part that is read at once.
struct FileRange {
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
  /// Of 140 ranges of random bytes, all were in step after half of it.
  static constexpr std::size_t kLeadBytes = std::size_t{128} << 10;

  /// Appends the chunks of a range of the file that a walk has found, described by `expected`: of
  /// range.size_bytes or less, and one chunk more at most.
  ///
  /// Blocks   while the file system reads.
  /// Throws   std::system_error for a file that can't be opened or read; ChangedFile for one that
  ///          is no longer what was found. `to` is as it was then.
  void append(const std::string& path, const sluice::detail::Inode& expected, FileRange range,
              ChunkGroup& to);

 private:
  class OpenFile;

  [[nodiscard]] std::uint64_t cut_behind(const OpenFile& file, std::uint64_t offset);
  void read(const OpenFile& file, FileRange range, ByteBuffer& to);
  void cut(std::string_view bytes, ChunkGroup& to);

  ByteBuffer lead_{};
  DigestMaker digest_{};
};

/// The text is what happened, without the path: "changed while it was read".
class ChangedFile : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sluice::samples
