// pipelines/archive_writer.hpp: writes an archive, front to back.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_frame.hpp>
#include <archive_index.hpp>
#include <byte_buffer.hpp>

#include <sluice/os/new_file.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::samples {

/// Frames in the order of their chunks' numbers, entries at any time, then commit(). Until then the
/// archive has no name, and without commit() it vanishes, also when the process is killed
/// (os/new_file.hpp).
///
/// Threads  one at a time.
class ArchiveWriter {
 public:
  /// Opens the archive; "-" is standard output. `level` compresses the index.
  /// Throws   std::system_error; UsageError for a level that does not exist.
  ArchiveWriter(const std::string& path, int level);

  /// Blocks   while the system writes. Throws  std::system_error: full disk, closed pipe.
  void append(const StoredFrame& frame);

  /// As ArchiveIndex::add(). The number is for hard links.
  [[nodiscard]] ArchiveIndex::Added add(const NewEntry& entry) { return index_.add(entry); }

  struct Summary {
    std::uint64_t entries = 0;  ///< the root and implied directories counted
    std::uint64_t frames = 0;
    std::uint64_t chunks = 0;
    std::uint64_t index_bytes = 0;  ///< as stored
    std::uint64_t archive_bytes = 0;
  };
  /// Writes index and footer, and gives the archive its name.
  ///
  /// Blocks   while the system writes.
  /// Throws   std::system_error, std::length_error, UsageError: there is no archive then.
  Summary commit();

  /// Of the file being written and of the one it will replace: a walk must not read them.
  [[nodiscard]] std::vector<sluice::detail::FileIdentity> identities() const {
    return file_.identities();
  }

 private:
  void write(std::string_view bytes);
  void flush();
  void write_footer(std::uint64_t index_offset, std::string_view stored_index,
                    std::uint64_t raw_bytes);

  sluice::detail::NewFile file_;
  FrameCompressor index_compressor_;
  ArchiveIndex index_{};
  ByteBuffer buffer_{};
};

}  // namespace sluice::samples
