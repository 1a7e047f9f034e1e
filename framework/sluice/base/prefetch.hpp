// sluice/base/prefetch.hpp: tells the core which memory is next, while another core may still be writing it.
//
// Hints: they change nothing but the time at which a line is there.
// Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace sluice::detail {

/// What a core fetches at once, on x86 and most ARM cores; kCacheLine is about what is kept apart.
inline constexpr std::size_t kFetchedBytes = 64;

/// The bytes will be read.
inline void expect_read(const void* bytes) noexcept { __builtin_prefetch(bytes); }

/// The bytes will be written: fetched with the right to do so, which a compiler for any x86 does not ask for. All
/// 64-bit ones know the instruction or pass over it.
inline void expect_write(void* bytes) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<char*>(bytes)));
#else
  __builtin_prefetch(bytes, 1);
#endif
}

}  // namespace sluice::detail
