// sluice/base/cache_line.hpp: how far apart data must lie so that two cores don't fight over it.
// Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace sluice::detail {

/// Two lines of 64 bytes: the prefetchers of common x86 cores fetch lines in aligned pairs, and some
/// ARM cores have lines of 128 bytes. The standard's own constant is missing in clang 14.
inline constexpr std::size_t kCacheLine = 128;

}  // namespace sluice::detail
