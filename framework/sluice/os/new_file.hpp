// sluice/os/new_file.hpp: a file, by its path, that gets its name when it is whole.
//
// Who reads the path sees the file as it was before, or all of the new one. Where it is until then, and what a kill
// may leave, is that of os/new_entry_file.hpp: nothing, as a rule. Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>
#include <sluice/os/inode.hpp>
#include <sluice/os/new_entry_file.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::detail {

/// Threads  one at a time.
class NewFile {
 public:
  using Way = NewEntryFile::Way;

  /// Opens a file in the directory of `path`; through a symbolic link, of what it leads to. What is no
  /// regular file (a FIFO, a device) is written as it is, and so is standard output for "-".
  /// Throws  std::system_error: no such directory, no permission, `path` is a directory.
  explicit NewFile(const std::string& path, Way way = Way::unnamed);

  /// Appends all of it. Blocks  while the system writes. Throws  std::system_error.
  void write(std::string_view bytes);
  /// Closes the file and gives it its name. Blocks  as NewEntryFile::commit().
  /// Throws  std::system_error: what had the name still has it; UsageError after a write that failed.
  void commit();

  /// What messages call it.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t written_bytes() const noexcept { return written_bytes_; }
  /// Of the file being written and of the one it will replace, for those who must not read them.
  [[nodiscard]] std::vector<FileIdentity> identities() const;

 private:
  void open_entry(const std::string& target, Way way);
  [[nodiscard]] const Descriptor& descriptor() const noexcept {
    return entry_ ? entry_->descriptor() : in_place_;
  }

  std::string name_;
  Descriptor directory_{};
  std::optional<NewEntryFile> entry_{};
  Descriptor in_place_{};  // without an entry
  std::optional<FileIdentity> replaced_{};
  std::uint64_t written_bytes_ = 0;
  bool is_whole_ = true;  // no write has failed
};

}  // namespace sluice::detail
