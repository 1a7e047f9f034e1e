// sluice/os/memory_map.hpp: a memory file in this process's address space.
//
// LogMap shows a file of one head page and a ring of bytes so that the ring is there twice, back to
// back: what begins in the first showing and goes over its end is still one piece.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/memory_file.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::detail {

/// `frozen`: for reading a file that nobody writes any more. Kernels before 6.7 refuse to share such a
/// file even for reading, because its descriptor could write; privately it is the same pages.
enum class MapAccess : unsigned char { read, read_and_write, frozen };

[[nodiscard]] std::size_t page_size() noexcept;

/// A range of addresses; unmapped by the destructor.
class MemoryMap {
 public:
  MemoryMap() noexcept = default;
  /// The first `size` bytes. Throws  std::system_error.
  MemoryMap(const MemoryFile& file, std::size_t size, MapAccess access);
  MemoryMap(MemoryMap&& other) noexcept;
  MemoryMap& operator=(MemoryMap&& other) noexcept;
  MemoryMap(const MemoryMap&) = delete;
  MemoryMap& operator=(const MemoryMap&) = delete;
  ~MemoryMap();

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

 private:
  friend class LogMap;
  MemoryMap(std::byte* data, std::size_t size) noexcept : data_(data), size_(size) {}

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

class LogMap {
 public:
  /// `ring_size` is a multiple of the page size and the file has a page more.
  /// Throws  std::system_error.
  LogMap(const MemoryFile& file, std::size_t ring_size, MapAccess access);

  [[nodiscard]] std::byte* head() const noexcept { return map_.data(); }
  /// Readable, and writable if the map is, for twice the ring's size.
  [[nodiscard]] std::byte* ring() const noexcept { return map_.data() + page_size(); }
  [[nodiscard]] std::size_t ring_size() const noexcept { return ring_size_; }

 private:
  std::size_t ring_size_;
  MemoryMap map_;
};

}  // namespace sluice::detail
