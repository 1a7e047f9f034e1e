// pipelines/content_comparer.hpp: which files of one size have the same bytes.
//
// (1) Exact: files are called equal when all of their bytes were compared, one by one. The hash only decides
//     which of many blocks are worth comparing; a bad hash costs time and changes no result.
// (2) A file is read once, up to the first block that no other file shares: all that are still alike are read
//     side by side, block by block.
// (3) A file that is another one than was found, or has another size or time, before or after it was read, has
//     failed: its contents are of no single moment.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <byte_buffer.hpp>
#include <found_files.hpp>

#include <sluice/os/descriptor.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::samples {

/// 128 bits of a block's content.
struct ContentHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend auto operator<=>(const ContentHash&, const ContentHash&) = default;
};
/// XXH3 of 128 bits.
[[nodiscard]] ContentHash content_hash(std::string_view bytes);
using HashFunction = ContentHash (*)(std::string_view);

struct CompareOptions {
  std::size_t open_files = 64;  ///< kept open at once; others are opened for every block
  /// Files that fall apart at their beginning, with more than this still to be read, are left to several calls.
  std::uint64_t most_bytes = std::uint64_t{64} << 20;
  HashFunction hash = content_hash;
};

struct FailedFile {
  FileId file{};
  std::string reason{};
};

/// What became of files of one size. Who is in no class is unlike all others.
struct ContentClasses {
  std::vector<std::vector<FileId>> equal{};
  std::vector<std::vector<FileId>> alike{};  ///< the same beginning; to be compared on
  std::vector<FailedFile> failed{};
};

/// Threads  one at a time; each worker has its own.
class ContentComparer {
 public:
  /// Bytes of the first block.
  static constexpr std::size_t kHeadBytes = 4096;

  explicit ContentComparer(const CompareOptions& options) : options_(options) {}

  enum class Undecided : unsigned char { allowed, refused };

  /// Compares files of `size` bytes; leaves some undecided (ContentClasses::alike) only when that is allowed.
  ///
  /// Blocks   while the file system reads.
  [[nodiscard]] ContentClasses compare(const FoundFiles& files, std::span<const FileId> members,
                                       std::uint64_t size,
                                       Undecided undecided = Undecided::allowed);

  /// The hash of the first `bytes` of a file: all of it, or the head.
  /// Throws   std::runtime_error with the reason as its text.
  [[nodiscard]] ContentHash hash(const FoundFiles& files, FileId file, std::uint64_t bytes);

 private:
  using Places = std::vector<std::size_t>;  // in members_
  struct Alike {
    Places places{};
    std::uint64_t offset = 0;  // up to here they are equal
  };

  void open(std::size_t place, sluice::detail::Descriptor& file);
  [[nodiscard]] bool read(std::size_t place, std::uint64_t offset, std::span<char> to, bool check);
  [[nodiscard]] std::vector<Places> read_and_part(const Places& places, std::uint64_t offset,
                                                  std::size_t block);
  [[nodiscard]] std::vector<Places> part(Places& places, std::size_t block);
  void part_by_hash(const Places& places, std::size_t block, std::vector<Places>& to);
  [[nodiscard]] const char* block_of(std::size_t slot, std::size_t block) noexcept {
    return blocks_.data() + slot * block;
  }
  [[nodiscard]] std::vector<FileId> ids(const Places& places) const;
  void close(const Places& places) noexcept;
  void fail(std::size_t place, std::string reason);

  CompareOptions options_;
  const FoundFiles* files_ = nullptr;
  std::span<const FileId> members_{};
  std::uint64_t size_ = 0;
  ContentClasses classes_{};
  std::vector<sluice::detail::Descriptor> open_{};  // by place
  std::vector<std::size_t> slots_{};                // by place: which block it was read into
  std::size_t opened_ = 0;
  ByteBuffer blocks_{};
  std::string path_{};
};

}  // namespace sluice::samples
