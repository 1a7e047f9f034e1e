// pipelines/restore_plan.hpp: in which order an archive's entries are made, and with which frames.
//
// Entries are made in their order, and frames are kept in a few slots, because chunks that files
// share lie in earlier frames; what was used least lately makes room. The plan depends on the
// archive alone. So two parties that follow it agree without a word: the one that hands out frames
// to be read, and the one that makes files of them.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_contents.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::samples {

/// Threads  one at a time.
class RestorePlan {
 public:
  static constexpr std::size_t kSlots = 32;

  enum class Kind : unsigned char {
    make,      ///< an entry is to be made
    contents,  ///< bytes of a frame are to be appended to the file made last
    end_file,  ///< the file made last is whole
    end,       ///< of the plan; asked again, it is the answer again
  };
  struct Step {
    Kind kind = Kind::end;
    bool loads = false;        ///< contents: the frame is not in its slot yet
    std::size_t entry = 0;     ///< make
    std::size_t slot = 0;      ///< contents: where the frame is kept
    std::uint32_t frame = 0;   ///< contents
    std::uint32_t offset = 0;  ///< contents: in the raw frame
    std::uint32_t size_bytes = 0;
  };

  /// The contents must outlive the plan.
  explicit RestorePlan(const ArchiveContents& contents, std::size_t slots = kSlots);

  [[nodiscard]] Step next();

 private:
  struct Slot {
    std::uint32_t frame = 0;
    std::uint64_t used = 0;  // 0: it is empty
  };

  [[nodiscard]] Step contents_of(const ChunkRun& run);
  void choose_slot(Step& step);

  const ArchiveContents& contents_;
  std::vector<Slot> slots_;
  std::uint64_t uses_ = 0;
  std::size_t next_entry_ = 0;
  bool in_file_ = false;  // the entry made last is a file that is not whole
  std::size_t run_ = 0;   // of the file
  std::uint32_t chunk_in_run_ = 0;
};

}  // namespace sluice::samples
