// sluice/sync/ring_index_looks.hpp: how BasicRingIndex is looked at; included by its header.
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/sync/ring_index.hpp>

namespace sluice::detail {

template <class Sync>
bool BasicRingIndex<Sync>::may_have_items(std::uint64_t count) const noexcept {
  // sync-point announce-or-look: the sleeper's look.
  const std::uint64_t tail = put_.word.load(std::memory_order_seq_cst);
  if ((tail & (kClaim | kClosed)) != 0) return true;
  const std::uint64_t head = get_.word.load(std::memory_order_acquire) >> kShift;
  return (tail >> kShift) != head && ((tail >> kShift) - head) >= count;
}

template <class Sync>
bool BasicRingIndex<Sync>::may_have_room(std::uint64_t count, std::size_t weight) const noexcept {
  // sync-point announce-or-look: the sleeper's look. The tail first: what a capacity change or a
  // close did is then visible too.
  const std::uint64_t tail = put_.word.load(std::memory_order_seq_cst);
  if ((tail & (kClaim | kClosed)) != 0) return true;
  const std::uint64_t head = get_.word.load(std::memory_order_seq_cst);
  if ((head & kClaim) != 0) return true;
  const std::uint64_t used = (tail >> kShift) - (head >> kShift);
  const std::uint64_t limit = capacity();
  // A head ahead of the tail means that things moved between the two looks.
  if (static_cast<std::int64_t>(used) <= 0) return true;
  if (used >= limit || limit - used < count) return false;
  if (capacity_bytes_ == 0) return true;
  const std::uint64_t bytes =
      put_.bytes.load(std::memory_order_relaxed) - get_.bytes.load(std::memory_order_relaxed);
  return bytes <= capacity_bytes_ && weight <= capacity_bytes_ - bytes;
}

template <class Sync>
bool BasicRingIndex<Sync>::may_be_empty() const noexcept {
  // sync-point announce-or-look: the sleeper's look. The head first, so that it is not ahead of the tail.
  const std::uint64_t head = get_.word.load(std::memory_order_seq_cst);
  if ((head & kClaim) != 0) return true;
  const std::uint64_t tail = put_.word.load(std::memory_order_seq_cst);
  return (tail & (kClaim | kClosed)) != 0 || tail >> kShift == head >> kShift;
}

template <class Sync>
bool BasicRingIndex<Sync>::has_items() const noexcept {
  const std::uint64_t head = head_word() >> kShift;
  return (tail_word() >> kShift) != head;
}

template <class Sync>
bool BasicRingIndex<Sync>::has_room(std::uint64_t count) const noexcept {
  const std::uint64_t word = tail_word();
  if ((word & kClosed) != 0) return false;
  const std::uint64_t used = (word >> kShift) - (head_word() >> kShift);
  if (static_cast<std::int64_t>(used) <= 0) return true;
  return used < capacity() && capacity() - used >= count &&
         (capacity_bytes_ == 0 || size_bytes() < capacity_bytes_);
}

template <class Sync>
bool BasicRingIndex<Sync>::drained() const noexcept {
  const std::uint64_t tail = tail_word();
  return (tail & kClosed) != 0 && (tail >> kShift) == (head_word() >> kShift);
}

template <class Sync>
std::uint64_t BasicRingIndex<Sync>::size() const noexcept {
  constexpr int kTries = 4;
  std::uint64_t before = head();
  for (int i = 0;; ++i) {
    const std::uint64_t tail_now = tail();
    const std::uint64_t after = head();
    // Unchanged: the size at the moment the tail was read.
    if (before == after || i == kTries) return tail_now > after ? tail_now - after : 0;
    before = after;
  }
}

template <class Sync>
std::size_t BasicRingIndex<Sync>::size_bytes() const noexcept {
  const std::uint64_t out = get_.bytes.load(std::memory_order_acquire);
  const std::uint64_t in = put_.bytes.load(std::memory_order_acquire);
  return in > out ? in - out : 0;
}

}  // namespace sluice::detail
