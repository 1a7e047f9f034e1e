// sluice/sync/ring_index_impl.hpp: the functions of BasicRingIndex; included by its header.
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/sync/ring_index.hpp>

namespace sluice::detail {

// ---- putting ---------------------------------------------------------------------------------------

template <class Sync>
inline bool BasicRingIndex<Sync>::claim_put_at_once(Grant& grant) noexcept {
  std::uint64_t word = put_.word.load(std::memory_order_relaxed);
  if ((word & kFlags) != 0) return false;
  const std::uint64_t index = word >> kShift;
  // What is read before the claim stays good enough if the claim succeeds: the index is the same
  // then, the head has at most moved on, and a capacity lowered meanwhile comes after this put.
  const std::uint64_t used = index - put_.seen_head.load(std::memory_order_relaxed);
  const std::uint64_t limit = put_.limit.load(std::memory_order_relaxed);
  if (used >= limit || !take_claim(put_.word, word)) return false;
  grant = {index, limit - used};
  return true;
}

template <class Sync>
Claim BasicRingIndex<Sync>::claim_put(Grant& grant) noexcept {
  BasicBackoff<Sync> backoff;
  std::uint64_t word = put_.word.load(std::memory_order_relaxed);
  for (;;) {
    if ((word & kClosed) != 0) return Claim::closed;
    if ((word & kClaim) != 0) {
      backoff.wait();
      word = put_.word.load(std::memory_order_relaxed);
      continue;
    }
    const std::uint64_t index = word >> kShift;
    std::uint64_t head = put_.seen_head.load(std::memory_order_relaxed);
    const bool look = index - head >= put_.limit.load(std::memory_order_relaxed);
    if (look) {
      put_.pace.wait();
#ifndef SLUICE_MUTANT_STALE_CACHED_INDEX
      head = head_word() >> kShift;
#endif
      // The tail has not moved since, so this was the size at one moment. Else the index is stale
      // and may even lie behind the head.
      const std::uint64_t now = put_.word.load(std::memory_order_relaxed);
      if (now != word) {
        word = now;
        continue;
      }
      if (index - head >= put_.limit.load(std::memory_order_relaxed)) {
        return index - head < capacity() ? Claim::grow : Claim::none;
      }
    }
    if (!take_claim(put_.word, word)) continue;
    if (look) {
      const std::uint64_t known = put_.seen_head.load(std::memory_order_relaxed);
      if (head > known) {
        put_.seen_head.store(head, std::memory_order_relaxed);
        if (!get_.pace.marked_by_me()) put_.pace.note(head - known);
      }
    }
    // Read anew: only the owner of the claim knows that they belong together.
    const std::uint64_t used = index - put_.seen_head.load(std::memory_order_relaxed);
    const std::uint64_t limit = put_.limit.load(std::memory_order_relaxed);
    grant = {index, used < limit ? limit - used : 0};
    if (grant.count > 0) return Claim::ok;
    unclaim_put(grant);
    word = put_.word.load(std::memory_order_relaxed);
  }
}

template <class Sync>
Claim BasicRingIndex<Sync>::claim_put_over(Grant& grant, Grant& oldest, std::size_t weight,
                                           bool squeeze) noexcept {
  const std::uint64_t word = lock_put();
  if ((word & kClosed) != 0) {
    unlock_put(word);
    return Claim::closed;
  }
  const std::uint64_t index = word >> kShift;
  const std::uint64_t limit = put_.limit.load(std::memory_order_relaxed);
  const auto grant_from = [&](std::uint64_t head) {
    put_.seen_head.store(head, std::memory_order_relaxed);
    grant = {index, index - head < limit ? limit - (index - head) : 0};
    return grant.count > 0 && (!squeeze || head == index) && fits(grant, weight);
  };
  if (grant_from(head_word() >> kShift)) return Claim::ok;
  if (grant.count == 0 && limit < capacity()) {
    unlock_put(word);
    return Claim::grow;
  }
  const std::uint64_t head =
      lock_get();  // waits for a get that is under way, perhaps it makes room
  if (grant_from(head >> kShift)) {
    unlock_get(head);
    return Claim::ok;
  }
  oldest = {head >> kShift, 1};
  return Claim::none;
}

template <class Sync>
bool BasicRingIndex<Sync>::fits_without(const Grant& grant, const Grant& oldest,
                                        std::size_t old_weight, std::size_t weight,
                                        bool squeeze) const noexcept {
  if (oldest.index + 1 == grant.index) return true;  // the queue is empty then
  if (squeeze || capacity_bytes_ == 0) return !squeeze;
  const std::uint64_t used = put_.bytes.load(std::memory_order_relaxed) -
                             get_.bytes.load(std::memory_order_relaxed) - old_weight;
  return used <= capacity_bytes_ && weight <= capacity_bytes_ - used;
}

template <class Sync>
inline void BasicRingIndex<Sync>::publish(const Grant& grant, std::uint64_t count) noexcept {
  const std::uint64_t tail = grant.index + count;
  if (tail - put_.seen_head.load(std::memory_order_relaxed) >
      put_.high_water.load(std::memory_order_relaxed)) {
    raise_high_water(tail);
  }
  put_.pace.mark();
  store_tail(tail, 0);
}

template <class Sync>
void BasicRingIndex<Sync>::raise_high_water(std::uint64_t tail) noexcept {
  const std::uint64_t head = head_word() >> kShift;
  put_.seen_head.store(head, std::memory_order_relaxed);
  if (tail - head > put_.high_water.load(std::memory_order_relaxed)) {
    put_.high_water.store(tail - head, std::memory_order_relaxed);
  }
}

// ---- getting ---------------------------------------------------------------------------------------

template <class Sync>
inline bool BasicRingIndex<Sync>::claim_get_at_once(Grant& grant) noexcept {
  std::uint64_t word = get_.word.load(std::memory_order_relaxed);
  if ((word & kClaim) != 0) return false;
  const std::uint64_t index = word >> kShift;
  const std::uint64_t known = get_.seen_tail.load(std::memory_order_relaxed) - index;
  if (static_cast<std::int64_t>(known) <= 0 || !take_claim(get_.word, word)) return false;
  grant = {index, known};
  get_.pace.mark();
  return true;
}

template <class Sync>
Claim BasicRingIndex<Sync>::claim_get(Grant& grant) noexcept {
  BasicBackoff<Sync> backoff;
  std::uint64_t word = get_.word.load(std::memory_order_relaxed);
  for (;;) {
    if ((word & kClaim) != 0) {
      backoff.wait();
      word = get_.word.load(std::memory_order_relaxed);
      continue;
    }
    const std::uint64_t index = word >> kShift;
    std::uint64_t tail = get_.seen_tail.load(std::memory_order_relaxed);
    const bool look = static_cast<std::int64_t>(tail - index) <= 0;
    if (look) {
      get_.pace.wait();
      const std::uint64_t seen = tail_word();
      tail = seen >> kShift;
      // The head is never ahead of the tail, so it was at `index` when the tail was read.
      if (tail == index) return (seen & kClosed) != 0 ? Claim::closed : Claim::none;
      if (tail < index) {
        // An old tail, older than the takes that moved the head so far. sync-point publish-room:
        // whoever acquires that head knows the tail that its taker saw.
        word = get_.word.load(std::memory_order_acquire);
        continue;
      }
    }
    if (!take_claim(get_.word, word)) continue;
    if (look) {
      const std::uint64_t known = get_.seen_tail.load(std::memory_order_relaxed);
      if (tail > known) {
        get_.seen_tail.store(tail, std::memory_order_relaxed);
        if (!put_.pace.marked_by_me()) get_.pace.note(tail - known);
      }
    }
    grant = {index, get_.seen_tail.load(std::memory_order_relaxed) - index};
    get_.pace.mark();
    SLUICE_ASSERT(static_cast<std::int64_t>(grant.count) > 0, "an empty queue was claimed");
    return Claim::ok;
  }
}

// ---- bytes -----------------------------------------------------------------------------------------

template <class Sync>
bool BasicRingIndex<Sync>::fits(const Grant& grant, std::size_t weight) noexcept {
  if (capacity_bytes_ == 0) return true;
  const std::uint64_t in = put_.bytes.load(std::memory_order_relaxed);
  const auto fits_in = [&] {
    const std::uint64_t used = in - put_.seen_bytes_out.load(std::memory_order_relaxed);
    return used <= capacity_bytes_ && weight <= capacity_bytes_ - used;
  };
  if (fits_in()) return true;
  const std::uint64_t head = head_word() >> kShift;  // acquires the bytes taken up to it, too
  put_.seen_head.store(head, std::memory_order_relaxed);
  put_.seen_bytes_out.store(get_.bytes.load(std::memory_order_relaxed), std::memory_order_relaxed);
  return fits_in() || head == grant.index;
}

template <class Sync>
void BasicRingIndex<Sync>::add_weight(std::size_t weight) noexcept {
  const std::uint64_t in = put_.bytes.load(std::memory_order_relaxed) + weight;
  put_.bytes.store(in, std::memory_order_relaxed);
  const auto used = [&] { return in - put_.seen_bytes_out.load(std::memory_order_relaxed); };
  if (used() <= put_.high_water_bytes.load(std::memory_order_relaxed)) return;
  const std::uint64_t head = head_word() >> kShift;
  put_.seen_head.store(head, std::memory_order_relaxed);
  put_.seen_bytes_out.store(get_.bytes.load(std::memory_order_relaxed), std::memory_order_relaxed);
  if (used() > put_.high_water_bytes.load(std::memory_order_relaxed)) {
    put_.high_water_bytes.store(used(), std::memory_order_relaxed);
  }
}

// ---- rare changes ----------------------------------------------------------------------------------

template <class Sync>
std::uint64_t BasicRingIndex<Sync>::lock(Atomic<std::uint64_t>& side) noexcept {
  BasicBackoff<Sync> backoff;
  std::uint64_t word = side.load(std::memory_order_relaxed);
  for (;;) {
    if ((word & kClaim) == 0 && take_claim(side, word)) return word;
    if ((word & kClaim) != 0) {
      backoff.wait();
      word = side.load(std::memory_order_relaxed);
    }
  }
}

template <class Sync>
bool BasicRingIndex<Sync>::close() noexcept {
#ifdef SLUICE_MUTANT_CLOSE_RACING_PUT
  return (put_.word.fetch_or(kClosed, std::memory_order_seq_cst) & kClosed) == 0;
#else
  const std::uint64_t word = lock_put();
  unlock_put(word | kClosed);
  return (word & kClosed) == 0;
#endif
}

template <class Sync>
auto BasicRingIndex<Sync>::take_all(std::uint64_t& tail, std::uint64_t& head) noexcept -> Contents {
  const RingSlots none{};
  const RingSlots slots = put_.slots;
  const std::uint64_t bytes =
      put_.bytes.load(std::memory_order_relaxed) - get_.bytes.load(std::memory_order_relaxed);
  const Contents contents{slots, head >> kShift, (tail >> kShift) - (head >> kShift), bytes};
  tail |= kClosed | kCancelled;
  head = tail >> kShift << kShift;
  put_.slots = none;
  get_.slots = none;
  put_.seen_head.store(tail >> kShift, std::memory_order_relaxed);
  get_.seen_tail.store(tail >> kShift, std::memory_order_relaxed);
  get_.bytes.store(put_.bytes.load(std::memory_order_relaxed), std::memory_order_relaxed);
  return contents;
}

template <class Sync>
void BasicRingIndex<Sync>::set_slots(const RingSlots& slots) noexcept {
  put_.slots = slots;
  get_.slots = slots;
  put_.limit.store(least(capacity(), slots.count()), std::memory_order_relaxed);
}

template <class Sync>
void BasicRingIndex<Sync>::set_capacity(std::size_t capacity) noexcept {
  const RingSlots slots = put_.slots;
  put_.capacity.store(capacity, std::memory_order_relaxed);
  put_.limit.store(least(capacity, slots.count()), std::memory_order_relaxed);
}

}  // namespace sluice::detail
