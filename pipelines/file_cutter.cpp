// pipelines/file_cutter.cpp
// SPDX-License-Identifier: MIT
#include <file_cutter.hpp>

#include <sluice/os/file.hpp>

#include <algorithm>
#include <span>

namespace sluice::samples {

using sluice::detail::FileKind;
using sluice::detail::Inode;
using stages::ContentChunker;

namespace {

bool same_content(const Inode& a, const Inode& b) noexcept {
  return a.size_bytes == b.size_bytes && a.modified == b.modified;
}

}  // namespace

// Opened by its path: a directory on the way that was swapped for a link leads to another file,
// which has another identity.
void FileCutter::open(const std::string& path, const Inode& expected) {
  close();
  path_ = path;
  expected_ = expected;
  file_ = sluice::detail::open_to_read(path, sluice::detail::Links::refuse);
  const Inode found = sluice::detail::inode_of(file_, path);
  if (found.kind != FileKind::regular || found.identity != expected.identity) {
    close();
    throw ChangedFile("was replaced by another file since it was found");
  }
  if (!same_content(found, expected)) {
    close();
    throw ChangedFile("changed since it was found");
  }
  if (expected.size_bytes > kGroupBytes) sluice::detail::advise_sequential(file_);
  left_bytes_ = expected.size_bytes;
  read_bytes_ = 0;
  ended_ = false;
  rest_.clear();
}

void FileCutter::next(ChunkGroup& group) {
  group.bytes.clear();
  group.chunks.clear();
  try {
    fill(group);
    if (ended_) check_unchanged();
  } catch (...) {
    close();
    throw;
  }
  cut(group);
  group.last = ended_;
  if (group.last) close();
}

// What the last group left over, then the file: until the group is full or the file has ended. The
// byte more than the file should have is how its end is noticed without another read.
void FileCutter::fill(ChunkGroup& group) {
  constexpr std::size_t kRoom = kGroupBytes + ContentChunker::kMost;
  const std::uint64_t wanted = rest_.size() + left_bytes_ + 1;
  group.bytes.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(wanted, kRoom)));
  group.bytes.append(rest_.view());
  rest_.clear();
  while (!ended_ && group.bytes.size() < kRoom) {
    const std::size_t have = group.bytes.size();
    const std::size_t room = std::min(kRoom, std::max(group.bytes.capacity(), have + 4096)) - have;
    group.bytes.resize(have + room);
    const std::size_t got =
        sluice::detail::read_some(file_, std::span<char>(group.bytes.data() + have, room), path_);
    group.bytes.resize(have + got);
    left_bytes_ -= std::min<std::uint64_t>(left_bytes_, got);
    read_bytes_ += got;
    ended_ = got == 0 || (left_bytes_ == 0 && got < room);
  }
}

// All chunks that begin before the group is full. What is read behind them is less than one chunk,
// unless the file ends there.
void FileCutter::cut(ChunkGroup& group) {
  const std::string_view bytes = group.bytes.view();
  std::size_t at = 0;
  while (at < bytes.size() && (ended_ || at < kGroupBytes)) {
    const std::size_t size = ContentChunker::first_chunk_bytes(bytes.substr(at));
    const std::string_view chunk = bytes.substr(at, size);
    group.chunks.push_back(
        {.digest = digest_(chunk), .size_bytes = static_cast<std::uint32_t>(size)});
    at += size;
  }
  rest_.append(bytes.substr(at));
  group.bytes.resize(at);
}

void FileCutter::check_unchanged() const {
  const Inode now = sluice::detail::inode_of(file_, path_);
  if (!same_content(now, expected_) || read_bytes_ != expected_.size_bytes) {
    throw ChangedFile("changed while it was read");
  }
}

}  // namespace sluice::samples
