// sluice/shared_bytes.hpp: large payloads that are shared instead of copied.
//
// (1) A block is written once, by the one who makes it, before any SharedBytes refers to it; nobody
//     writes to it afterwards. So any number of threads may read it without further ado.
// (2) A block's count is the number of SharedBytes that refer to it. Who takes it to zero gives the
//     memory back, after all reads by others: sync-point shared-bytes-last in the source.
// (3) The memory may be somebody else's, a mapped segment for instance: then its owner is told when
//     nobody refers to it any more, once.
// (4) The bytes may be elsewhere still, in the block of another process: they are fetched when somebody
//     looks at them first, once, by whichever thread that is. What is only passed on is never fetched.
// Layer: codec. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec/bytes.hpp>
#include <sluice/codec/custom.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace sluice {

template <class T>
struct weigher;  // weight.hpp

/// An immutable row of bytes, or a part of one, that copies share. A copy costs one atomic increment,
/// whatever the size. As an item between processes it may travel as a reference; the bytes then stay
/// where they are (BlockSink, BlockSource).
/// Threads  different objects: any, also of one block. One object: as with an int.
class SharedBytes {
 public:
  /// Told once that nobody refers to the block any more, by the thread that was the last to.
  using Release = void (*)(void* context, const std::byte* data, std::size_t size) noexcept;
  /// Returns  where the bytes are from now on; the same at every call, from any thread. May throw.
  using Fetch = const std::byte* (*)(void* context);
  static constexpr std::size_t kToEnd = ~std::size_t{0};

  /// No bytes, and no block.
  SharedBytes() noexcept = default;
  /// For memory that is somebody else's and doesn't change: `release(context, data, size)` is called
  /// once nobody refers to it, also when this throws (std::bad_alloc).
  SharedBytes(const std::byte* data, std::size_t size, Release release, void* context);
  /// For `size` bytes (at least one) that are elsewhere until somebody looks. `release` is given no data.
  SharedBytes(std::size_t size, Fetch fetch, Release release, void* context);
  SharedBytes(const SharedBytes& other) noexcept
      : block_(other.block_), data_(other.data_), size_(other.size_) {
    if (block_ != nullptr) add_reference();
  }
  SharedBytes(SharedBytes&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    swap(other);
    return *this;
  }
  ~SharedBytes() {
    if (block_ != nullptr) drop_reference();
  }

  /// Returns  a block with a copy of these bytes. Throws  std::bad_alloc.
  [[nodiscard]] static SharedBytes copy_of(std::span<const std::byte> bytes);
  /// Returns  a block of `size` bytes after `fill(std::span<std::byte>)` has written them. What it
  ///          does not write has no particular value. The memory is aligned to a cache line.
  /// Throws  std::bad_alloc, what `fill` throws.
  template <class Fill>
  [[nodiscard]] static SharedBytes make(std::size_t size, Fill&& fill) {
    std::byte* memory = nullptr;
    SharedBytes bytes = allocated(size, memory);
    std::forward<Fill>(fill)(std::span<std::byte>(memory, size));
    return bytes;
  }

  /// Throws  what fetching throws, where the bytes are elsewhere: std::bad_alloc, std::system_error. So do
  ///         span(), the conversion and comparisons. An object that has thrown may be asked again.
  [[nodiscard]] const std::byte* data() const { return is_elsewhere() ? fetched() : data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::span<const std::byte> span() const { return {data(), size_}; }
  // NOLINTNEXTLINE: bytes are handed to whoever reads bytes
  operator std::span<const std::byte>() const { return span(); }

  /// Returns  `length` of these bytes from `offset` on, as far as there are any; they share the block,
  ///          which lives as long as any part of it.
  /// Throws  UsageError when `offset` is past the end.
  [[nodiscard]] SharedBytes slice(std::size_t offset, std::size_t length = kToEnd) const;

  /// Returns  how many SharedBytes refer to the block; 0 if there is none. A value that is old at once
  ///          when other threads hold some.
  [[nodiscard]] std::size_t use_count() const noexcept;
  /// Returns  the context given along with `release`; nullptr if the memory was not given with it. So
  ///          an owner knows its own memory again.
  [[nodiscard]] void* context_of(Release release) const noexcept;

  // ---- for transports ------------------------------------------------------------------------------

  /// Whether looking at them would fetch them, or has fetched them.
  [[nodiscard]] bool is_elsewhere() const noexcept { return data_ == nullptr && size_ != 0; }
  /// Returns  all bytes of the block; of memory without one, these.
  [[nodiscard]] SharedBytes whole() const noexcept;
  /// Returns  where these bytes begin in whole().
  [[nodiscard]] std::size_t offset_in_whole() const noexcept;
  /// A second place with the same bytes as whole(), kept as long as the block. The first one stays.
  void keep_twin(const SharedBytes& twin) const noexcept;
  /// Returns  that place; empty if there is none.
  [[nodiscard]] SharedBytes twin() const noexcept;

  void swap(SharedBytes& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  /// By content; order as of unsigned bytes.
  friend bool operator==(const SharedBytes& a, const SharedBytes& b) {
    return a.size_ == b.size_ && compare(a, b) == 0;
  }
  friend std::strong_ordering operator<=>(const SharedBytes& a, const SharedBytes& b) {
    return compare(a, b) <=> 0;
  }

 private:
  struct Block;
  struct Part;

  static SharedBytes allocated(std::size_t size, std::byte*& memory);
  static int compare(const SharedBytes& a, const SharedBytes& b);
  [[nodiscard]] static const SharedBytes* whole_of(const Block* block) noexcept;
  [[nodiscard]] const std::byte* fetched() const;
  void add_reference() const noexcept;
  void drop_reference() noexcept;

  Block* block_ = nullptr;
  const std::byte* data_ = nullptr;  // nullptr: none, or elsewhere
  std::size_t size_ = 0;
};

/// Where a block is, in terms that only a sink and its source understand.
struct BlockReference {
  std::uint64_t words[3];
};

/// The side of a transport that can carry a block without its bytes being copied. Given to a Writer.
class BlockSink {
 public:
  /// Asked for each SharedBytes that is encoded.
  /// Returns  true: the transport keeps the block within reach of the reader, and `to` says where it
  ///          is. false: the bytes are to be written, which is best for few.
  /// What it has accepted for bytes that are never sent (because the encoding of another part threw) is
  /// its own business.
  virtual bool take(const SharedBytes& block, BlockReference& to) = 0;

 protected:
  BlockSink() = default;
  ~BlockSink() = default;
};

/// The other side. Given to a Reader.
class BlockSource {
 public:
  /// Returns  the block that a sink has described so. Every word may be a lie: it checks them all.
  /// Throws  DecodeError, best by from.fail(what).
  virtual SharedBytes give(const BlockReference& reference, const Reader& from) = 0;

 protected:
  BlockSource() = default;
  ~BlockSource() = default;
};

/// Every item that refers to a block counts all of its bytes: what is shared is counted by each.
template <>
struct weigher<SharedBytes> {
  static std::size_t held_bytes(const SharedBytes& bytes) noexcept { return bytes.size(); }
};

/// A byte that says which, then a reference, or a length and the bytes.
template <>
struct codec<SharedBytes> {
  static void write(const SharedBytes& bytes, Writer& to);
  static SharedBytes read(Reader& from);
  static constexpr std::size_t min_size = 1 + sizeof(std::uint32_t);
};

}  // namespace sluice
