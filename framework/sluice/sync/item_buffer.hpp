// sluice/sync/item_buffer.hpp: appending items to whatever container the caller has.
//
// Containers are recognised by what they can do, so none has to be included.
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace sluice {

/// A container that items of type T can be appended to: std::vector, std::deque, std::string ...
template <class B, class T>
concept ItemBuffer = requires(B& buffer, T&& item) {
  buffer.push_back(std::move(item));
};

}  // namespace sluice

namespace sluice::detail {

template <class B>
concept Reservable = requires(B& buffer, std::size_t count) {
  buffer.reserve(count);
  { buffer.capacity() } -> std::convertible_to<std::size_t>;
  { buffer.size() } -> std::convertible_to<std::size_t>;
};

template <class B, class T>
concept RangeInsertable = Reservable<B> && requires(B& buffer, const T* first) {
  buffer.insert(buffer.end(), first, first);
};

/// Makes room for some items, at most `wanted`, so that appending them can't throw.
/// `there()` says how many could come; it is only asked when the buffer has to grow.
/// Returns  how many may be appended. Throws  what reserve() throws.
template <class B, class There>
[[nodiscard]] std::size_t make_room(B& buffer, std::size_t wanted, const There& there) {
  if constexpr (Reservable<B>) {
    const std::size_t spare = buffer.capacity() - buffer.size();
    if (spare >= wanted) return wanted;
    std::size_t count = there();
    if (count == 0) count = 1;
    if (count > wanted) count = wanted;
    if (spare >= count) return count;
    // At least doubled, as push_back would do, or repeated calls would copy everything each time.
    const std::size_t doubled = 2 * buffer.capacity();
    const std::size_t needed = buffer.size() + count;
    buffer.reserve(needed > doubled ? needed : doubled);
    return count;
  } else {
    return wanted;
  }
}

}  // namespace sluice::detail
