// pipelines/pack_items.hpp: what travels through `pack`.
//
//   walk ==jobs==> cut x cores ==jobs, with contents==> group ==raw parts==> compress x cores
//        ==stored parts==> write
//
// All of it is portable (<sluice/codec.hpp>), so `cut` and `compress` can run in worker processes.
//
// (1) The archive stays in this process. `walk` opens it, because it must not pack it, and hands it over
//     (hand_over.hpp) to `write`, which takes it with the first part that it sees; items carry its number alone. It
//     has one owner at any time, and a run that ends without a commit() takes the unfinished file along.
// (2) Jobs are numbered by `walk`, parts by `group`, each from 0 without gaps, and both ways keep the order. An item
//     that is given up (its process died of it again and again) is a gap, which `group` or `write` notices: that
//     fails the run, because the rest would be no archive of what was found.
// (3) The last job and the last part say that there is no other; no archive gets its name without.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_frame.hpp>
#include <archive_writer.hpp>
#include <file_cutter.hpp>
#include <hand_over.hpp>
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

using ArchiveHandOver = HandOver<std::unique_ptr<ArchiveWriter>>;

/// About as much as pays for its way through a queue: some entries, or a range of a large file.
struct PackJob {
  std::uint64_t archive = 0;  ///< number under which the archive was handed over
  std::uint64_t number = 0;
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
  std::uint64_t archive = 0;  ///< as in a job
  std::uint64_t number = 0;
  std::optional<Frame> frame{};
  std::vector<EntryToStore> entries{};
  bool complete = false;
};

/// Throws  std::runtime_error unless the item of that number is the next one, and counts it.
void expect_number(std::uint64_t number, std::uint64_t& next, const char* what);

/// Ends a run whose archive would be worth nothing: cancels it, and says so once.
void give_up(Context& context);

using RawPart = ArchivePart<RawFrame>;
using StoredPart = ArchivePart<StoredFrame>;

}  // namespace sluice::samples
