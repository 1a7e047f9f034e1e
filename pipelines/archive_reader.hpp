// pipelines/archive_reader.hpp: opens an archive and finds what is in it.
//
// Opening checks the footer and the index by their checksums and takes the index apart; frames are
// checked when they are read. Every declared size is compared with the limits and with the size of
// the file before memory is taken for it.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_contents.hpp>
#include <archive_frame.hpp>
#include <byte_buffer.hpp>

#include <sluice/os/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::samples {

/// Threads  any number may read frames at the same time.
class ArchiveReader {
 public:
  /// Throws   ArchiveError: no archive, cut short, damaged, of another version; std::system_error.
  explicit ArchiveReader(const std::string& path);

  [[nodiscard]] const ArchiveContents& contents() const noexcept { return contents_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }

  /// Reads a frame as it is stored, and checks it. What was in `to` is gone.
  ///
  /// Blocks   while the file system reads.
  /// Throws   ArchiveError, std::system_error.
  void read_stored(std::size_t frame, ByteBuffer& to) const;

  /// Throws   ArchiveError with the place of the frame and "frame 3: <what>".
  [[noreturn]] void fail_frame(std::size_t frame, std::string_view what) const;

 private:
  void read_exactly(std::uint64_t offset, std::size_t bytes, ByteBuffer& to) const;
  void check_head() const;
  [[nodiscard]] ArchiveContents read_contents() const;
  [[noreturn]] void fail(std::uint64_t offset, std::string_view what) const;

  std::string path_;
  sluice::detail::Descriptor file_;
  std::uint64_t size_bytes_ = 0;
  ArchiveContents contents_{};
};

/// Reads, checks and decompresses frames, with memory that is used again.
///
/// Threads  one at a time; each worker has its own.
class FrameLoader {
 public:
  /// What was in `raw` is gone.
  /// Throws   ArchiveError, std::system_error.
  void load(const ArchiveReader& archive, std::size_t frame, ByteBuffer& raw);

  /// Loads a frame and compares its chunks with their digests. Throws  the same.
  void verify(const ArchiveReader& archive, std::size_t frame);

 private:
  ByteBuffer stored_{};
  ByteBuffer raw_{};
  FrameDecompressor decompressor_{};
  DigestMaker digest_{};
};

}  // namespace sluice::samples
