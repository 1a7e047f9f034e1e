// sluice/os/new_file.hpp: a file that gets its name when it is whole.
//
// It is written under a temporary name in the directory of the final one and renamed by commit():
// who reads the final name sees the file as it was before, or all of the new one. Without commit()
// the temporary file is removed. There is no fsync: a crash of the machine may lose what was
// written. Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>
#include <sluice/os/inode.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::detail {

class NewFile {
 public:
  /// Opens a temporary file beside `path`; through a symbolic link, beside what it leads to. What
  /// is no regular file (a FIFO, a device) is written as it is, and so is standard output for "-".
  /// Throws  std::system_error: no such directory, no permission, `path` is a directory.
  explicit NewFile(const std::string& path);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  /// Appends all of it. Throws  std::system_error.
  void write(std::string_view bytes);
  /// Closes the file and gives it its name.
  /// Throws  std::system_error: nothing was renamed; UsageError after a write that failed.
  void commit();

  /// What messages call it.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t written_bytes() const noexcept { return written_bytes_; }
  /// Of the file being written and of the one it will replace, for those who must not read them.
  [[nodiscard]] std::vector<FileIdentity> identities() const;

 private:
  void open_beside(const std::string& target);

  std::string name_;
  std::string target_{};  // the file that commit() replaces; empty: written in place
  std::string temporary_{};
  Descriptor descriptor_{};
  std::optional<FileIdentity> replaced_{};
  std::uint64_t written_bytes_ = 0;
  bool is_whole_ = true;  // no write has failed
};

}  // namespace sluice::detail
