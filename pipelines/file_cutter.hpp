// pipelines/file_cutter.hpp: reads one file and cuts it into chunks, some at a time.
//
// (1) A file is read front to back by one cutter, in groups of about kGroupBytes, so memory stays
//     bounded and cuts do not depend on groups.
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

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::samples {

/// Consecutive chunks of a file and their bytes, one behind the other.
struct ChunkGroup {
  ByteBuffer bytes{};
  std::vector<ChunkMark> chunks{};
  bool last = false;  ///< the file ends with it; an empty file has one empty group
};

/// Cuts one file after the other, with memory that is used again.
///
/// Threads  one at a time; each worker has its own.
class FileCutter {
 public:
  /// A group ends with the chunk in which these bytes are full: 64 KiB more at most.
  static constexpr std::size_t kGroupBytes = std::size_t{1} << 20;

  /// Begins a file that a walk has found, described by `expected`.
  ///
  /// Throws   std::system_error for a file that can't be opened; ChangedFile for one that is no
  ///          longer what was found.
  void open(const std::string& path, const sluice::detail::Inode& expected);

  /// The next chunks, in the memory that `group` brings; after the last group, nothing more may be
  /// asked.
  ///
  /// Blocks   while the file system reads.
  /// Throws   std::system_error; ChangedFile. The file is closed then, as it is behind the last
  ///          group.
  void next(ChunkGroup& group);

  void close() noexcept { file_.reset(); }

 private:
  void fill(ChunkGroup& group);
  void cut(ChunkGroup& group);
  void check_unchanged() const;

  std::string path_{};
  sluice::detail::Inode expected_{};
  sluice::detail::Descriptor file_{};
  std::uint64_t left_bytes_ = 0;  // not read yet, as far as is known
  std::uint64_t read_bytes_ = 0;
  bool ended_ = false;
  ByteBuffer rest_{};  // read already, of a chunk that belongs to the next group
  DigestMaker digest_{};
};

/// The text is what happened, without the path: "changed while it was read".
class ChangedFile : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sluice::samples
