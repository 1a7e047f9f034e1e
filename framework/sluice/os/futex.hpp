// sluice/os/futex.hpp: sleeping on a word of memory and waking its sleepers.
//
// Only for words that are private to this process. Futexes look at 32 bits; ours is one half of a
// 64-bit word (sync/wait_point.hpp).
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/deadline.hpp>

#include <atomic>
#include <cstdint>

namespace sluice::detail {

/// Blocks   while the upper half of `word` is `expected`, until a wake, a signal or the deadline.
/// Returns  false when the deadline passed; true for every other reason, also for no reason at all.
/// Order    nothing is ordered by this call.
bool futex_wait_upper(const std::atomic<std::uint64_t>& word, std::uint32_t expected,
                      const Deadline& deadline) noexcept;

/// Wakes up to `count` threads that sleep on the upper half of `word`.
void futex_wake_upper(const std::atomic<std::uint64_t>& word, int count) noexcept;

}  // namespace sluice::detail
