// pipelines/archive_contents.hpp: the index of an archive, decoded and found to be sound.
//
// What decode() lets through may be relied on: every number leads to something that exists, every
// entry lies in a directory before it, names are single components and unique in their directory,
// sizes add up.
// Memory is bounded by the size of the raw index (about 30 times at worst), whatever it declares.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_format.hpp>
#include <byte_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::samples {

struct FrameRecord {
  std::uint64_t offset = 0;  ///< in the archive
  std::uint64_t checksum = 0;
  std::uint32_t stored_bytes = 0;
  std::uint32_t raw_bytes = 0;
  std::uint32_t first_chunk = 0;
  std::uint32_t chunk_count = 0;
};

struct ChunkRecord {
  std::uint32_t frame = 0;
  std::uint32_t offset = 0;  ///< in the raw frame
  std::uint32_t size_bytes = 0;
};

struct ArchiveEntry {
  EntryKind kind = EntryKind::implied_directory;
  std::uint32_t parent = 0;
  std::uint32_t link_to = 0;  ///< hard link: the entry it names, a file or symlink
  std::uint32_t run_count = 0;
  std::size_t first_run = 0;
  std::uint64_t size_bytes = 0;  ///< of a file's contents
  EntryAttributes attributes{};
  std::string_view name{};
  std::string_view target{};

  [[nodiscard]] bool is_directory() const noexcept {
    return kind == EntryKind::directory || kind == EntryKind::implied_directory;
  }
};

/// Movable only; entries refer to memory it owns.
class ArchiveContents {
 public:
  ArchiveContents() = default;
  /// Takes the raw index apart. Frames must fill the archive between its head and `frames_end`
  /// exactly.
  ///
  /// Throws   ArchiveError, in whose text `name` stands for the archive; std::bad_alloc.
  ArchiveContents(ByteBuffer raw_index, std::uint64_t frames_end, const std::string& name);

  [[nodiscard]] const std::vector<FrameRecord>& frames() const noexcept { return frames_; }
  [[nodiscard]] const std::vector<ChunkRecord>& chunks() const noexcept { return chunks_; }
  /// In the order in which they were stored; entry 0 is the root.
  [[nodiscard]] const std::vector<ArchiveEntry>& entries() const noexcept { return entries_; }

  /// The first kStoredDigestBytes bytes of a chunk's digest.
  [[nodiscard]] std::string_view digest(std::size_t chunk) const noexcept {
    return digests_.substr(chunk * kStoredDigestBytes, kStoredDigestBytes);
  }
  /// A file's contents.
  [[nodiscard]] std::span<const ChunkRun> runs(const ArchiveEntry& entry) const noexcept {
    return std::span(runs_).subspan(entry.first_run, entry.run_count);
  }
  /// The whole path of an entry; empty for the root.
  [[nodiscard]] std::string path(std::size_t entry) const;

 private:
  friend class IndexDecoder;

  ByteBuffer raw_{};
  std::string_view digests_{};
  std::vector<FrameRecord> frames_{};
  std::vector<ChunkRecord> chunks_{};
  std::vector<ArchiveEntry> entries_{};
  std::vector<ChunkRun> runs_{};
};

}  // namespace sluice::samples
