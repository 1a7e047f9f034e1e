// pipelines/archive_restore.hpp: makes an archive's entries below a directory, and nowhere else.
//
// (1) Every entry is made in a directory that was opened from the output directory down, component
//     by component and through no symbolic link. Names are single components
//     (archive_contents.hpp), so what an archive says, and what others do to the tree meanwhile,
//     can't lead outside.
// (2) Nothing that exists is replaced: the output directory must be missing or empty.
// (3) All or nothing: entries are made in a private directory ".sluice-..." within the output
//     directory and moved up by commit(); without it, all of them are removed again. Directories
//     can't be nameless: a kill leaves the private one, and during commit() what was moved up.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_contents.hpp>

#include <sluice/os/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::samples {

/// What is done with the set-user-ID and set-group-ID bits. Owners are not kept, so whoever unpacks
/// lends out rights of his own with them.
enum class SetIdBits : unsigned char { keep, drop };

/// Threads  one at a time.
class ArchiveRestore {
 public:
  /// Makes the output directory unless it is there. The contents must outlive the object.
  ///
  /// Throws   std::runtime_error when it is not empty; std::system_error.
  ArchiveRestore(const ArchiveContents& contents, std::string output,
                 SetIdBits set_id = SetIdBits::keep);
  ArchiveRestore(const ArchiveRestore&) = delete;
  ArchiveRestore& operator=(const ArchiveRestore&) = delete;
  ~ArchiveRestore();

  /// Makes an entry; its directory, and the entry a hard link names, must have been made. A file is
  /// empty then, takes its contents by write() and is whole with end_file().
  ///
  /// Throws   std::system_error; UsageError while a file is open.
  void make(std::size_t entry);

  /// Appends to the file. Blocks  while the system writes. Throws  std::system_error: disk full.
  void write(std::string_view bytes);

  /// Gives the file its permissions and time, and closes it.
  /// Throws   std::system_error; UsageError when its size is not what the archive says.
  void end_file();

  /// Moves everything to its place; then directories get their permissions and times, the deepest
  /// first.
  /// Throws   std::system_error; UsageError when anything has failed before. Once entries have been
  ///          moved, they stay.
  void commit();

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  void open_output();
  [[nodiscard]] const sluice::detail::Descriptor& directory(std::size_t entry);
  [[nodiscard]] sluice::detail::Descriptor open_from_base(std::size_t entry) const;
  void make_entry(std::size_t entry);
  void make_hard_link(std::size_t entry);
  [[nodiscard]] std::string shown(std::size_t entry) const;
  [[nodiscard]] std::string name_of(std::size_t entry) const;
  [[nodiscard]] std::uint32_t mode_of(const ArchiveEntry& entry) const noexcept;
  void set_directory_attributes(bool top_level);
  void move_up();

  const ArchiveContents& contents_;
  std::string output_;
  SetIdBits set_id_;
  bool made_output_ = false;
  std::string private_name_{};  // empty: all was moved up
  sluice::detail::Descriptor output_directory_{};
  sluice::detail::Descriptor base_{};  // where entry 0 is for now
  std::size_t current_entry_ = kNone;  // whose directory was used last
  sluice::detail::Descriptor current_{};
  std::size_t file_entry_ = kNone;
  sluice::detail::Descriptor file_{};
  std::uint64_t file_bytes_ = 0;
  bool is_whole_ = true;  // nothing has failed
};

}  // namespace sluice::samples
