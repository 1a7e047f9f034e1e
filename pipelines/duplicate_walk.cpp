// pipelines/duplicate_walk.cpp
// SPDX-License-Identifier: MIT
#include <duplicate_walk.hpp>

#include <sluice/os/file.hpp>

#include <fmt/format.h>

#include <system_error>
#include <utility>

namespace sluice::samples {

using sluice::detail::Directory;
using sluice::detail::FileKind;
using sluice::detail::Inode;
using sluice::detail::Links;

void ListDirectories::process(WalkItem item, Emitter<WalkItem>& out) {
  try {
    if (item.given) {
      visit_given(item.path, out);
    } else {
      list(item.path, Links::refuse, out);
    }
  } catch (const std::system_error& error) {
    context_->dead(item.path, sluice::detail::reason("open", error.code()));
  }
  emit_batch(out);
}

void ListDirectories::visit_given(const std::string& path, Emitter<WalkItem>& out) {
  const Inode inode = sluice::detail::inode_of(path);
  if (inode.kind == FileKind::regular) {
    const std::size_t name = path.rfind('/') + 1;  // 0 without a slash
    batch_.prefix = path.substr(0, name);
    const std::string parent = batch_.prefix.empty() ? "." : batch_.prefix;
    batch_.directory =
        sluice::detail::inode_of(sluice::detail::open_to_read(parent), parent).identity;
    return keep(std::string_view(path).substr(name), inode, out);
  }
  if (inode.kind == FileKind::directory ||
      (inode.kind == FileKind::symlink &&
       sluice::detail::status_of(path).kind == FileKind::directory)) {
    return list(path, Links::follow, out);
  }
  context_->dead(path, fmt::format("it is {}; give files and directories", inode.words()));
}

void ListDirectories::list(const std::string& path, Links links, Emitter<WalkItem>& out) {
  Directory directory(path, links);
  batch_.directory = directory.own_inode(path).identity;
  batch_.prefix = path;
  if (!path.ends_with('/')) batch_.prefix += '/';
  try {
    Directory::Entry entry;
    while (directory.next(entry, path)) visit(directory, entry, out);
  } catch (const std::system_error& error) {
    context_->dead(path, sluice::detail::reason("list", error.code()));
  }
}

void ListDirectories::visit(const Directory& directory, const Directory::Entry& entry,
                            Emitter<WalkItem>& out) {
  if (entry.kind == FileKind::symlink || entry.kind == FileKind::other) return;
  if (entry.kind == FileKind::directory) {
    return out.emit({.path = batch_.prefix + entry.name});
  }
  try {
    const Inode inode = directory.inode(entry.name, batch_.prefix);
    if (inode.kind == FileKind::directory) return out.emit({.path = batch_.prefix + entry.name});
    if (inode.kind == FileKind::regular) keep(entry.name, inode, out);
  } catch (const std::system_error& error) {
    context_->dead(batch_.prefix + entry.name, sluice::detail::reason("look at", error.code()));
  }
}

void ListDirectories::keep(std::string_view name, const Inode& inode, Emitter<WalkItem>& out) {
  if (inode.size_bytes < min_bytes_) return;
  batch_.add(name, inode);
  if (batch_.files.size() == kBatch) emit_batch(out);
}

void ListDirectories::emit_batch(Emitter<WalkItem>& out) {
  if (batch_.files.empty()) return;
  out.emit({.found = batch_});
  batch_.files.clear();
  batch_.names.clear();
}

}  // namespace sluice::samples
