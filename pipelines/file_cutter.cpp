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

// Range ends that are not the file's are further from the range's beginning than a lead is long.
static_assert(FileRange::kMostBytes >= FileCutter::kLeadBytes + ContentChunker::kMost);

namespace {

bool same_content(const Inode& a, const Inode& b) noexcept {
  return a.size_bytes == b.size_bytes && a.modified == b.modified;
}

// The first cut at or behind `target`, when cutting begins with `bytes`. Those hold kMost bytes
// behind the target, or end with the file.
std::size_t first_cut(std::string_view bytes, std::size_t target) noexcept {
  std::size_t at = 0;
  while (at < target) at += ContentChunker::first_chunk_bytes(bytes.substr(at));
  return at;
}

}  // namespace

/// A file that is, and stays, what was found.
class FileCutter::OpenFile {
 public:
  // Opened by its path: a directory on the way that was swapped for a link leads to another file,
  // which has another identity.
  OpenFile(const std::string& path, const Inode& expected)
      : path_(path),
        expected_(expected),
        file_(sluice::detail::open_to_read(path, sluice::detail::Links::refuse)) {
    const Inode found = sluice::detail::inode_of(file_, path);
    if (found.kind != FileKind::regular || found.identity != expected.identity) {
      throw ChangedFile("was replaced by another file since it was found");
    }
    if (!same_content(found, expected)) throw ChangedFile("changed since it was found");
  }

  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return expected_.size_bytes; }

  // Appends the bytes from `begin` to `end`, or to the end of the file.
  void read(std::uint64_t begin, std::uint64_t end, ByteBuffer& to) const {
    const auto size = static_cast<std::size_t>(std::min(end, size_bytes()) - begin);
    const std::size_t before = to.size();
    to.resize(before + size);
    const std::span<char> room(to.data() + before, size);
    if (sluice::detail::read_at(file_, begin, room, path_) != size) fail();
  }

  void check_unchanged() const {
    const Inode now = sluice::detail::inode_of(file_, path_);
    if (!same_content(now, expected_) || is_longer()) fail();
  }

 private:
  [[noreturn]] static void fail() { throw ChangedFile("changed while it was read"); }

  // The files of /proc say that they are empty and are not.
  [[nodiscard]] bool is_longer() const {
    if (size_bytes() > 0) return false;  // its size was compared
    std::array<char, 1> more{};
    return sluice::detail::read_at(file_, 0, more, path_) > 0;
  }

  const std::string& path_;
  const Inode& expected_;
  Descriptor file_;
};

void FileCutter::append(const std::string& path, const Inode& expected, FileRange range,
                        ChunkGroup& to) {
  const OpenFile file(path, expected);
  const std::size_t before = to.bytes.size();
  try {
    read(file, range, to.bytes);
    file.check_unchanged();
  } catch (...) {
    to.bytes.resize(before);
    throw;
  }
  cut(to.bytes.view().substr(before), to);
}

// The first cut at or behind an offset, which a range begins at.
std::uint64_t FileCutter::cut_behind(const OpenFile& file, std::uint64_t offset) {
  if (offset == 0) return 0;
  lead_.clear();
  file.read(offset - kLeadBytes, offset + ContentChunker::kMost, lead_);
  return offset - kLeadBytes + first_cut(lead_.view(), kLeadBytes);
}

// Appends the range's chunks. Where they end is found in what was read of them.
void FileCutter::read(const OpenFile& file, FileRange range, ByteBuffer& to) {
  const std::size_t before = to.size();
  const std::uint64_t begin = cut_behind(file, range.offset);
  if (range.end() == file.size_bytes()) {
    file.read(begin, range.end(), to);
    return;
  }
  file.read(begin, range.end() + ContentChunker::kMost, to);
  const auto lead = before + static_cast<std::size_t>(range.end() - kLeadBytes - begin);
  to.resize(lead + first_cut(to.view().substr(lead), kLeadBytes));
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
