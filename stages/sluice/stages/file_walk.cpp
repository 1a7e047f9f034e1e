// sluice/stages/file_walk.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/file_walk.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace sluice::stages {
namespace {

using sluice::detail::Directory;
using sluice::detail::FileKind;
using sluice::detail::FileStatus;
using sluice::detail::input_name;
using sluice::detail::reason;

std::string join(const std::string& directory, const std::string& name) {
  return directory.ends_with('/') ? directory + name : directory + '/' + name;
}

FileWalk::Found unreadable(const std::string& path, const char* verb,
                           const std::system_error& error) {
  return {.kind = FileWalk::Kind::unreadable,
          .path = input_name(path),
          .reason = reason(verb, error.code())};
}

// A directory's contents stand where its name with a slash would.
bool before(const Directory::Entry& a, const Directory::Entry& b) {
  const std::size_t common = std::min(a.name.size(), b.name.size());
  const int order = a.name.compare(0, common, b.name, 0, common);
  if (order != 0) return order < 0;
  const auto byte_after = [common](const Directory::Entry& entry) -> int {
    if (entry.name.size() > common) return static_cast<unsigned char>(entry.name[common]);
    return entry.kind == FileKind::directory ? '/' : -1;
  };
  return byte_after(a) < byte_after(b);
}

}  // namespace

FileWalk::Found FileWalk::next() {
  for (;;) {
    if (!failed_.empty()) {
      Found found = std::move(failed_.back());
      failed_.pop_back();
      return found;
    }
    if (levels_.empty() && at_ == roots_.size()) return {};
    Found found = levels_.empty() ? next_root() : next_below();
    if (found.kind != Kind::end) return found;
  }
}

// Kind::end here and below: nothing to tell yet, go on.
FileWalk::Found FileWalk::next_root() {
  const std::string& root = roots_[at_++];
  try {
    const FileStatus status = sluice::detail::status_of(root);
    if (root == sluice::detail::kStandardStream) {
      return {.kind = Kind::stream, .given = true, .path = root};
    }
    switch (status.kind) {
      case FileKind::regular:
        return {.kind = Kind::file, .given = true, .path = root, .size_bytes = status.size_bytes};
      case FileKind::directory:
        levels_.push_back({Directory(root), root});
        return {};
      default:
        return {.kind = Kind::stream, .given = true, .path = root};
    }
  } catch (const std::system_error& error) {
    return unreadable(root, "open", error);
  }
}

FileWalk::Found FileWalk::next_below() {
  Level& level = levels_.back();
  if (level.at < level.entries.size()) {
    const Entry entry = std::move(level.entries[level.at++]);
    return visit(level, entry);
  }
  if (level.listed) {
    levels_.pop_back();
  } else {
    list_piece(level);
  }
  return {};
}

void FileWalk::list_piece(Level& level) {
  level.entries.clear();
  level.at = 0;
  try {
    Entry entry;
    while (level.entries.size() < sorted_) {
      if (!level.directory.next(entry, level.path)) {
        level.listed = true;
        break;
      }
      if (resolve(level, entry)) level.entries.push_back(std::move(entry));
    }
  } catch (const std::system_error& error) {
    level.listed = true;
    failed_.push_back(unreadable(level.path, "list", error));
  }
  std::sort(level.entries.begin(), level.entries.end(), before);
}

// Finds out what the entry is, where the file system did not say; false when the walk skips it.
bool FileWalk::resolve(const Level& level, Entry& entry) const {
  if (entry.kind == FileKind::unknown) {
    try {
      entry.kind = level.directory.status(entry.name, level.path).kind;
    } catch (const std::system_error&) {
      entry.kind = FileKind::regular;  // visit() will meet and report the same error
    }
  }
  return entry.kind == FileKind::regular || entry.kind == FileKind::directory;
}

FileWalk::Found FileWalk::visit(Level& level, const Entry& entry) {
  const std::string path = join(level.path, entry.name);
  try {
    if (entry.kind == FileKind::directory) {
      Directory directory(level.directory, entry.name, path);
      if (!is_left_out(directory, path)) levels_.push_back({std::move(directory), path});
      return {};
    }
    const FileStatus status = level.directory.status(entry.name, path);
    if (status.kind != FileKind::regular) return {};  // it was replaced since it was listed
    return {.kind = Kind::file, .path = path, .size_bytes = status.size_bytes};
  } catch (const std::system_error& error) {
    return unreadable(path, "open", error);
  }
}

bool FileWalk::is_left_out(const Directory& directory, const std::string& path) const {
  if (left_out_.empty()) return false;
  const auto identity = directory.own_inode(path).identity;
  return std::find(left_out_.begin(), left_out_.end(), identity) != left_out_.end();
}

}  // namespace sluice::stages
