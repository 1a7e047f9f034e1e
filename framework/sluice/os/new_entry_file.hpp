// sluice/os/new_entry_file.hpp: a file of an open directory that gets its name when it is whole.
//
// (1) It is written without a name and named by commit(): who looks for the name finds what was there before, or
//     all of the new file. What has no name goes away with the process, whatever ends that.
// (2) A name that is taken can't be linked over. There the file is linked as ".sluice-*.partial", and that renamed:
//     a kill between these two calls, one behind the other, leaves a whole file under the temporary name.
// (3) Where the file system has no nameless files (FAT, NFS), it is written under a temporary name; where only the
//     link is refused, commit() copies it to one. That is renamed by commit() and removed without it, but a kill
//     leaves it behind, perhaps half written.
// (4) All of it happens in the directory that was opened, and no link is followed, whatever somebody does to the tree
//     meanwhile.
// There is no fsync: a crash of the machine may lose what was written. Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <string>

namespace sluice::detail {

/// Threads  one each; several may make files in one directory, also of one name: the last commit() wins.
class NewEntryFile {
 public:
  /// How it is kept until commit(): `unnamed` falls back to `beside` where the system can't.
  enum class Way : unsigned char { unnamed, beside };

  /// Opens an empty file of the usual permissions. `directory` must outlive the object; O_PATH is enough.
  /// `path` is for messages only.
  ///
  /// Throws  std::system_error; UsageError for a name that is not that of one entry.
  NewEntryFile(const Descriptor& directory, std::string name, std::string path,
               Way way = Way::unnamed);
  NewEntryFile(const NewEntryFile&) = delete;
  NewEntryFile& operator=(const NewEntryFile&) = delete;
  ~NewEntryFile();

  /// What it is written to.
  [[nodiscard]] const Descriptor& descriptor() const noexcept { return descriptor_; }

  /// Gives it its name, with contents and permissions as they are; what had the name (a file, a link, no directory)
  /// is gone in one step. Once, and last.
  ///
  /// Blocks  while the file system copies, where links are refused.
  /// Throws  std::system_error: what had the name still has it.
  void commit();

 private:
  [[nodiscard]] bool open_unnamed();
  void open_beside();
  [[nodiscard]] int link_as(const std::string& name) const;
  template <class Take>
  [[nodiscard]] int take_temporary_name(Take take);
  void give_some_name();
  void copy_beside();

  const Descriptor& directory_;
  std::string name_;
  std::string path_;
  std::string temporary_{};  // its name for now; empty: it has none, or its own
  Descriptor descriptor_{};
};

}  // namespace sluice::detail
