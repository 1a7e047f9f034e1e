// sluice/codec/bytes.hpp: a growing row of bytes, and who appends to it and reads from it.
//
// (1) The reader compares every length with what is left before it reads or allocates anything.
// (2) Bytes mean the same to every process of this machine that runs the same program; there is no
//     byte order and no version in them.
// Layer: codec. API, by way of <sluice/codec.hpp>.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

/// Bytes that are not what encode() made of such a value.
class DecodeError : public std::runtime_error {
 public:
  DecodeError(std::size_t offset, std::string_view type, std::string_view what);

  /// Where in the bytes the reader stopped.
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }

 private:
  std::size_t offset_;
};

/// A value of a portable type that has no encoding: nested too deep, or a variant without a value.
class EncodeError : public std::runtime_error {
 public:
  EncodeError(std::string_view type, std::string_view what);
};

/// How deep values of a type that contains itself may nest.
inline constexpr unsigned kMaxNesting = 64;

/// A growing row of bytes; unlike a vector it doesn't fill what it is about to overwrite.
class Bytes {
 public:
  Bytes() noexcept = default;
  Bytes(Bytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Bytes& operator=(Bytes&& other) noexcept {
    swap(other);
    return *this;
  }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { release(); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::byte* data() noexcept { return data_; }
  [[nodiscard]] const std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::span<const std::byte> view() const noexcept { return {data_, size_}; }
  // NOLINTNEXTLINE: bytes are handed to whoever reads bytes
  operator std::span<const std::byte>() const noexcept { return view(); }

  void append(const void* from, std::size_t count) {
    if (count > capacity_ - size_) grow(count);
    if (count > 0) __builtin_memcpy(data_ + size_, from, count);
    size_ += count;
  }
  /// Appends bytes that the caller writes. Returns  where they are. Throws  std::bad_alloc.
  [[nodiscard]] std::byte* extend(std::size_t count) {
    if (count > capacity_ - size_) grow(count);
    size_ += count;
    return data_ + size_ - count;
  }
  /// Makes room for `capacity` bytes in all. Throws  std::bad_alloc.
  void reserve(std::size_t capacity) {
    if (capacity > capacity_) grow(capacity - size_);
  }
  /// What is added has no particular value. Throws  std::bad_alloc.
  void resize(std::size_t size) {
    reserve(size);
    size_ = size;
  }
  void clear() noexcept { size_ = 0; }
  /// Gives the memory back, too.
  void release() noexcept;
  void swap(Bytes& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  void grow(std::size_t count);

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

class BlockSink;    // shared_bytes.hpp
class BlockSource;  // shared_bytes.hpp

/// What codec<T>::write() appends to.
class Writer {
 public:
  /// `sink` may take shared bytes, so that a reference is written in their place.
  explicit Writer(Bytes& to, BlockSink* sink = nullptr) noexcept : to_(to), sink_(sink) {}

  /// Appends a value of a portable type.
  template <class T>
  void put(const T& value);

  void put_raw(const void* from, std::size_t count) { to_.append(from, count); }
  /// Appends bytes that the caller writes. Returns  where they are, until the next put.
  [[nodiscard]] std::byte* put_room(std::size_t count) { return to_.extend(count); }
  /// Appends a length.
  void put_count(std::size_t count) {
    if (count < kWide) {
      const auto narrow = static_cast<std::uint32_t>(count);
      to_.append(&narrow, sizeof narrow);
    } else {
      put_wide_count(count);
    }
  }

  void enter(std::string_view type) {
    if (++depth_ > kMaxNesting) fail_nesting(type);
  }
  void leave() noexcept { --depth_; }

  [[nodiscard]] BlockSink* sink() const noexcept { return sink_; }

  static constexpr std::uint32_t kWide = ~std::uint32_t{0};  ///< as a length: 64 bits follow

 private:
  void put_wide_count(std::uint64_t count);
  [[noreturn]] static void fail_nesting(std::string_view type);

  Bytes& to_;
  BlockSink* sink_;
  unsigned depth_ = 0;
};

/// What codec<T>::read() reads from. Everything throws DecodeError on bytes that don't fit.
class Reader {
 public:
  /// `type` is for messages; `source` knows the shared bytes to which the bytes only refer.
  Reader(std::span<const std::byte> from, std::string_view type,
         BlockSource* source = nullptr) noexcept
      : begin_(from.data()),
        at_(from.data()),
        end_(from.data() + from.size()),
        source_(source),
        type_(type) {}

  /// Reads a value of a portable type.
  template <class T>
  [[nodiscard]] T get();

  void get_raw(void* to, std::size_t count) {
    if (count > left()) fail_short(count);
    if (count > 0) __builtin_memcpy(to, at_, count);
    at_ += count;
  }
  /// Returns  the next bytes as they are, as long as those that are read exist.
  [[nodiscard]] const std::byte* get_view(std::size_t count) {
    if (count > left()) fail_short(count);
    at_ += count;
    return at_ - count;
  }
  /// Reads a length of things that take at least `least` bytes each (at least 1): refused when
  /// that is more than what is left.
  [[nodiscard]] std::size_t get_count(std::size_t least) {
    std::uint32_t narrow = 0;
    get_raw(&narrow, sizeof narrow);
    std::uint64_t count = narrow;
    if (narrow == Writer::kWide) get_raw(&count, sizeof count);
    if (count > left() / least) fail_count(count);
    return static_cast<std::size_t>(count);
  }

  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] std::size_t offset() const noexcept {
    return static_cast<std::size_t>(at_ - begin_);
  }
  /// How many things of `size` bytes to make room for before any was read: what a large count
  /// claims is believed only as far as there are bytes to back it.
  [[nodiscard]] std::size_t believable(std::size_t count, std::size_t size) const noexcept {
    const std::size_t backed = (4 * left() + 1024) / size + 1;
    return count < backed ? count : backed;
  }

  void enter() {
    if (++depth_ > kMaxNesting) fail("it is nested too deep");
  }
  void leave() noexcept { --depth_; }

  [[nodiscard]] BlockSource* source() const noexcept { return source_; }

  /// Throws  DecodeError with the present offset.
  [[noreturn]] void fail(std::string_view what) const;
  /// Throws  DecodeError with the offset of a byte that get_view() has returned.
  [[noreturn]] void fail_at(const std::byte* at, std::string_view what) const;
  /// Throws unless everything was read.
  void expect_end() const {
    if (at_ != end_) fail_rest();
  }

 private:
  [[noreturn]] void fail_short(std::size_t count) const;
  [[noreturn]] void fail_count(std::uint64_t count) const;
  [[noreturn]] void fail_rest() const;

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
  BlockSource* source_;
  std::string_view type_;
  unsigned depth_ = 0;
};

}  // namespace sluice
