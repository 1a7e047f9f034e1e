// sluice/os/directory.hpp: reading the entries of one directory.
//
// Subdirectories are opened relative to their parent and without following symbolic links, so a
// directory that is swapped for a link in the meantime can't lead a walk elsewhere.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/file.hpp>
#include <sluice/os/inode.hpp>

#include <string>

namespace sluice::detail {

class Directory {
 public:
  struct Entry {
    std::string name;
    FileKind kind = FileKind::unknown;  ///< unknown where the file system does not say
  };

  /// Opens the directory. Throws  std::system_error; ENOTDIR for a symbolic link that is refused.
  explicit Directory(const std::string& path, Links links = Links::follow);
  /// Opens a subdirectory; a symbolic link is refused. `path` is for messages.
  Directory(const Directory& parent, const std::string& name, const std::string& path);

  Directory(Directory&& other) noexcept;
  Directory& operator=(Directory&& other) noexcept;
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory();

  /// The next entry except . and .. in the order of the file system; false at the end.
  [[nodiscard]] bool next(Entry& entry, const std::string& path);

  /// What an entry is, links not followed. `path` is for messages.
  [[nodiscard]] FileStatus status(const std::string& name, const std::string& path) const;
  /// The same with all that the system knows of it.
  [[nodiscard]] Inode inode(const std::string& name, const std::string& path) const;
  /// Of the directory itself.
  [[nodiscard]] Inode own_inode(const std::string& path) const;
  /// Where an entry that is a symbolic link leads.
  [[nodiscard]] std::string target(const std::string& name, const std::string& path) const;

 private:
  explicit Directory(Descriptor descriptor, const std::string& path);

  void* stream_ = nullptr;  // a DIR
};

}  // namespace sluice::detail
