// pipelines/archive_index.hpp: writes the index of an archive (archive_format.hpp has its layout).
//
// Everything is encoded as it comes, so memory is that of the raw index, and a place for each path.
// What it takes is within the limits a reader has: no archive is written that can't be read.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_bytes.hpp>
#include <archive_format.hpp>
#include <archive_frame.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sluice::samples {

/// An entry to be stored. Which of the last three counts is for the kind to say.
struct NewEntry {
  EntryKind kind = EntryKind::file;
  std::string path{};  ///< within the archive: components joined by slashes; empty: the root
  EntryAttributes attributes{};
  std::vector<ChunkRun> runs{};  ///< file: its contents
  std::string target{};          ///< symlink: where it leads
  std::uint32_t link_to = 0;     ///< hard link: number of the entry it names
};

/// Threads  one at a time.
class ArchiveIndex {
 public:
  ArchiveIndex();

  void add_frame(const StoredFrame& frame);

  struct Added {
    std::uint32_t number = 0;
    std::string refusal{};  ///< why it was not stored, in a few words
  };
  /// Directories that lead to the entry and are not there yet are added as implied ones. A
  /// directory that is there already is left as it is, and is no refusal.
  [[nodiscard]] Added add(const NewEntry& entry);

  /// Returns  the raw index. Every chunk of a file must have been part of a frame by then.
  /// Throws   std::length_error when it is larger than a reader takes; UsageError for a missing
  ///          chunk.
  [[nodiscard]] std::string encode() const;

  [[nodiscard]] std::uint64_t entries() const noexcept { return entry_count_; }
  [[nodiscard]] std::uint64_t chunks() const noexcept { return chunk_count_; }
  [[nodiscard]] std::uint64_t frames() const noexcept { return frame_count_; }

 private:
  [[nodiscard]] std::string refusal_of(const NewEntry& entry) const;
  [[nodiscard]] std::uint32_t directory_number(std::string_view path);
  std::uint32_t append(const NewEntry& entry, std::uint32_t parent, std::string_view name);
  static void append_attributes(ByteWriter& to, const EntryAttributes& attributes,
                                std::int64_t previous_seconds);
  void append_runs(const std::vector<ChunkRun>& runs);

  ByteWriter frames_{};
  ByteWriter chunk_sizes_{};
  ByteWriter digests_{};
  ByteWriter entries_{};
  std::uint64_t frame_count_ = 0;
  std::uint64_t chunk_count_ = 0;
  std::uint64_t entry_count_ = 0;
  std::uint64_t chunks_needed_ = 0;
  std::uint32_t previous_parent_ = 0;
  std::int64_t previous_seconds_ = 0;
  std::uint32_t expected_chunk_ = 0;
  std::optional<EntryAttributes> root_{};
  std::unordered_map<std::string, std::uint32_t> directories_{};
  std::unordered_set<std::uint64_t> taken_{};  // checksums of all paths
};

}  // namespace sluice::samples
