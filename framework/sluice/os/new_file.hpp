// sluice/os/new_file.hpp: a file that gets its name when it is whole.
//
// It is written without a name, in the directory of the final one, and named by commit(): who reads the final name
// sees the file as it was before, or all of the new one. What has no name goes away with the process, whatever ends
// that; only a kill between two calls of commit() leaves a temporary name there, of a whole file, and only where an
// old file is replaced. On a file system without nameless files (FAT, NFS) it is written under a temporary name
// that is renamed by commit() and removed without it, but which a kill leaves behind. There is no fsync: a
// crash of the machine may lose what was written. Layer: os. Not API.
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
  /// How it is kept until commit(): `unnamed` falls back to `beside` where the system can't.
  enum class Way : unsigned char { unnamed, beside };

  /// Opens a file in the directory of `path`; through a symbolic link, of what it leads to. What is no
  /// regular file (a FIFO, a device) is written as it is, and so is standard output for "-".
  /// Throws  std::system_error: no such directory, no permission, `path` is a directory.
  explicit NewFile(const std::string& path, Way way = Way::unnamed);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  /// Appends all of it. Throws  std::system_error.
  void write(std::string_view bytes);
  /// Closes the file and gives it its name.
  /// Throws  std::system_error: what had the name still has it; UsageError after a write that failed.
  void commit();

  /// What messages call it.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t written_bytes() const noexcept { return written_bytes_; }
  /// Of the file being written and of the one it will replace, for those who must not read them.
  [[nodiscard]] std::vector<FileIdentity> identities() const;

 private:
  [[nodiscard]] bool open_unnamed();
  void open_beside();
  [[nodiscard]] std::string temporary_name(unsigned number) const;
  void link_beside();

  std::string name_;
  std::string target_{};     // what commit() makes or replaces; empty: written in place
  std::string temporary_{};  // its name until then; empty: it has none
  Descriptor descriptor_{};
  std::optional<FileIdentity> replaced_{};
  std::uint64_t written_bytes_ = 0;
  bool is_whole_ = true;  // no write has failed
};

}  // namespace sluice::detail
