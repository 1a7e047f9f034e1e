// sluice/sync/ring_storage.hpp: the memory of a ring of items of one type.
//
// A ring of a power of two slots, indexed by count modulo slots. It may have fewer slots than the
// queue's capacity; it is then replaced by one of twice the size when it is full.
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/sync/ring_index.hpp>
#include <sluice/sync/ring_items.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>

namespace sluice::detail {

/// Throws  UsageError when a bound in bytes is asked for without a way to weigh items.
void check_weigher(bool bounded_in_bytes, bool weighs);

template <class T>
class RingStorage {
  using Items = RingItems<T>;

 public:
  using Slot = typename Items::Slot;

  /// Slots to begin with: all of a small capacity, some of a large one.
  [[nodiscard]] static std::size_t first_count(std::size_t capacity) noexcept {
    return std::bit_ceil(capacity < kFirstSlots ? capacity : kFirstSlots);
  }

  /// Throws  std::bad_alloc.
  [[nodiscard]] static RingSlots make(std::size_t count, bool weighs) {
    if (count > std::numeric_limits<std::size_t>::max() / 2 / sizeof(Slot)) throw std::bad_alloc();
    RingSlots slots{.items = ::operator new(count * sizeof(Slot), kAlign), .mask = count - 1};
    if (!weighs) return slots;
    try {
      slots.weights = new std::size_t[count];
    } catch (...) {
      release(slots);
      throw;
    }
    return slots;
  }
  static void release(const RingSlots& slots) noexcept {
    ::operator delete(slots.items, kAlign);
    delete[] slots.weights;
  }

  [[nodiscard]] static Slot* at(const RingSlots& slots, std::uint64_t index) noexcept {
    return static_cast<Slot*>(slots.items) + (index & slots.mask);
  }
  [[nodiscard]] static std::size_t& weight(const RingSlots& slots, std::uint64_t index) noexcept {
    return slots.weights[index & slots.mask];
  }
  /// How many slots from `index` on lie one behind the other, at most `count`.
  [[nodiscard]] static std::size_t in_a_row(const RingSlots& slots, std::uint64_t index,
                                            std::size_t count) noexcept {
    const std::size_t to_end = slots.count() - (index & slots.mask);
    return count < to_end ? count : to_end;
  }

  static void relocate(const RingSlots& from, const RingSlots& to, std::uint64_t first,
                       std::uint64_t last) noexcept {
    for (std::uint64_t i = first; i != last; ++i) {
      Items::relocate(at(from, i), at(to, i));
      if (to.weights != nullptr) weight(to, i) = weight(from, i);
    }
  }
  /// Destroys `count` items and frees the memory.
  static void destroy(const RingSlots& slots, std::uint64_t first, std::uint64_t count) noexcept {
    for (std::uint64_t i = first; i != first + count; ++i) Items::destroy(at(slots, i));
    release(slots);
  }

 private:
  static constexpr std::size_t kFirstSlots = 4096;
  static constexpr std::align_val_t kAlign{alignof(Slot) < 64 ? 64 : alignof(Slot)};
};

}  // namespace sluice::detail
