// pipelines/file_cutter.cpp
// SPDX-License-Identifier: MIT
#include <file_cutter.hpp>

#include <sluice/os/file.hpp>

#include <array>
#include <span>

namespace sluice::samples {

using sluice::detail::Descriptor;
using sluice::detail::FileKind;
using sluice::detail::Inode;
using stages::ContentChunker;

namespace {

bool same_content(const Inode& a, const Inode& b) noexcept {
  return a.size_bytes == b.size_bytes && a.modified == b.modified;
}

// Opened by its path: a directory on the way that was swapped for a link leads to another file,
// which has another identity.
Descriptor open_found(const std::string& path, const Inode& expected) {
  Descriptor file = sluice::detail::open_to_read(path, sluice::detail::Links::refuse);
  const Inode found = sluice::detail::inode_of(file, path);
  if (found.kind != FileKind::regular || found.identity != expected.identity) {
    throw ChangedFile("was replaced by another file since it was found");
  }
  if (!same_content(found, expected)) throw ChangedFile("changed since it was found");
  return file;
}

// The files of /proc say that they are empty and are not.
bool is_longer(const Descriptor& file, const Inode& expected, const std::string& path) {
  if (expected.size_bytes > 0) return false;  // its size is compared
  std::array<char, 1> more{};
  return sluice::detail::read_at(file, 0, more, path) > 0;
}

}  // namespace

void FileCutter::append(const std::string& path, const Inode& expected, FileRange range,
                        ChunkGroup& to) {
  const Descriptor file = open_found(path, expected);
  const std::size_t before = to.bytes.size();
  const auto size = static_cast<std::size_t>(range.size_bytes);
  to.bytes.resize(before + size);
  try {
    const std::span<char> room(to.bytes.data() + before, size);
    const std::size_t got = sluice::detail::read_at(file, range.offset, room, path);
    const Inode now = sluice::detail::inode_of(file, path);
    if (got != size || !same_content(now, expected) || is_longer(file, expected, path)) {
      throw ChangedFile("changed while it was read");
    }
  } catch (...) {
    to.bytes.resize(before);
    throw;
  }
  cut(to.bytes.view().substr(before), to);
}

void FileCutter::cut(std::string_view bytes, ChunkGroup& to) {
  while (!bytes.empty()) {
    const std::size_t size = ContentChunker::first_chunk_bytes(bytes);
    to.chunks.push_back(
        {.digest = digest_(bytes.substr(0, size)), .size_bytes = static_cast<std::uint32_t>(size)});
    bytes.remove_prefix(size);
  }
}

}  // namespace sluice::samples
