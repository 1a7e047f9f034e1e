// sluice/ordered_queue.hpp: LifoQueue and PriorityQueue, for direct use.
//
// The contract is that of Queue<T>, apart from the order of the items: capacity, blocking, deadlines,
// stop tokens, account, close and cancel are the same. They are for control rather than for bulk: one
// mutex, one allocation an item. Edges between stages are always a Queue.
// Layer: queue. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/deadline.hpp>
#include <sluice/get_result.hpp>
#include <sluice/queue.hpp>
#include <sluice/queue_status.hpp>
#include <sluice/sync/item_buffer.hpp>
#include <sluice/sync/ordered_core.hpp>
#include <sluice/sync/orders.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace sluice {

namespace detail {

/// A queue that hands out its items in the order that `Order` says. Functions as in Queue<T>.
template <class T, class Order>
class OrderedQueue : public OrderedCore {
 public:
  explicit OrderedQueue(QueueOptions<T> options, Order order = Order())
      : OrderedCore(options.capacity, options.capacity_bytes),
        order_(std::move(order)),
        weigher_(std::move(options.weigher)) {
    check_weigher(options.capacity_bytes != 0, static_cast<bool>(weigher_));
  }
  ~OrderedQueue() { cancel(); }

  PutStatus put(T&& item, const Deadline& deadline = {}, std::stop_token stop = {}) {
    return put_one(std::move(item), deadline, std::move(stop));
  }
  PutStatus put(const T& item, const Deadline& deadline = {},
                std::stop_token stop = {}) requires std::is_copy_constructible_v<T> {
    return put_one(item, deadline, std::move(stop));
  }
  PutStatus try_put(T&& item) { return put_one(std::move(item), Deadline::now(), {}); }
  PutStatus try_put(const T& item) requires std::is_copy_constructible_v<T> {
    return put_one(item, Deadline::now(), {});
  }

  PutManyResult put_many(std::span<T> items, const Deadline& deadline = {},
                         std::stop_token stop = {}) {
    PutManyResult result;
    for (; result.accepted < items.size(); ++result.accepted) {
      result.status = put_one(std::move(items[result.accepted]), deadline, stop);
      if (result.status != PutStatus::ok) return result;
    }
    return result;
  }
  PutManyResult try_put_many(std::span<T> items) { return put_many(items, Deadline::now()); }

  GetResult<T> get(const Deadline& deadline = {}, std::stop_token stop = {}) {
    GetResult<T> result;
    const GetStatus status =
        take(deadline, std::move(stop), 1, [&](T&& item) { result.emplace(std::move(item), 0); });
    if (status != GetStatus::ok) result.set_status(status);
    return result;
  }
  GetResult<T> try_get() { return get(Deadline::now()); }

  /// The items in the order in which single gets would return them. `first` is 0.
  template <ItemBuffer<T> Buffer>
  GetManyResult get_many(Buffer& buffer, std::size_t max, const Deadline& deadline = {},
                         std::stop_token stop = {}) {
    GetManyResult result;
    if (max == 0) return result;
    result.status = take(deadline, std::move(stop), max, [&](T&& item) {
      buffer.push_back(std::move(item));
      ++result.count;
    });
    return result;
  }
  template <ItemBuffer<T> Buffer>
  GetManyResult try_get_many(Buffer& buffer, std::size_t max) {
    return get_many(buffer, max, Deadline::now());
  }

  std::size_t cancel() noexcept;
  void shutdown(bool immediate = false) noexcept {
    if (immediate) {
      cancel();
    } else {
      close();
    }
  }

 private:
  using Box = OrderedBox<T>;
  using Boxes = OrderedBoxes<T>;

  // U is T or const T&.
  template <class U>
  PutStatus put_one(U&& item, const Deadline& deadline, std::stop_token stop);
  PutStatus insert(OrderedParcel<T>& parcel, T* item, std::size_t weight);
  template <class Accept>
  GetStatus take(const Deadline& deadline, std::stop_token stop, std::size_t max, Accept accept);
  template <class Accept>
  GetStatus remove(std::size_t max, Accept& accept);

  Order order_;  // guarded by mutex()
  UniqueFunction<std::size_t(const T&) const> weigher_;
};

template <class T, class Order>
template <class U>
PutStatus OrderedQueue<T, Order>::put_one(U&& item, const Deadline& deadline,
                                          std::stop_token stop) {
  const std::size_t weight = weigher_ ? weigher_(item) : 0;
  OrderedParcel<T> parcel;
  T* source = nullptr;
  if constexpr (std::is_same_v<U, T>) {
    source = std::addressof(item);
  } else {
    parcel.fill(item);  // a copy is made without the mutex
  }
  PutStatus status = insert(parcel, source, weight);
  if (status != PutStatus::full || deadline.is_one_try()) return status;
  RoomWaiter waiter(*this, deadline, std::move(stop), weight);
  for (;;) {
    const WaitEnd end = waiter.wait();
    status = insert(parcel, source, weight);
    if (status != PutStatus::full || end == WaitEnd::deadline) return status;
    if (end == WaitEnd::stopped) return PutStatus::stopped;
  }
}

// Takes the box of a full parcel. Into an empty one it moves *item first, but only when that is sure
// to be accepted.
template <class T, class Order>
PutStatus OrderedQueue<T, Order>::insert(OrderedParcel<T>& parcel, T* item, std::size_t weight) {
  {
    const std::lock_guard lock(mutex());
    if (closed()) return PutStatus::closed;
    if (!fits(weight)) return PutStatus::full;
    const auto place = order_.place_for(item != nullptr ? std::as_const(*item) : parcel.item());
    if (item != nullptr) parcel.fill(std::move(*item));
    Box* box = parcel.release();
    box->ordinal = next_ordinal();
    box->weight = weight;
    order_.add(place, box);
    count_put(weight);
  }
  wake_getters();
  return PutStatus::ok;
}

template <class T, class Order>
template <class Accept>
GetStatus OrderedQueue<T, Order>::take(const Deadline& deadline, std::stop_token stop,
                                       std::size_t max, Accept accept) {
  GetStatus status = remove(max, accept);
  if (status != GetStatus::empty || deadline.is_one_try()) return status;
  ItemsWaiter waiter(*this, deadline, std::move(stop));
  for (;;) {
    const WaitEnd end = waiter.wait();
    status = remove(max, accept);
    if (status != GetStatus::empty || end == WaitEnd::deadline) return status;
    if (end == WaitEnd::stopped) return GetStatus::stopped;
  }
}

// An item leaves the order after `accept` has moved it out, so a move that throws leaves it there.
template <class T, class Order>
template <class Accept>
GetStatus OrderedQueue<T, Order>::remove(std::size_t max, Accept& accept) {
  Boxes leftovers;  // destroyed when nobody holds the mutex
  struct WakeOnExit {
    ~WakeOnExit() {
      if (taken > 0) queue.wake_putters();
    }
    OrderedQueue& queue;
    std::size_t taken = 0;
  } wake{*this};
  const std::lock_guard lock(mutex());
  while (wake.taken < max) {
    Box* box = order_.next();
    if (box == nullptr) break;
    accept(std::move(box->item));
    order_.remove_next();
    count_got(box->weight);
    leftovers.push(box);
    ++wake.taken;
  }
  if (wake.taken > 0) return GetStatus::ok;
  return closed() ? GetStatus::closed : GetStatus::empty;
}

template <class T, class Order>
std::size_t OrderedQueue<T, Order>::cancel() noexcept {
  Boxes leftovers;  // destroyed when nobody holds the mutex
  std::size_t count = 0;
  {
    const std::lock_guard lock(mutex());
    count = drop_all();
    order_.remove_all([&](Box* box) { leftovers.push(box); });
  }
  wake_everybody();
  return count;
}

}  // namespace detail

/// Lowest first, by operator<.
struct LowestFirst {
  template <class T>
  [[nodiscard]] bool operator()(const T& a, const T& b) const {
    return a < b;
  }
};

/// A bounded, blocking stack: the last item put is the next one taken.
template <class T>
class LifoQueue final : public detail::OrderedQueue<T, detail::LifoOrder<T>> {
  using Base = detail::OrderedQueue<T, detail::LifoOrder<T>>;

 public:
  /// Throws  UsageError when the capacity is 0.
  explicit LifoQueue(std::size_t capacity) : Base(QueueOptions<T>{.capacity = capacity}) {}
  explicit LifoQueue(Unbounded) : Base(QueueOptions<T>{.capacity = unbounded}) {}
  explicit LifoQueue(QueueOptions<T> options) : Base(std::move(options)) {}
};

/// A bounded, blocking queue whose next item is the smallest one: compare(a, b) says that a comes
/// before b. Items of which neither comes before the other leave in the order they were put.
/// `compare` runs under the queue's mutex and must not use the queue; what it throws leaves the
/// queue as it was.
template <class T, class Compare = LowestFirst>
class PriorityQueue final : public detail::OrderedQueue<T, detail::PriorityOrder<T, Compare>> {
  using Order = detail::PriorityOrder<T, Compare>;
  using Base = detail::OrderedQueue<T, Order>;

 public:
  /// Throws  UsageError when the capacity is 0.
  explicit PriorityQueue(std::size_t capacity, Compare compare = Compare())
      : Base(QueueOptions<T>{.capacity = capacity}, Order(std::move(compare))) {}
  explicit PriorityQueue(Unbounded, Compare compare = Compare())
      : Base(QueueOptions<T>{.capacity = unbounded}, Order(std::move(compare))) {}
  explicit PriorityQueue(QueueOptions<T> options, Compare compare = Compare())
      : Base(std::move(options), Order(std::move(compare))) {}
};

}  // namespace sluice
