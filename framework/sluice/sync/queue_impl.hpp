// sluice/sync/queue_impl.hpp: how BasicQueue puts and grows; included by queue.hpp.
// Layer: queue. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/queue.hpp>

#include <bit>
#include <type_traits>
#include <utility>

namespace sluice::detail {

// ---- put -------------------------------------------------------------------------------------------

template <class T, class Sync>
template <class U>
inline bool BasicQueue<T, Sync>::put_at_once(U&& item) noexcept {
  if constexpr (!Items::kBoxed && std::is_nothrow_constructible_v<T, U&&>) {
    auto& ring = this->ring();
    Grant grant;
    if (weigher_ || !ring.claim_put_at_once(grant)) return false;
    typename Items::Spares none(0);
#ifdef SLUICE_MUTANT_PUBLISH_BEFORE_COUNT
    this->publish(grant, 1);
#endif
    Items::fill(Storage::at(ring.put_slots(), grant.index), none, std::forward<U>(item));
#ifndef SLUICE_MUTANT_PUBLISH_BEFORE_COUNT
    this->publish(grant, 1);
#endif
    return true;
  } else {
    return false;
  }
}

template <class T, class Sync>
template <class U>
PutStatus BasicQueue<T, Sync>::put_one(U&& item, std::size_t weight) {
  if constexpr (Items::kBoxed) {
    // Spares the box when it would be in vain; the claim decides.
    if (!this->has_room()) return this->is_closed() ? PutStatus::closed : PutStatus::full;
  }
  typename Items::Spares spares(1);
  auto& ring = this->ring();
  Grant grant;
  for (;;) {
    switch (ring.claim_put(grant)) {
      case Claim::ok:
        break;
      case Claim::none:
        return PutStatus::full;
      case Claim::closed:
        return PutStatus::closed;
      case Claim::grow:
        grow();
        continue;
    }
    break;
  }
  const RingSlots slots = ring.put_slots();
  if (weigher_) {
    if (!ring.fits(grant, weight)) {
      ring.unclaim_put(grant);
      return PutStatus::full;
    }
    Storage::weight(slots, grant.index) = weight;
  }
  if constexpr (Items::kBoxed) {
    try {
      Items::fill(Storage::at(slots, grant.index), spares, std::forward<U>(item));
    } catch (...) {
      ring.unclaim_put(grant);
      throw;
    }
  } else {
    Items::fill(Storage::at(slots, grant.index), spares, std::forward<U>(item));
  }
  if (weigher_) ring.add_weight(weight);
  this->publish(grant, 1);
  return PutStatus::ok;
}

template <class T, class Sync>
PutStatus BasicQueue<T, Sync>::put_copy(const T& item, std::size_t weight) {
  // Spares the copy when it would be in vain; the put itself decides.
  if (!this->has_room()) return this->is_closed() ? PutStatus::closed : PutStatus::full;
  return put_one(Parcel(item), weight);
}

template <class T, class Sync>
template <class U>
PutStatus BasicQueue<T, Sync>::put_waiting(U&& item, std::size_t weight, const Deadline& deadline,
                                           std::stop_token stop) {
  typename Core::RoomWaiter waiter(*this, deadline, std::move(stop), weight);
  for (;;) {
    const WaitEnd end = waiter.wait();
    const PutStatus status = put_one(std::forward<U>(item), weight);
    if (status != PutStatus::full) return status;
    if (end == WaitEnd::stopped) return PutStatus::stopped;
    if (end == WaitEnd::deadline) return PutStatus::full;
  }
}

template <class T, class Sync>
PutManyResult BasicQueue<T, Sync>::try_put_many(std::span<T> items) {
  PutManyResult result;
  auto& ring = this->ring();
  while (result.accepted < items.size()) {
    if (weigher_) {
      T& item = items[result.accepted];
      result.status = put_one(std::move(item), weight_of(item));
      if (result.status != PutStatus::ok) return result;
      ++result.accepted;
      continue;
    }
    const std::span<T> rest = items.subspan(result.accepted);
    const std::span<T> piece = rest.first(rest.size() < kPiece ? rest.size() : kPiece);
    typename Items::Spares spares(piece.size());
    Grant grant;
    switch (ring.claim_put(grant)) {
      case Claim::ok:
        result.accepted += fill_piece(grant, spares, piece);
        break;
      case Claim::none:
        result.status = PutStatus::full;
        return result;
      case Claim::closed:
        result.status = PutStatus::closed;
        return result;
      case Claim::grow:
        grow();
        break;
    }
  }
  return result;
}

// Moves what there is room for, publishes it and returns how many.
template <class T, class Sync>
std::size_t BasicQueue<T, Sync>::fill_piece(const Grant& grant, typename Items::Spares& spares,
                                            std::span<T> items) {
  const std::size_t count = items.size() < grant.count ? items.size() : grant.count;
  const RingSlots slots = this->ring().put_slots();
  if constexpr (!Items::kBoxed && std::is_trivially_copyable_v<T>) {
    const std::size_t first = Storage::in_a_row(slots, grant.index, count);
    // Without <cstring>, which would be 457 lines more for everybody who includes this.
    __builtin_memcpy(Storage::at(slots, grant.index), items.data(), first * sizeof(T));
    if (first < count) {
      __builtin_memcpy(Storage::at(slots, grant.index + first), items.data() + first,
                       (count - first) * sizeof(T));
    }
  } else {
    std::size_t filled = 0;
    try {
      for (; filled < count; ++filled) {
        Items::fill(Storage::at(slots, grant.index + filled), spares, std::move(items[filled]));
      }
    } catch (...) {
      this->publish(grant, filled);
      throw;
    }
  }
  this->publish(grant, count);
  return count;
}

template <class T, class Sync>
PutManyResult BasicQueue<T, Sync>::put_many_waiting(std::span<T> items, PutManyResult result,
                                                    const Deadline& deadline,
                                                    std::stop_token stop) {
  const auto next_weight = [&] { return weight_of(items[result.accepted]); };
  for (;;) {
    typename Core::RoomWaiter waiter(*this, deadline, stop, next_weight());
    const WaitEnd end = waiter.wait();
    const PutManyResult more = try_put_many(items.subspan(result.accepted));
    result.accepted += more.accepted;
    result.status = more.status;
    if (more.status != PutStatus::full || end == WaitEnd::deadline) return result;
    if (end == WaitEnd::stopped) {
      result.status = PutStatus::stopped;
      return result;
    }
  }
}

template <class T, class Sync>
auto BasicQueue<T, Sync>::put_over(T&& item, std::size_t weight, bool squeeze) -> PutOver {
  if (!squeeze && put_at_once(std::move(item))) return {};
  typename Items::Spares spares(1);
  // Destroyed after the claims have ended.
  typename Items::Leftovers leftovers;
  GetResult<T> dropped;
  auto& ring = this->ring();
  Grant grant;
  Grant oldest;
  Claim claim = ring.claim_put_over(grant, oldest, weight, squeeze);
  while (claim == Claim::grow) {
    grow();
    claim = ring.claim_put_over(grant, oldest, weight, squeeze);
  }
  if (claim == Claim::closed) return {.status = PutStatus::closed};
  const bool full = claim == Claim::none;
  const RingSlots slots = ring.put_slots();
  auto* const slot = Storage::at(slots, grant.index);
  auto* const old = full ? Storage::at(slots, oldest.index) : nullptr;  // may be the same slot
  PutOver over{.dropped = full};
  if (full && weigher_) over.weight = Storage::weight(slots, oldest.index);
  const bool fits = !full || ring.fits_without(grant, oldest, over.weight, weight, squeeze);
  if (!fits) over.status = PutStatus::full;
  if constexpr (Items::kBoxed) {
    typename Items::Slot box = nullptr;
    try {
      if (fits) Items::fill(&box, spares, std::move(item));
    } catch (...) {
      if (full) ring.unclaim_get(oldest);
      ring.unclaim_put(grant);
      throw;
    }
    if (full) Items::remove(old, leftovers);
    if (fits) *slot = box;
  } else {
    if (full) {
      dropped.emplace(std::move(*old), oldest.index);
      Items::remove(old, leftovers);
    }
    if (fits) Items::fill(slot, spares, std::move(item));
  }
  if (full && weigher_) ring.remove_weight(over.weight);
  if (full) this->drop_oldest(oldest);
  if (!fits) {
    ring.unclaim_put(grant);
    return over;
  }
  if (weigher_) {
    Storage::weight(slots, grant.index) = weight;
    ring.add_weight(weight);
  }
  this->publish(grant, 1);
  return over;
}

// Doubles the storage, unless somebody else has done so meanwhile. Allocates before it claims.
template <class T, class Sync>
void BasicQueue<T, Sync>::grow() {
  auto& ring = this->ring();
  std::uint64_t tail = ring.lock_put();
  const std::size_t before = ring.put_slots().count();
  ring.unlock_put(tail);
  if (before == 0) return;  // cancelled
  RingSlots slots = Storage::make(2 * before, static_cast<bool>(weigher_));
  tail = ring.lock_put();
  if (ring.put_slots().count() == before) {
    const std::uint64_t head = ring.lock_get();
    const RingSlots old = ring.put_slots();
    Storage::relocate(old, slots, Core::Ring::index_of(head), Core::Ring::index_of(tail));
    ring.set_slots(slots);
    ring.unlock_get(head);
    slots = old;
  }
  ring.unlock_put(tail);
  Storage::release(slots);
}

}  // namespace sluice::detail
