// sluice/os/memory_map.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/memory_map.hpp>

#include <sluice/os/file.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

int protection(MapAccess access) noexcept {
  return access == MapAccess::read_and_write ? PROT_READ | PROT_WRITE : PROT_READ;
}

[[noreturn]] void fail(const MemoryFile& file, std::size_t size) {
  throw_os_error(errno, fmt::format("map {} bytes of the memory of", size), file.purpose());
}

// Without its pages being touched here: a fault later is cheap, the memory is reserved.
std::byte* map_at(const MemoryFile& file, std::byte* where, std::size_t offset, std::size_t size,
                  MapAccess access) {
  const int flags =
      (access == MapAccess::frozen ? MAP_PRIVATE : MAP_SHARED) | (where == nullptr ? 0 : MAP_FIXED);
  void* const found = mmap(where, size, protection(access), flags, file.descriptor().number(),
                           static_cast<off_t>(offset));
  if (found == MAP_FAILED) fail(file, size);
  return static_cast<std::byte*>(found);
}

}  // namespace

std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

MemoryMap::MemoryMap(const MemoryFile& file, std::size_t size, MapAccess access)
    : data_(map_at(file, nullptr, 0, size, access)), size_(size) {}

MemoryMap::MemoryMap(MemoryMap&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MemoryMap& MemoryMap::operator=(MemoryMap&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MemoryMap::~MemoryMap() {
  if (data_ != nullptr) munmap(data_, size_);
}

LogMap::LogMap(const MemoryFile& file, std::size_t ring_size, MapAccess access)
    : ring_size_(ring_size) {
  // The addresses are reserved by one mapping first, so that nothing else can get in between.
  const std::size_t whole = page_size() + 2 * ring_size;
  void* const found = mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (found == MAP_FAILED) fail(file, whole);
  map_ = MemoryMap(static_cast<std::byte*>(found), whole);
  map_at(file, map_.data(), 0, page_size() + ring_size, access);
  map_at(file, map_.data() + page_size() + ring_size, page_size(), ring_size, access);
}

}  // namespace sluice::detail
