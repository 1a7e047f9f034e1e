// sluice/sync/queue_impl_get.hpp: how BasicQueue gets; included by queue.hpp.
// Layer: queue. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/queue.hpp>

#include <type_traits>
#include <utility>

namespace sluice::detail {

template <class T, class Sync>
inline bool BasicQueue<T, Sync>::take_at_once(GetResult<T>& result) noexcept {
  if constexpr (!Items::kBoxed) {
    auto& ring = this->ring();
    Grant grant;
    if (weigher_ || !ring.claim_get_at_once(grant)) return false;
    auto* slot = Storage::at(ring.get_slots(), grant.index);
    result.emplace(std::move(*slot), grant.index);
    typename Items::Leftovers none;
    Items::remove(slot, none);
    this->release(grant, 1);
    return true;
  } else {
    return false;
  }
}

template <class T, class Sync>
std::size_t BasicQueue<T, Sync>::take_one(GetResult<T>& result) {
  typename Items::Leftovers leftovers;  // destroyed after the claim has ended
  auto& ring = this->ring();
  Grant grant;
  switch (ring.claim_get(grant)) {
    case Claim::ok:
      break;
    case Claim::closed:
      result.set_status(GetStatus::closed);
      return 0;
    case Claim::none:
    case Claim::grow:
      result.set_status(GetStatus::empty);
      return 0;
  }
  const RingSlots slots = ring.get_slots();
  auto* slot = Storage::at(slots, grant.index);
  if constexpr (Items::kBoxed) {
    try {
      result.emplace(std::move(Items::item(slot)), grant.index);
    } catch (...) {
      ring.unclaim_get(grant);
      throw;
    }
  } else {
    result.emplace(std::move(Items::item(slot)), grant.index);
  }
  Items::remove(slot, leftovers);
  std::size_t weight = 0;
  if (weigher_) {
    weight = Storage::weight(slots, grant.index);
    ring.remove_weight(weight);
  }
  this->release(grant, 1);
  return weight;
}

template <class T, class Sync>
void BasicQueue<T, Sync>::get_waiting(GetResult<T>& result, const Deadline& deadline,
                                      std::stop_token stop) {
  typename Core::ItemsWaiter waiter(*this, deadline, std::move(stop));
  for (;;) {
    const WaitEnd end = waiter.wait();
    static_cast<void>(take_one(result));
    if (result.status() != GetStatus::empty || end == WaitEnd::deadline) return;
    if (end == WaitEnd::stopped) {
      result.set_status(GetStatus::stopped);
      return;
    }
  }
}

template <class T, class Sync>
template <class Weights>
struct BasicQueue<T, Sync>::Load {
  void make_room(std::size_t wanted) { weights->reserve(weights->size() + wanted); }
  // How many of the first `count` items weigh no more than may come; at least one.
  [[nodiscard]] std::size_t fits(const RingSlots& slots, std::uint64_t first,
                                 std::size_t count) const noexcept {
    std::size_t left = max_bytes;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t weight = Storage::weight(slots, first + i);
      if (weight > left) return i == 0 ? 1 : i;
      left -= weight;
    }
    return count;
  }
  void take(std::size_t weight) { weights->push_back(std::move(weight)); }

  Weights* weights;
  std::size_t max_bytes;
};

template <class T, class Sync>
template <ItemBuffer<T> Buffer>
GetManyResult BasicQueue<T, Sync>::try_get_many(Buffer& buffer, std::size_t max) {
  return take_many(buffer, max, NoLoad{});
}

template <class T, class Sync>
template <class Buffer, class Weight>
GetManyResult BasicQueue<T, Sync>::take_many(Buffer& buffer, std::size_t max, Weight load) {
  if (max == 0) return {};
  const std::size_t wanted = make_room(buffer, max, [this] { return this->size(); });
  load.make_room(wanted);
  typename Items::Leftovers leftovers;
  Grant grant;
  switch (this->ring().claim_get(grant)) {
    case Claim::ok:
      break;
    case Claim::closed:
      return {.status = GetStatus::closed};
    case Claim::none:
    case Claim::grow:
      return {.status = GetStatus::empty};
  }
  const std::size_t count =
      load.fits(this->ring().get_slots(), grant.index, grant.count < wanted ? grant.count : wanted);
  std::size_t taken = 0;
  try {
    move_out(buffer, grant, count, taken, leftovers, load);
  } catch (...) {
#ifndef SLUICE_MUTANT_BATCH_LOST_ON_THROW
    this->release(grant, taken);
#else
    this->release(grant, count);
#endif
    throw;
  }
  this->release(grant, count);
  return {.count = count, .first = grant.index};
}

// Moves `count` items to the buffer. `taken` is right at any time, also when this throws.
template <class T, class Sync>
template <class Buffer, class Weight>
void BasicQueue<T, Sync>::move_out(Buffer& buffer, const Grant& grant, std::size_t count,
                                   std::size_t& taken, typename Items::Leftovers& leftovers,
                                   Weight& load) {
  const RingSlots slots = this->ring().get_slots();
  const auto settle_weights = [&](std::size_t n) {
    for (std::size_t i = 0; weigher_ && i < n; ++i) {
      const std::size_t weight = Storage::weight(slots, grant.index + taken + i);
      this->ring().remove_weight(weight);
      load.take(weight);
    }
    taken += n;
  };
  if constexpr (!Items::kBoxed && std::is_trivially_copyable_v<T> && RangeInsertable<Buffer, T>) {
    while (taken < count) {
      const std::uint64_t from = grant.index + taken;
      const std::size_t n = Storage::in_a_row(slots, from, count - taken);
      const T* first = Storage::at(slots, from);
      buffer.insert(buffer.end(), first, first + n);
      settle_weights(n);
    }
  } else {
    while (taken < count) {
      auto* slot = Storage::at(slots, grant.index + taken);
      buffer.push_back(std::move(Items::item(slot)));
      Items::remove(slot, leftovers);
      settle_weights(1);
    }
  }
}

template <class T, class Sync>
template <class Buffer>
GetManyResult BasicQueue<T, Sync>::get_many_waiting(Buffer& buffer, std::size_t max,
                                                    const Deadline& deadline,
                                                    std::stop_token stop) {
  typename Core::ItemsWaiter waiter(*this, deadline, std::move(stop));
  for (;;) {
    const WaitEnd end = waiter.wait();
    GetManyResult result = try_get_many(buffer, max);
    if (result.status != GetStatus::empty || end == WaitEnd::deadline) return result;
    if (end == WaitEnd::stopped) {
      result.status = GetStatus::stopped;
      return result;
    }
  }
}

}  // namespace sluice::detail
