// pipelines/tree_walk.cpp
// SPDX-License-Identifier: MIT
#include <tree_walk.hpp>

#include <sluice/os/file.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace sluice::samples {

using sluice::detail::Directory;
using sluice::detail::FileKind;
using sluice::detail::Inode;

namespace {

std::string joined(const std::string& directory, const std::string& name) {
  if (directory.empty() || directory.ends_with('/')) return directory + name;
  return directory + '/' + name;
}

// Without "." components and doubled or trailing slashes; the current directory is empty.
std::string cleaned(std::string_view path) {
  std::string clean(path.starts_with('/') ? "/" : "");
  while (!path.empty()) {
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(component.size() + 1, path.size()));
    if (component.empty() || component == ".") continue;
    if (!clean.empty() && !clean.ends_with('/')) clean.push_back('/');
    clean.append(component);
  }
  return clean;
}

// How the system is asked for a cleaned path. A lone "-" would be standard input.
std::string openable(const std::string& clean) {
  if (clean.empty()) return ".";
  return clean == sluice::detail::kStandardStream ? "./-" : clean;
}

}  // namespace

StoredPath stored_path(std::string_view given) {
  const std::string clean = cleaned(given);
  std::size_t begin = clean.starts_with('/') ? 1 : 0;
  for (std::size_t at = begin; at < clean.size();) {
    const std::size_t end = std::min(clean.find('/', at), clean.size());
    if (std::string_view(clean).substr(at, end - at) == "..")
      begin = std::min(end + 1, clean.size());
    at = end + 1;
  }
  return {.stored = clean.substr(begin), .removed = clean.substr(0, begin)};
}

TreeWalk::TreeWalk(std::vector<std::string> roots,
                   std::vector<sluice::detail::FileIdentity> left_out)
    : roots_(std::move(roots)), left_out_(std::move(left_out)) {
  for (const std::string& root : roots_) clean_roots_.insert(cleaned(root));
}

TreeWalk::Found TreeWalk::next() {
  for (;;) {
    if (!found_.empty()) {
      Found found = std::move(found_.back());
      found_.pop_back();
      return found;
    }
    if (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.at == level.names.size()) {
        levels_.pop_back();
      } else {
        visit(level.names[level.at++]);
      }
    } else if (at_root_ < roots_.size()) {
      visit_root(roots_[at_root_++]);
    } else {
      return {};
    }
    std::reverse(found_.begin(), found_.end());
  }
}

void TreeWalk::skip(const std::string& path, std::string words) {
  found_.push_back({.kind = Kind::skipped, .subject = path, .words = std::move(words)});
}

void TreeWalk::skip(const std::string& path, std::string_view verb,
                    const std::system_error& error) {
  skip(path, sluice::detail::reason(verb, error.code()));
}

// Another path that was given and is, or holds, this one; empty: none.
std::string TreeWalk::stored_through(const std::string& clean) const {
  if (seen_roots_.contains(clean)) return openable(clean);
  std::string_view above = clean;
  while (!above.empty() && above != "/" && above != ".." && !above.ends_with("/..")) {
    const std::size_t slash = above.rfind('/');
    above = slash == std::string_view::npos ? std::string_view()
                                            : above.substr(0, std::max<std::size_t>(slash, 1));
    const std::string candidate(above);
    if (!clean_roots_.contains(candidate)) continue;
    std::string path = openable(candidate);
    if (sluice::detail::inode_of(path).kind == FileKind::directory) return path;
  }
  return {};
}

void TreeWalk::visit_root(const std::string& given) {
  const std::string clean = cleaned(given);
  const std::string path = openable(clean);
  try {
    TreeEntry entry{.path = path, .inode = sluice::detail::inode_of(path)};
    if (const std::string through = stored_through(clean); !through.empty()) {
      found_.push_back({.kind = Kind::note,
                        .subject = path,
                        .words = "given twice: it is stored with " + through});
      return;
    }
    seen_roots_.insert(clean);
    StoredPath stored = stored_path(given);
    if (!stored.removed.empty()) {
      found_.push_back(
          {.kind = Kind::note,
           .subject = path,
           .words = fmt::format("stored as {}, without the leading {}",
                                stored.stored.empty() ? "." : stored.stored, stored.removed)});
    }
    entry.stored = std::move(stored.stored);
    if (entry.inode.kind == FileKind::symlink) entry.target = sluice::detail::link_target(path);
    if (entry.inode.kind == FileKind::directory) {
      Directory directory(path);
      entry.inode = directory.own_inode(path);
      std::string below = entry.stored;
      keep(std::move(entry));
      enter(std::move(directory), path, std::move(below));
    } else {
      keep(std::move(entry));
    }
  } catch (const std::system_error& error) {
    skip(path, "open", error);
  }
}

// An entry of the directory at the end of the levels.
void TreeWalk::visit(const std::string& listed) {
  const bool is_directory = listed.ends_with('/');
  const std::string name = listed.substr(0, listed.size() - (is_directory ? 1 : 0));
  Level& level = levels_.back();
  TreeEntry entry{.path = joined(level.path, name), .stored = joined(level.stored, name)};
  const std::string path = entry.path;
  try {
    entry.inode = level.directory.inode(name, path);
    if (entry.inode.kind == FileKind::symlink) entry.target = level.directory.target(name, path);
    if (entry.inode.kind != FileKind::directory) {
      keep(std::move(entry));
      return;
    }
    std::string below = entry.stored;
    keep(std::move(entry));  // also when it can't be opened
    enter(Directory(level.directory, name, path), path, std::move(below));
  } catch (const std::system_error& error) {
    skip(path, "open", error);
  }
}

void TreeWalk::keep(TreeEntry entry) {
  const Inode& inode = entry.inode;
  if (std::find(left_out_.begin(), left_out_.end(), inode.identity) != left_out_.end()) return;
  switch (inode.kind) {
    case FileKind::regular:
      entry.kind = EntryKind::file;
      break;
    case FileKind::directory:
      entry.kind = EntryKind::directory;
      break;
    case FileKind::symlink:
      entry.kind = EntryKind::symlink;
      break;
    default:
      skip(entry.path,
           fmt::format("it is {}; only files, directories and links are stored", inode.words()));
      return;
  }
  entry.number = entries_;
  if (inode.links > 1 && inode.kind != FileKind::directory) {
    const auto [first, is_new] = first_names_.try_emplace(inode.identity, entry.number);
    if (!is_new) {
      entry.kind = EntryKind::hard_link;
      entry.link_to = first->second;
    }
  }
  ++entries_;
  found_.push_back({.kind = Kind::entry, .entry = std::move(entry)});
}

void TreeWalk::enter(Directory directory, const std::string& path, std::string stored) {
  levels_.push_back({std::move(directory), path, std::move(stored)});
  list(levels_.back());
}

void TreeWalk::list(Level& level) {
  try {
    Directory::Entry entry;
    while (level.directory.next(entry, level.path)) {
      FileKind kind = entry.kind;
      if (kind == FileKind::unknown) {
        kind = level.directory.inode(entry.name, level.path).kind;
      }
      if (kind == FileKind::directory) entry.name.push_back('/');
      level.names.push_back(std::move(entry.name));
    }
  } catch (const std::system_error& error) {
    skip(level.path, "list", error);
  }
  std::sort(level.names.begin(), level.names.end());
}

}  // namespace sluice::samples
