// sluice/os/heap.hpp: how much memory the process really has, and giving back what is free.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace sluice::detail {

/// Resident memory that belongs to no file, in bytes; 0 when the system does not tell. Threads  any.
[[nodiscard]] std::size_t resident_bytes() noexcept;

/// Gives free pages of the heap back to the system, where the C library can (glibc). Other threads' allocations
/// wait meanwhile. Threads  any.
void trim_heap() noexcept;

/// From now on the heap keeps up to `free_bytes` at its end, and blocks of up to half of that lie in it, so that
/// memory which comes and goes need not be made anew, page by page. Any time; for the whole process.
void keep_heap(int free_bytes) noexcept;

}  // namespace sluice::detail
