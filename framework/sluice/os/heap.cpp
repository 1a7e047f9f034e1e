// sluice/os/heap.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/heap.hpp>

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <charconv>

namespace sluice::detail {

// "size resident shared ...", in pages.
std::size_t resident_bytes() noexcept {
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::array<char, 128> text{};
  const ssize_t length = ::read(file, text.data(), text.size());
  ::close(file);
  if (length <= 0) return 0;
  std::array<std::size_t, 3> pages{};
  const char* at = text.data();
  const char* const end = at + length;
  for (std::size_t& number : pages) {
    const auto [stop, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) return 0;
    at = stop < end ? stop + 1 : end;
  }
  const std::size_t own = pages[1] > pages[2] ? pages[1] - pages[2] : 0;
  return own * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void trim_heap() noexcept {
#if defined(__GLIBC__)
  static_cast<void>(::malloc_trim(0));
#endif
}

void keep_heap(int free_bytes) noexcept {
#if defined(__GLIBC__)
  static_cast<void>(::mallopt(M_MMAP_THRESHOLD, free_bytes / 2));
  static_cast<void>(::mallopt(M_TRIM_THRESHOLD, free_bytes));
#else
  static_cast<void>(free_bytes);
#endif
}

}  // namespace sluice::detail
