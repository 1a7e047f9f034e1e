// pipelines/archive_reader.hpp: opens an archive and finds what is in it.
//
// Opening checks the footer and the index by their checksums and takes the index apart; frames are
// checked by whoever loads them (fetched_frame.hpp). Every declared size is compared with the limits
// and with the size of the file before memory is taken for it.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_contents.hpp>
#include <byte_buffer.hpp>
#include <fetched_frame.hpp>
#include <hand_over.hpp>

#include <sluice/os/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::samples {

class ArchiveReader;

/// How the stage that reads an archive leaves it for the one that needs its index; frames carry its number alone.
using ReaderHandOver = HandOver<std::shared_ptr<const ArchiveReader>>;

/// Threads  any number may fetch frames at the same time.
class ArchiveReader {
 public:
  /// Throws   ArchiveError: no archive, cut short, damaged, of another version; std::system_error.
  explicit ArchiveReader(const std::string& path);

  [[nodiscard]] const ArchiveContents& contents() const noexcept { return contents_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }

  /// Reads a frame as it is stored, into `memory`. Nothing of it is checked yet but that it is there.
  ///
  /// Blocks   while the file system reads.
  /// Throws   ArchiveError, std::system_error.
  [[nodiscard]] FetchedFrame fetch(std::size_t frame, ByteBuffer memory = {}) const;

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

}  // namespace sluice::samples
