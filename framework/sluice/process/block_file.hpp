// sluice/process/block_file.hpp: memory for one large payload at a time, which one process writes and
// others read; and the payloads in it.
//
// (1) Nobody but its maker can write to a block file, through the mapping that he had before it was sealed;
//     its size is fixed and all its memory is there. So no look at it can fault.
// (2) Its maker uses it again, for another payload, once nobody refers to the last one. So whoever looks at
//     a payload copies it first, once: what he then has can't change, whatever the maker does. A maker that
//     writes too early harms his own payload, before anybody has seen it.
// (3) A payload in a file (bytes_in_file) is a number of bytes and a reference to the file: neither mapped
//     nor copied until somebody looks. When the last reference to it goes, its file's owner is told, once.
// (4) A file lives as long as a process has its descriptor or a mapping. It has no name: nothing stays.
// Owners: file: whoever holds a shared_ptr, in each process. FiledBytes: the block of the SharedBytes.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/memory_map.hpp>
#include <sluice/os/mutex.hpp>
#include <sluice/shared_bytes.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sluice::detail {

class BlockFile {
 public:
  /// One that this process writes. Throws  std::system_error when there is no memory or descriptor left.
  [[nodiscard]] static std::shared_ptr<BlockFile> make(std::size_t size);
  /// One that another process has made. Returns  nullptr unless (1) holds of it.
  [[nodiscard]] static std::shared_ptr<BlockFile> adopt(Descriptor descriptor);

  BlockFile(MemoryFile file, std::size_t size) noexcept : file_(std::move(file)), size_(size) {}
  BlockFile(const BlockFile&) = delete;
  BlockFile& operator=(const BlockFile&) = delete;

  /// Names it in this process; never used again.
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const Descriptor& descriptor() const noexcept { return file_.descriptor(); }
  /// Nobody has to be sent it any more; mappings stay.
  void close_descriptor() noexcept { static_cast<void>(std::move(file_).take_descriptor()); }

  /// To write to, of a file that was made here.
  [[nodiscard]] std::byte* room() const noexcept { return map_.data(); }
  /// To copy from. Maps it at the first call. Any thread. Throws  std::system_error.
  [[nodiscard]] const std::byte* bytes();

 private:
  static std::uint64_t next_id() noexcept;

  MemoryFile file_;
  std::size_t size_;
  std::uint64_t id_ = next_id();
  Mutex mutex_;
  MemoryMap map_;  // under the mutex, of an adopted one
};

/// Told by the thread that was the last to refer to a payload.
class BlockOwner {
 public:
  virtual void given_back(const std::shared_ptr<BlockFile>& file, std::uint32_t slot) noexcept = 0;

 protected:
  ~BlockOwner() = default;
};

/// The first `size` bytes of a file, (3). `slot` is for the owner. Throws  std::bad_alloc: then the owner is told.
[[nodiscard]] SharedBytes bytes_in_file(std::shared_ptr<BlockFile> file, std::size_t size,
                                        std::shared_ptr<BlockOwner> owner, std::uint32_t slot);

/// Where bytes are that were made so, or a part of them: themselves or their twin. No file: nowhere.
struct PlaceInFile {
  std::shared_ptr<BlockFile> file{};
  std::size_t whole = 0;  ///< bytes of the payload in the file
  std::size_t offset = 0;
};
[[nodiscard]] PlaceInFile place_of(const SharedBytes& bytes) noexcept;

/// Files that this process writes, one payload after the other. Threads  any.
class BlockPool final : public BlockOwner, public std::enable_shared_from_this<BlockPool> {
 public:
  /// `most`: files at a time.
  explicit BlockPool(std::size_t most) noexcept : most_(most) {}
  /// A copy of these bytes in a file; none when there are files enough.
  /// Throws  std::bad_alloc, std::system_error.
  [[nodiscard]] SharedBytes copy_of(std::span<const std::byte> bytes);
  void given_back(const std::shared_ptr<BlockFile>& file, std::uint32_t slot) noexcept override;

 private:
  [[nodiscard]] std::shared_ptr<BlockFile> take_idle(std::size_t capacity) noexcept;
  [[nodiscard]] bool may_make() noexcept;

  const std::size_t most_;
  Mutex mutex_;
  std::size_t files_ = 0;                           // under the mutex: idle and in use
  std::vector<std::shared_ptr<BlockFile>> idle_{};  // under the mutex
  std::size_t idle_bytes_ = 0;                      // likewise
};

/// What a file for so many bytes is made for: some sizes that fit others, too; large ones exactly.
[[nodiscard]] std::size_t block_capacity(std::size_t size) noexcept;
/// Larger files are not used again.
inline constexpr std::size_t kMostKeptBlock = std::size_t{8} << 20;
/// What a writer keeps for use again.
inline constexpr std::size_t kMostKeptBytes = std::size_t{32} << 20;

/// Descriptors that may be spent on block files: half of the process's limit, of which a channel gets no more
/// than an eighth and the last ones may get none.
class BlockAllowance {
 public:
  explicit BlockAllowance(std::size_t wanted) noexcept;
  BlockAllowance(const BlockAllowance&) = delete;
  BlockAllowance& operator=(const BlockAllowance&) = delete;
  ~BlockAllowance();
  [[nodiscard]] std::size_t granted() const noexcept { return granted_; }

 private:
  std::size_t granted_ = 0;
};

/// What this process has done with payloads in files, since it began.
struct BlockCounts {
  std::uint64_t written = 0;   ///< copied into a file
  std::uint64_t received = 0;  ///< came by reference
  std::uint64_t lent = 0;      ///< went by reference
  std::uint64_t fetched = 0;   ///< copied out of a file, because somebody looked
  std::uint64_t mapped = 0;    ///< files that others have made
};
[[nodiscard]] BlockCounts block_counts() noexcept;
enum class BlockCount : std::uint8_t { written, received, lent, fetched, mapped };
void count_block(BlockCount what) noexcept;

}  // namespace sluice::detail
