// pipelines/archive_restore.cpp
// SPDX-License-Identifier: MIT
#include <archive_restore.hpp>

#include <sluice/error.hpp>
#include <sluice/os/entry_maker.hpp>
#include <sluice/os/file.hpp>
#include <sluice/os/this_process.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>
#include <vector>

namespace sluice::samples {

using sluice::detail::Descriptor;

ArchiveRestore::ArchiveRestore(const ArchiveContents& contents, std::string output,
                               SetIdBits set_id)
    : contents_(contents), output_(std::move(output)), set_id_(set_id) {
  made_output_ = sluice::detail::make_directory(output_);
  try {
    open_output();
  } catch (...) {
    if (made_output_) sluice::detail::remove_directory(output_);
    throw;
  }
}

ArchiveRestore::~ArchiveRestore() {
  if (private_name_.empty()) return;
  file_.reset();
  sluice::detail::remove_entry_tree(output_directory_, private_name_);
  if (made_output_) sluice::detail::remove_directory(output_);
}

// The private directory has a name that no entry has, because entries move up beside it.
void ArchiveRestore::open_output() {
  output_directory_ = sluice::detail::open_directory(output_);
  const std::vector<std::string> there = sluice::detail::names_in(output_directory_, output_);
  if (!there.empty()) {
    throw std::runtime_error(
        fmt::format("{}: the directory is not empty, {} is in it; give a new or an empty one",
                    output_, *std::min_element(there.begin(), there.end())));
  }
  const auto is_taken = [&](const std::string& name) {
    return std::any_of(contents_.entries().begin(), contents_.entries().end(),
                       [&](const ArchiveEntry& e) { return e.parent == 0 && e.name == name; });
  };
  std::string name;
  unsigned number = 0;
  do {
    name = fmt::format(".sluice-{}-{}.partial", sluice::detail::process_id(), number++);
  } while (is_taken(name));
  sluice::detail::make_entry_directory(output_directory_, name, true, output_ + '/' + name);
  private_name_ = name;
  base_ = sluice::detail::open_entry_directory(output_directory_, name, output_ + '/' + name);
}

// ---- Places -------------------------------------------------------------------------------------

std::string ArchiveRestore::name_of(std::size_t entry) const {
  return std::string(contents_.entries()[entry].name);
}

// What messages call an entry: where it will be.
std::string ArchiveRestore::shown(std::size_t entry) const {
  return output_ + '/' + contents_.path(entry);
}

std::uint32_t ArchiveRestore::mode_of(const ArchiveEntry& entry) const noexcept {
  return set_id_ == SetIdBits::drop ? entry.attributes.mode & 01777U : entry.attributes.mode;
}

// The directory of an entry, open until the next call. One is kept open, however deep the tree:
// entries come directory by directory.
const Descriptor& ArchiveRestore::directory(std::size_t entry) {
  if (entry == 0) return base_;
  if (entry == current_entry_) return current_;
  const std::size_t parent = contents_.entries()[entry].parent;
  const bool known = parent == 0 || parent == current_entry_;
  Descriptor opened =
      known ? sluice::detail::open_entry_directory(directory(parent), name_of(entry), shown(entry))
            : open_from_base(entry);
  current_ = std::move(opened);
  current_entry_ = entry;
  return current_;
}

Descriptor ArchiveRestore::open_from_base(std::size_t entry) const {
  std::vector<std::size_t> way;
  for (std::size_t at = entry; at != 0; at = contents_.entries()[at].parent) way.push_back(at);
  Descriptor here = sluice::detail::copy_of(base_, output_);
  for (; !way.empty(); way.pop_back()) {
    here = sluice::detail::open_entry_directory(here, name_of(way.back()), shown(way.back()));
  }
  return here;
}

// ---- Entries ------------------------------------------------------------------------------------

void ArchiveRestore::make(std::size_t entry) {
  if (file_entry_ != kNone) throw UsageError(shown(file_entry_) + ": end_file() is missing");
  if (entry == 0) return;
  is_whole_ = false;
  make_entry(entry);
  is_whole_ = true;
}

void ArchiveRestore::make_entry(std::size_t entry) {
  const ArchiveEntry& made = contents_.entries()[entry];
  const std::string name = name_of(entry);
  const std::string path = shown(entry);
  const Descriptor& parent = directory(made.parent);
  switch (made.kind) {
    case EntryKind::implied_directory:
      sluice::detail::make_entry_directory(parent, name, false, path);
      break;
    case EntryKind::directory:
      sluice::detail::make_entry_directory(parent, name, true, path);
      break;
    case EntryKind::file:
      file_ = sluice::detail::make_entry_file(parent, name, path);
      file_entry_ = entry;
      file_bytes_ = 0;
      break;
    case EntryKind::symlink:
      sluice::detail::make_entry_symlink(parent, name, std::string(made.target), path);
      sluice::detail::set_entry_time(parent, name, made.attributes.modified, path);
      break;
    case EntryKind::hard_link:
      make_hard_link(entry);
      break;
  }
}

void ArchiveRestore::make_hard_link(std::size_t entry) {
  const ArchiveEntry& made = contents_.entries()[entry];
  const Descriptor from = open_from_base(contents_.entries()[made.link_to].parent);
  const std::string from_name = name_of(made.link_to);
  const std::string name = name_of(entry);
  sluice::detail::link_entry({from, from_name}, {directory(made.parent), name}, shown(entry));
}

void ArchiveRestore::write(std::string_view bytes) {
  if (file_entry_ == kNone) throw UsageError(output_ + ": no file was begun");
  is_whole_ = false;
  sluice::detail::write_all(file_, bytes, shown(file_entry_));
  is_whole_ = true;
  file_bytes_ += bytes.size();
}

void ArchiveRestore::end_file() {
  if (file_entry_ == kNone) throw UsageError(output_ + ": no file was begun");
  const std::size_t entry = std::exchange(file_entry_, kNone);
  const ArchiveEntry& ended = contents_.entries()[entry];
  const std::string path = shown(entry);
  Descriptor file = std::move(file_);
  is_whole_ = false;
  if (file_bytes_ != ended.size_bytes) {
    throw UsageError(
        fmt::format("{}: {} bytes were written of {}", path, file_bytes_, ended.size_bytes));
  }
  sluice::detail::set_attributes(file, mode_of(ended), ended.attributes.modified, path);
  sluice::detail::close_written(std::move(file), path);
  is_whole_ = true;
}

// ---- The end ------------------------------------------------------------------------------------

// Directories of the top level wait until they were moved, which takes the right to write into
// them.
void ArchiveRestore::commit() {
  if (file_entry_ != kNone) throw UsageError(shown(file_entry_) + ": end_file() is missing");
  if (!is_whole_) throw UsageError(output_ + ": commit() after a failure");
  set_directory_attributes(false);
  move_up();
  set_directory_attributes(true);
  const ArchiveEntry& root = contents_.entries()[0];
  if (root.kind == EntryKind::directory) {
    sluice::detail::set_attributes(base_, mode_of(root), root.attributes.modified, output_);
  }
}

// From the last entry to the first: what lies in a directory comes before it, so its time is not
// touched again, and a directory that is closed to us is not needed any more.
void ArchiveRestore::set_directory_attributes(bool top_level) {
  for (std::size_t entry = contents_.entries().size() - 1; entry > 0; --entry) {
    const ArchiveEntry& found = contents_.entries()[entry];
    if (found.kind != EntryKind::directory || (found.parent == 0) != top_level) continue;
    sluice::detail::set_attributes(directory(entry), mode_of(found), found.attributes.modified,
                                   shown(entry));
  }
}

void ArchiveRestore::move_up() {
  const std::vector<std::string> names = sluice::detail::names_in(base_, output_);
  std::size_t moved = 0;
  try {
    for (; moved < names.size(); ++moved) {
      sluice::detail::move_entry({base_, names[moved]}, {output_directory_, names[moved]},
                                 output_ + '/' + names[moved]);
    }
  } catch (...) {
    try {
      while (moved-- > 0) {
        sluice::detail::move_entry({output_directory_, names[moved]}, {base_, names[moved]},
                                   output_);
      }
    } catch (const std::exception&) {
      // What can't be moved back stays; the first failure is the one to report.
    }
    throw;
  }
  sluice::detail::remove_entry_tree(output_directory_, private_name_);
  private_name_.clear();
  base_ = std::move(output_directory_);
  current_entry_ = kNone;
}

}  // namespace sluice::samples
