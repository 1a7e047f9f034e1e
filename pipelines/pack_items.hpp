// pipelines/pack_items.hpp: what travels through `pack`.
//
//   walk ==jobs==> cut x cores ==jobs, with contents==> group ==raw parts==> compress x cores
//        ==stored parts==> write
//
// The archive that is being written travels too: `walk` opens it, because it must not pack it, and
// the first job takes it to `write`. It has one owner at any time, and an item that is dropped
// takes it along, and with it the temporary file. The last job says that the walk has seen
// everything; no archive gets its name without.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_frame.hpp>
#include <archive_writer.hpp>
#include <file_cutter.hpp>
#include <tree_walk.hpp>

#include <sluice/context.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::samples {

/// An entry, or a range of a large file.
struct EntryPart {
  TreeEntry entry{};
  FileRange range{};            ///< file: what is read of it
  std::size_t chunk_count = 0;  ///< of the job's chunks, those that are its contents
  std::string failure{};        ///< why it can't be stored; empty: it can

  [[nodiscard]] bool is_first() const noexcept { return range.offset == 0; }
  [[nodiscard]] bool is_last() const noexcept {
    return entry.kind != EntryKind::file || range.end() == entry.inode.size_bytes;
  }
};

/// About as much as pays for its way through a queue: some entries, or a range of a large file.
struct PackJob {
  std::unique_ptr<ArchiveWriter> archive{};  ///< the first job has it
  std::vector<EntryPart> parts{};
  ChunkGroup content{};   ///< of all parts, once they are cut
  bool complete = false;  ///< it is the last job: everything was found and handed out
};

/// An entry whose contents are in frames before it.
struct EntryToStore {
  NewEntry entry{};
  std::string path{};  ///< where it was found
  std::uint64_t number = 0;
  std::uint64_t link_to = 0;     ///< hard link: number of the entry it names
  bool has_other_names = false;  ///< hard links may name it
};

/// What comes out of `group`, and, with another kind of frame, out of `compress`.
template <class Frame>
struct ArchivePart {
  std::unique_ptr<ArchiveWriter> archive{};
  std::optional<Frame> frame{};
  std::vector<EntryToStore> entries{};
  bool complete = false;
};

/// Ends a run whose archive would be worth nothing: cancels it, and says so once.
void give_up(Context& context);

using RawPart = ArchivePart<RawFrame>;
using StoredPart = ArchivePart<StoredFrame>;

}  // namespace sluice::samples
