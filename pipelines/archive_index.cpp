// pipelines/archive_index.cpp
// SPDX-License-Identifier: MIT
#include <archive_index.hpp>

#include <sluice/error.hpp>
#include <sluice/os/entry_maker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace sluice::samples {
namespace {

struct PathParts {
  std::string_view parent;
  std::string_view name;
};

PathParts parts_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {.parent = {}, .name = path};
  return {.parent = path.substr(0, slash), .name = path.substr(slash + 1)};
}

bool is_directory(EntryKind kind) noexcept {
  return kind == EntryKind::directory || kind == EntryKind::implied_directory;
}

}  // namespace

// The root is there from the beginning. It is implied until add() is given it, so its record is
// written by encode().
ArchiveIndex::ArchiveIndex() : entry_count_(1), directories_{{std::string(), 0}} {
  taken_.insert(checksum_of({}));
}

void ArchiveIndex::add_frame(const StoredFrame& frame) {
  frames_.varint(frame.bytes.size());
  frames_.varint(frame.chunks.size());
  frames_.u64(frame.checksum);
  for (const ChunkMark& chunk : frame.chunks) {
    chunk_sizes_.varint(chunk.size_bytes);
    digests_.bytes({reinterpret_cast<const char*>(chunk.digest.bytes.data()), kStoredDigestBytes});
  }
  ++frame_count_;
  chunk_count_ += frame.chunks.size();
}

ArchiveIndex::Added ArchiveIndex::add(const NewEntry& entry) {
  if (entry.path.empty() && entry.kind == EntryKind::directory) {
    root_ = entry.attributes;
    return {};
  }
  if (is_directory(entry.kind)) {
    const auto known = directories_.find(entry.path);
    if (known != directories_.end()) return {.number = known->second};
  }
  if (std::string refusal = refusal_of(entry); !refusal.empty()) {
    return {.number = 0, .refusal = std::move(refusal)};
  }
  const PathParts parts = parts_of(entry.path);
  const std::uint32_t parent = directory_number(parts.parent);
  const std::uint32_t number = append(entry, parent, parts.name);
  if (is_directory(entry.kind)) directories_.emplace(entry.path, number);
  return {.number = number};
}

std::string ArchiveIndex::refusal_of(const NewEntry& entry) const {
  if (entry.path.size() > kMostPathBytes) {
    return fmt::format("its path has {} bytes; an archive takes {}", entry.path.size(),
                       kMostPathBytes);
  }
  if (entry.target.size() > kMostTargetBytes) {
    return fmt::format("it leads to a path of {} bytes; an archive takes {}", entry.target.size(),
                       kMostTargetBytes);
  }
  if (taken_.contains(checksum_of(entry.path))) {
    return "the archive has an entry of this path already";
  }
  if (entry.path.starts_with('/')) return "its path begins with a slash";
  std::string_view path = entry.path;
  while (!path.empty()) {
    const PathParts parts = parts_of(path);
    if (!sluice::detail::is_entry_name(parts.name) || parts.name.size() > kMostNameBytes) {
      return fmt::format("'{}' is no name of a file", parts.name);
    }
    path = parts.parent;
    const bool other =
        taken_.contains(checksum_of(path)) && !directories_.contains(std::string(path));
    if (other) return fmt::format("its directory {} is stored as something else", path);
  }
  if (entry_count_ > kMostNumber - kMostPathBytes) return "the archive is full";
  return {};
}

// Adds what is missing of a directory and of those that lead to it.
std::uint32_t ArchiveIndex::directory_number(std::string_view path) {
  std::string known(path);
  while (!directories_.contains(known)) known = parts_of(known).parent;
  std::uint32_t number = directories_.at(known);
  while (known.size() < path.size()) {
    const std::size_t from = known.empty() ? 0 : known.size() + 1;
    const std::string_view next = path.substr(0, std::min(path.find('/', from), path.size()));
    const NewEntry implied{.kind = EntryKind::implied_directory, .path = std::string(next)};
    number = append(implied, number, next.substr(from));
    known = next;
    directories_.emplace(known, number);
  }
  return number;
}

std::uint32_t ArchiveIndex::append(const NewEntry& entry, std::uint32_t parent,
                                   std::string_view name) {
  const auto number = static_cast<std::uint32_t>(entry_count_++);
  taken_.insert(checksum_of(entry.path));
  entries_.u8(static_cast<std::uint8_t>(entry.kind));
  entries_.signed_varint(std::int64_t{parent} - previous_parent_);
  previous_parent_ = parent;
  entries_.varint(name.size());
  entries_.bytes(name);
  if (entry.kind == EntryKind::implied_directory) return number;
  append_attributes(entries_, entry.attributes, previous_seconds_);
  previous_seconds_ = entry.attributes.modified.seconds;
  switch (entry.kind) {
    case EntryKind::file:
      append_runs(entry.runs);
      break;
    case EntryKind::symlink:
      entries_.varint(entry.target.size());
      entries_.bytes(entry.target);
      break;
    case EntryKind::hard_link:
      if (entry.link_to >= number) throw UsageError("a hard link to a later entry");
      entries_.varint(number - entry.link_to);
      break;
    default:
      break;
  }
  return number;
}

// Seconds may lie anywhere, so their difference is taken where it can't overflow.
void ArchiveIndex::append_attributes(ByteWriter& to, const EntryAttributes& attributes,
                                     std::int64_t previous_seconds) {
  to.varint(attributes.mode);
  to.signed_varint(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(attributes.modified.seconds) -
                                static_cast<std::uint64_t>(previous_seconds)));
  to.varint(attributes.modified.nanoseconds);
}

void ArchiveIndex::append_runs(const std::vector<ChunkRun>& runs) {
  entries_.varint(runs.size());
  for (const ChunkRun& run : runs) {
    entries_.signed_varint(std::int64_t{run.first} - expected_chunk_);
    entries_.varint((std::uint64_t{run.count} << 1U) | (run.repeats ? 1U : 0U));
    expected_chunk_ = run.first + (run.repeats ? 1 : run.count);
    chunks_needed_ = std::max<std::uint64_t>(chunks_needed_, expected_chunk_);
  }
}

std::string ArchiveIndex::encode() const {
  if (chunks_needed_ > chunk_count_) {
    throw UsageError(fmt::format("a file of the archive has chunk {}, but frames hold {}",
                                 chunks_needed_ - 1, chunk_count_));
  }
  ByteWriter index;
  index.varint(frame_count_);
  index.varint(chunk_count_);
  index.varint(entry_count_);
  index.bytes(frames_.text());
  index.bytes(chunk_sizes_.text());
  index.bytes(digests_.text());
  index.u8(static_cast<std::uint8_t>(root_ ? EntryKind::directory : EntryKind::implied_directory));
  index.signed_varint(0);
  index.varint(0);
  if (root_) append_attributes(index, *root_, 0);
  index.bytes(entries_.text());
  if (index.size() > kMostIndexBytes) {
    throw std::length_error(fmt::format(
        "the index of the archive has {} bytes, more than {}; pack fewer files at a time",
        index.size(), kMostIndexBytes));
  }
  return index.text();
}

}  // namespace sluice::samples
