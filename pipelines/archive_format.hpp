// pipelines/archive_format.hpp: what an archive of `pack` looks like, and its limits.
//
// head     16 bytes: magic (8), version u32, zero u32
// frames   one after the other, each one frame of zstd: the bytes of some chunks. A chunk is stored
//          once, in the frame of its first appearance
// index    stored as one frame of zstd, or as it is when zstd would shrink it more than
//          kMostIndexRatio times, because that is what a reader refuses
// footer   56 bytes: index offset u64, stored bytes u64, raw bytes u64, XXH3-64 of the stored index
//          u64, zero u64, XXH3-64 of these 40 bytes u64, magic (8)
//
// The index, raw. Numbers are varints (seven bits a byte, lowest first) unless a width is given;
// "signed" is a zigzag varint; fixed widths are little endian:
//   counts   frames, chunks, entries
//   frames   each: stored bytes, number of chunks, XXH3-64 of the stored bytes (u64)
//   chunks   each: bytes; then for each the first 16 bytes of its digest
//   entries  each: kind (u8), parent's number minus the previous entry's (signed), name's length,
//            name; but for implied directories: mode, seconds minus the previous entry's (signed),
//            nanoseconds; then by kind
//            file: number of runs, each: first chunk minus the one expected next (signed), twice
//            the length plus 1 if one chunk is repeated
//            symlink: length, target
//            hard link: own number minus that of the entry it names
// Entry 0 is the root: a directory without a name, whose seconds count from 0 and are not the
// previous ones of entry 1, which are 0 too. An entry's parent is a directory with a lower number,
// and its name is one component: so no path can hold "..", be absolute or lead through a link.
//
// Not kept: owners, access times, extended attributes, access control lists, holes.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec.hpp>
#include <sluice/os/inode.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::samples {

inline constexpr std::string_view kArchiveMagic{"\x8fsluice\n", 8};
inline constexpr std::string_view kArchiveEndMagic{"\nsluice\x8f", 8};
inline constexpr std::uint32_t kArchiveVersion = 1;
inline constexpr std::size_t kHeadBytes = 16;
inline constexpr std::size_t kFooterBytes = 56;
inline constexpr std::size_t kFooterCheckedBytes = 40;
inline constexpr std::size_t kStoredDigestBytes = 16;

/// A frame is complete when it holds that many bytes.
inline constexpr std::size_t kFrameBytes = std::size_t{1} << 20;

// Limits. A writer stays within them, a reader refuses what is beyond before it allocates anything.
inline constexpr std::size_t kMostChunkBytes = 65536;
inline constexpr std::size_t kMostFrameBytes = kFrameBytes + kMostChunkBytes - 1;
inline constexpr std::size_t kMostStoredFrameBytes = kMostFrameBytes + kMostFrameBytes / 128 + 512;
inline constexpr std::uint64_t kMostIndexBytes = 0xffff'ffff;
inline constexpr std::uint64_t kMostIndexRatio = 64;
inline constexpr std::uint32_t kMostNumber = 0xffff'fffe;  // of frames, chunks and entries
inline constexpr std::size_t kMostNameBytes = 255;
inline constexpr std::size_t kMostPathBytes = 4095;    // of a whole path within the archive
inline constexpr std::size_t kMostTargetBytes = 4095;  // of a symbolic link
inline constexpr std::uint32_t kMostMode = 07777;
inline constexpr int kLeastLevel = 1;
inline constexpr int kMostLevel = 19;

using FileTime = sluice::detail::FileTime;

enum class EntryKind : std::uint8_t {
  implied_directory = 0,  ///< leads to a path that was given: nothing of it is kept but its name
  directory = 1,
  file = 2,
  symlink = 3,
  hard_link = 4,  ///< another name of a file or symlink before it
};

/// What is kept of an entry beside its name and contents.
struct EntryAttributes {
  std::uint32_t mode = 0;
  FileTime modified{};

  friend bool operator==(const EntryAttributes&, const EntryAttributes&) = default;
};

/// Chunks that follow one another in a file: numbers that count up, or one number again and again.
struct ChunkRun {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool repeats = false;

  friend bool operator==(const ChunkRun&, const ChunkRun&) = default;
};

/// An archive that can't be read. The text is one line: the archive, where in it, what is wrong,
/// what can be done.
class ArchiveError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sluice::samples

/// An entry that comes from a worker process is of a kind that there is.
template <>
struct sluice::enum_range<sluice::samples::EntryKind> {
  static constexpr auto least = samples::EntryKind::implied_directory;
  static constexpr auto most = samples::EntryKind::hard_link;
};
