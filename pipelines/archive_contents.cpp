// pipelines/archive_contents.cpp
// SPDX-License-Identifier: MIT
#include <archive_contents.hpp>

#include <archive_bytes.hpp>

#include <sluice/os/entry_maker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

namespace sluice::samples {
namespace {

// What a record takes at least in the raw index: no count may declare more than fits.
constexpr std::uint64_t kLeastFrameRecord = 10;
constexpr std::uint64_t kLeastChunkRecord = 1 + kStoredDigestBytes;
constexpr std::uint64_t kLeastEntryRecord = 3;
constexpr std::uint64_t kLeastRunRecord = 2;

}  // namespace

/// Fills ArchiveContents, one table after the other.
class IndexDecoder {
 public:
  IndexDecoder(ArchiveContents& contents, const std::string& name)
      : contents_(contents), name_(name), in_(contents.raw_.view()) {}

  void decode(std::uint64_t frames_end) {
    const std::uint64_t frames = in_.varint();
    const std::uint64_t chunks = in_.varint();
    const std::uint64_t entries = in_.varint();
    require_room("frames", frames, kLeastFrameRecord);
    require_room("chunks", chunks, kLeastChunkRecord);
    require_room("entries", entries, kLeastEntryRecord);
    if (entries == 0) fail("it has no root");
    decode_frames(frames, chunks, frames_end);
    decode_chunks(chunks);
    decode_entries(entries);
    if (in_.left() != 0) fail(fmt::format("{} bytes follow the last entry", in_.left()));
    check_names_unique();
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ArchiveError(
        fmt::format("{}: index, at its byte {}: {}; the archive is damaged, get another copy",
                    name_, in_.offset(), what));
  }
  void require_whole() const {
    if (in_.failed()) fail("it ends too early");
  }
  void require_room(std::string_view what, std::uint64_t count, std::uint64_t least_bytes) const {
    require_whole();
    if (count > in_.left() / least_bytes || count > kMostNumber) {
      fail(fmt::format("it declares {} {}, for which {} bytes are too few", count, what,
                       in_.left()));
    }
  }

  void decode_frames(std::uint64_t count, std::uint64_t chunks, std::uint64_t frames_end);
  void decode_chunks(std::uint64_t count);
  void decode_entries(std::uint64_t count);
  [[nodiscard]] ArchiveEntry decode_entry(std::size_t number);
  void decode_attributes(ArchiveEntry& entry);
  void decode_runs(ArchiveEntry& entry);
  [[nodiscard]] ChunkRun decode_run();
  [[nodiscard]] std::uint64_t size_of(const ChunkRun& run) const;
  void decode_target(ArchiveEntry& entry);
  void decode_link(ArchiveEntry& entry, std::size_t number);
  void check_names_unique() const;

  ArchiveContents& contents_;
  const std::string& name_;
  ByteReader in_;
  std::vector<std::uint64_t> starts_{};      // of chunks, were all of them one behind the other
  std::vector<std::uint16_t> path_bytes_{};  // of entries
  std::uint32_t previous_parent_ = 0;
  std::uint64_t previous_seconds_ = 0;
  std::int64_t expected_chunk_ = 0;
};

void IndexDecoder::decode_frames(std::uint64_t count, std::uint64_t chunks,
                                 std::uint64_t frames_end) {
  std::uint64_t offset = kHeadBytes;
  std::uint64_t first_chunk = 0;
  contents_.frames_.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t stored = in_.varint();
    const std::uint64_t held = in_.varint();
    const std::uint64_t checksum = in_.u64();
    require_whole();
    if (stored == 0 || stored > kMostStoredFrameBytes || stored > frames_end - offset) {
      fail(fmt::format("frame {} at byte {} declares {} bytes", i, offset, stored));
    }
    if (held == 0 || held > chunks - first_chunk) {
      fail(fmt::format("frame {} declares {} chunks", i, held));
    }
    contents_.frames_.push_back({.offset = offset,
                                 .checksum = checksum,
                                 .stored_bytes = static_cast<std::uint32_t>(stored),
                                 .raw_bytes = 0,
                                 .first_chunk = static_cast<std::uint32_t>(first_chunk),
                                 .chunk_count = static_cast<std::uint32_t>(held)});
    offset += stored;
    first_chunk += held;
  }
  if (offset != frames_end) {
    fail(fmt::format("frames end at byte {}, the index begins at {}", offset, frames_end));
  }
  if (first_chunk != chunks) fail(fmt::format("frames hold {} of {} chunks", first_chunk, chunks));
}

void IndexDecoder::decode_chunks(std::uint64_t count) {
  contents_.chunks_.reserve(static_cast<std::size_t>(count));
  starts_.reserve(static_cast<std::size_t>(count) + 1);
  std::uint64_t start = 0;
  for (std::size_t number = 0; number < contents_.frames_.size(); ++number) {
    FrameRecord& frame = contents_.frames_[number];
    for (std::uint32_t i = 0; i < frame.chunk_count; ++i) {
      const std::uint64_t size = in_.varint();
      require_whole();
      if (size == 0 || size > kMostChunkBytes || frame.raw_bytes + size > kMostFrameBytes) {
        fail(fmt::format("chunk {} declares {} bytes", contents_.chunks_.size(), size));
      }
      contents_.chunks_.push_back({.frame = static_cast<std::uint32_t>(number),
                                   .offset = frame.raw_bytes,
                                   .size_bytes = static_cast<std::uint32_t>(size)});
      starts_.push_back(start);
      start += size;
      frame.raw_bytes += static_cast<std::uint32_t>(size);
    }
  }
  starts_.push_back(start);
  contents_.digests_ = in_.bytes(count * kStoredDigestBytes);
  require_whole();
}

void IndexDecoder::decode_entries(std::uint64_t count) {
  contents_.entries_.reserve(static_cast<std::size_t>(count));
  path_bytes_.reserve(static_cast<std::size_t>(count));
  for (std::size_t number = 0; number < count; ++number) {
    contents_.entries_.push_back(decode_entry(number));
    if (number == 0) previous_seconds_ = 0;
  }
}

ArchiveEntry IndexDecoder::decode_entry(std::size_t number) {
  ArchiveEntry entry;
  const std::uint8_t kind = in_.u8();
  if (kind > static_cast<std::uint8_t>(EntryKind::hard_link)) {
    fail(fmt::format("entry {} is of kind {}, which does not exist", number, kind));
  }
  entry.kind = static_cast<EntryKind>(kind);
  const std::uint64_t parent = previous_parent_ + static_cast<std::uint64_t>(in_.signed_varint());
  const std::uint64_t name_bytes = in_.varint();
  entry.name = in_.bytes(name_bytes);
  require_whole();
  if (number == 0) {
    if (!entry.is_directory() || parent != 0 || !entry.name.empty()) fail("entry 0 is no root");
    path_bytes_.push_back(0);
  } else {
    if (parent >= number || !contents_.entries_[parent].is_directory()) {
      fail(fmt::format("entry {} lies in entry {}, which is no directory before it", number,
                       parent));
    }
    if (!sluice::detail::is_entry_name(entry.name) || entry.name.size() > kMostNameBytes) {
      fail(fmt::format("the name of entry {} is none of a file", number));
    }
    const std::size_t path =
        path_bytes_[parent] + (parent == 0 ? std::size_t{0} : 1) + entry.name.size();
    if (path > kMostPathBytes) fail(fmt::format("the path of entry {} is too long", number));
    path_bytes_.push_back(static_cast<std::uint16_t>(path));
    entry.parent = static_cast<std::uint32_t>(parent);
  }
  previous_parent_ = entry.parent;
  if (entry.kind != EntryKind::implied_directory) decode_attributes(entry);
  if (entry.kind == EntryKind::file) decode_runs(entry);
  if (entry.kind == EntryKind::symlink) decode_target(entry);
  if (entry.kind == EntryKind::hard_link) decode_link(entry, number);
  return entry;
}

void IndexDecoder::decode_attributes(ArchiveEntry& entry) {
  const std::uint64_t mode = in_.varint();
  previous_seconds_ += static_cast<std::uint64_t>(in_.signed_varint());
  const std::uint64_t nanoseconds = in_.varint();
  require_whole();
  if (mode > kMostMode) fail(fmt::format("permissions are {:o}, octal", mode));
  if (nanoseconds > 999'999'999) fail(fmt::format("a time has {} nanoseconds", nanoseconds));
  entry.attributes = {.mode = static_cast<std::uint32_t>(mode),
                      .modified = {.seconds = static_cast<std::int64_t>(previous_seconds_),
                                   .nanoseconds = static_cast<std::uint32_t>(nanoseconds)}};
}

void IndexDecoder::decode_runs(ArchiveEntry& entry) {
  const std::uint64_t count = in_.varint();
  require_room("runs of chunks", count, kLeastRunRecord);
  entry.first_run = contents_.runs_.size();
  entry.run_count = static_cast<std::uint32_t>(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const ChunkRun run = decode_run();
    const std::uint64_t size = size_of(run);
    constexpr std::uint64_t kMostFile = std::numeric_limits<std::int64_t>::max();
    if (size > kMostFile - entry.size_bytes) fail("a file is larger than any file can be");
    entry.size_bytes += size;
    contents_.runs_.push_back(run);
  }
}

ChunkRun IndexDecoder::decode_run() {
  const std::int64_t step = in_.signed_varint();
  const std::uint64_t packed = in_.varint();
  require_whole();
  const std::uint64_t first =
      static_cast<std::uint64_t>(expected_chunk_) + static_cast<std::uint64_t>(step);
  const std::uint64_t count = packed >> 1U;
  const bool repeats = (packed & 1U) != 0;
  const std::uint64_t known = contents_.chunks_.size();
  if (first >= known || count == 0 || count > (repeats ? kMostNumber : known - first)) {
    fail(fmt::format("a file wants {} chunks from number {}, of {}", count, first, known));
  }
  expected_chunk_ = static_cast<std::int64_t>(first + (repeats ? 1 : count));
  return {.first = static_cast<std::uint32_t>(first),
          .count = static_cast<std::uint32_t>(count),
          .repeats = repeats};
}

// Below 2^32 chunks of 2^16 bytes: no overflow.
std::uint64_t IndexDecoder::size_of(const ChunkRun& run) const {
  if (run.repeats) return std::uint64_t{run.count} * contents_.chunks_[run.first].size_bytes;
  return starts_[run.first + run.count] - starts_[run.first];
}

void IndexDecoder::decode_target(ArchiveEntry& entry) {
  const std::uint64_t size = in_.varint();
  entry.target = in_.bytes(size);
  require_whole();
  const bool has_nul = entry.target.find('\0') != std::string_view::npos;
  if (size == 0 || size > kMostTargetBytes || has_nul) fail("a symbolic link leads to no path");
}

void IndexDecoder::decode_link(ArchiveEntry& entry, std::size_t number) {
  const std::uint64_t back = in_.varint();
  require_whole();
  if (back == 0 || back > number) fail("a hard link names no entry before it");
  entry.link_to = static_cast<std::uint32_t>(number - back);
  const EntryKind kind = contents_.entries_[entry.link_to].kind;
  if (kind != EntryKind::file && kind != EntryKind::symlink) {
    fail(fmt::format("a hard link names entry {}, which is no file", entry.link_to));
  }
}

void IndexDecoder::check_names_unique() const {
  const std::vector<ArchiveEntry>& entries = contents_.entries_;
  std::vector<std::uint32_t> order(entries.size() - 1);
  std::iota(order.begin(), order.end(), 1U);
  const auto key = [&](std::uint32_t number) {
    return std::tie(entries[number].parent, entries[number].name);
  };
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
  const auto twice =
      std::adjacent_find(order.begin(), order.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return key(a) == key(b); });
  if (twice != order.end()) {
    fail(fmt::format("entries {} and {} have one path", *twice, *std::next(twice)));
  }
}

ArchiveContents::ArchiveContents(ByteBuffer raw_index, std::uint64_t frames_end,
                                 const std::string& name)
    : raw_(std::move(raw_index)) {
  IndexDecoder(*this, name).decode(frames_end);
}

// From the back: names are found from the last to the first.
std::string ArchiveContents::path(std::size_t entry) const {
  std::size_t size = 0;
  for (std::size_t at = entry; at != 0; at = entries_[at].parent)
    size += entries_[at].name.size() + 1;
  if (size == 0) return {};
  std::string path(size - 1, '/');
  for (std::size_t at = entry; at != 0; at = entries_[at].parent) {
    const std::string_view name = entries_[at].name;
    size -= name.size() + 1;
    path.replace(size, name.size(), name);
  }
  return path;
}

}  // namespace sluice::samples
