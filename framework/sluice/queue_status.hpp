// sluice/queue_status.hpp: how the calls on a queue end.
//
// These are expected outcomes, so they are values and nothing is thrown. Misuse throws UsageError.
// Layer: queue. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

/// How a put ended. Whatever is not `ok` leaves the item with the caller, untouched.
enum class [[nodiscard]] PutStatus : unsigned char{
    ok,
    full,     ///< still full at the deadline
    closed,   ///< the queue takes no more items
    stopped,  ///< the stop token ended the wait
};

/// How a get ended.
enum class [[nodiscard]] GetStatus : unsigned char{
    ok,
    empty,    ///< still empty at the deadline
    closed,   ///< closed and empty: nothing will ever come
    stopped,  ///< the stop token ended the wait
};

/// How put_many() ended.
struct [[nodiscard]] PutManyResult {
  std::size_t accepted = 0;          ///< so many items from the front are in the queue, moved from
  PutStatus status = PutStatus::ok;  ///< ok: all of them; else why the rest was refused
};

/// How get_many() ended.
struct [[nodiscard]] GetManyResult {
  std::size_t count = 0;  ///< items appended to the buffer; more than 0 exactly when ok
  GetStatus status = GetStatus::ok;
  std::uint64_t first = 0;  ///< ordinal (from 0, over all puts) of the first; the rest follow it
};

/// The capacity of a queue that only memory bounds.
struct Unbounded {
  constexpr operator std::size_t() const noexcept { return ~std::size_t{0}; }
};
inline constexpr Unbounded unbounded{};

}  // namespace sluice
