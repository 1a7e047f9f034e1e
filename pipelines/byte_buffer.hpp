// pipelines/byte_buffer.hpp: bytes that are used again, without being set to zero first.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec.hpp>
#include <sluice/weight.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace sluice::samples {

/// A block of memory with a size and a capacity. Movable; a moved-from buffer is empty and usable.
class ByteBuffer {
 public:
  ByteBuffer() noexcept = default;
  ByteBuffer(ByteBuffer&& other) noexcept
      : bytes_(std::move(other.bytes_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;
  ~ByteBuffer() = default;

  [[nodiscard]] char* data() noexcept { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.get(), size_}; }

  void clear() noexcept { size_ = 0; }

  /// Makes room; contents stay. Throws  std::bad_alloc.
  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }

  /// Sets the size; bytes beyond the old size hold anything. Throws  std::bad_alloc.
  void resize(std::size_t size) {
    if (size > capacity_) reserve(std::max(size, 2 * capacity_));
    size_ = size;
  }

  /// Throws  std::bad_alloc.
  void append(std::string_view bytes) {
    const std::size_t before = size_;
    resize(before + bytes.size());
    if (!bytes.empty()) std::memcpy(bytes_.get() + before, bytes.data(), bytes.size());
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace sluice::samples

/// As SharedBytes, so that many bytes go from process to process by reference.
template <>
struct sluice::codec<sluice::samples::ByteBuffer> {
  static void write(const samples::ByteBuffer& buffer, Writer& to);
  static samples::ByteBuffer read(Reader& from);
};

/// The whole block, however much of it is in use.
template <>
struct sluice::weigher<sluice::samples::ByteBuffer> {
  static std::size_t held_bytes(const samples::ByteBuffer& buffer) noexcept {
    return buffer.capacity();
  }
};
