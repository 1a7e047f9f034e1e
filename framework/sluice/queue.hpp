// sluice/queue.hpp: the bounded blocking queue.
//
// Many producers, many consumers, first in first out, with an account of every item: what was put is
// queued, taken (in flight) or done, and join() waits until all is done.
//
// This header moves items between a claim and its publication; counting and waiting are in
// sync/queue_core.hpp, the protocol of the indices in sync/ring_index.hpp, sleeping and waking in
// sync/wait_point.hpp.
//
// (1) Count, then publish: an item is counted by the store that makes it visible.
// (2) A put that does not return ok, or throws, has put and counted nothing; a get that throws has
//     removed nothing that it did not hand over.
// (3) User code (moves, destructors of moved-from items) runs under one side's claim only as far as
//     it can't be avoided; copies, weighing, allocations and destructors of whole items never do.
// Layer: queue. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>
#include <sluice/base/unique_function.hpp>
#include <sluice/deadline.hpp>
#include <sluice/get_result.hpp>
#include <sluice/queue_status.hpp>
#include <sluice/sync/item_buffer.hpp>
#include <sluice/sync/queue_core.hpp>
#include <sluice/sync/ring_storage.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace sluice {

/// How a queue is made when its capacity alone doesn't say it.
template <class T>
struct QueueOptions {
  /// Most items queued at once; at least 1, or sluice::unbounded. 0 is refused.
  std::size_t capacity = 0;
  /// Most bytes queued at once, as the weigher counts them; 0 = no such bound. An item heavier than
  /// that is accepted when the queue is empty.
  std::size_t capacity_bytes = 0;
  /// Says how many bytes an item stands for. Called by any thread that puts, before the item is
  /// moved. Needed for capacity_bytes; without it size_bytes() is 0.
  UniqueFunction<std::size_t(const T&) const> weigher = {};
  /// How long a blocking call may spin before it sleeps. Negative: decided by the queue.
  std::chrono::nanoseconds spin = detail::kAutoSpin;
};

namespace detail {

/// Queue<T> over any policy; see there.
template <class T, class Sync>
class BasicQueue : public BasicQueueCore<Sync> {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> && std::is_destructible_v<T>,
                "sluice: a queue holds objects that can be changed and destroyed");
  static_assert(std::is_move_constructible_v<T>, "sluice: an item must be movable or copyable");

  using Core = BasicQueueCore<Sync>;
  using Items = RingItems<T>;
  using Storage = RingStorage<T>;
  using Grant = typename Core::Ring::Grant;

 public:
  explicit BasicQueue(QueueOptions<T> options)
      : Core(options.capacity, options.capacity_bytes), weigher_(std::move(options.weigher)) {
    check_weigher(options.capacity_bytes != 0, static_cast<bool>(weigher_));
    this->set_spin(options.spin);
    this->ring().set_slots(
        Storage::make(Storage::first_count(options.capacity), static_cast<bool>(weigher_)));
  }
  /// Destroys what is queued. No other thread may still use the queue.
  ~BasicQueue() { destroy(this->ring().contents()); }

  // ---- put ---------------------------------------------------------------------------------------

  /// Appends the item.
  ///
  /// Blocks   while the queue is full, until the deadline or a stop request.
  /// Returns  ok; else the item is untouched: full (still so at the deadline), closed or stopped.
  /// Counts   one unfinished task, until task_done().
  /// Throws   nothing for types that move without throwing and without weigher. Else what moving,
  ///          copying, weighing or allocating throws; then nothing is put or counted.
  /// Threads  any number of producers and consumers. Not for signal handlers.
  /// Order    what happened before put() is visible to whoever gets the item.
  PutStatus put(T&& item, const Deadline& deadline = {}, std::stop_token stop = {}) {
    if (put_at_once(std::move(item))) return PutStatus::ok;
    const std::size_t weight = weight_of(item);
    const PutStatus status = put_one(std::move(item), weight);
    if (status != PutStatus::full || deadline.is_one_try()) return status;
    return put_waiting(std::move(item), weight, deadline, std::move(stop));
  }
  PutStatus put(const T& item, const Deadline& deadline = {},
                std::stop_token stop = {}) requires std::is_copy_constructible_v<T> {
    if (put_at_once(item)) return PutStatus::ok;
    const std::size_t weight = weight_of(item);
    const PutStatus status = put_copy(item, weight);
    if (status != PutStatus::full || deadline.is_one_try()) return status;
    return put_waiting(Parcel(item), weight, deadline, std::move(stop));
  }

  /// put() that never waits.
  PutStatus try_put(T&& item) {
    if (put_at_once(std::move(item))) return PutStatus::ok;
    const std::size_t weight = weight_of(item);
    return put_one(std::move(item), weight);
  }
  PutStatus try_put(const T& item) requires std::is_copy_constructible_v<T> {
    if (put_at_once(item)) return PutStatus::ok;
    return put_copy(item, weight_of(item));
  }

  /// Appends the items in order; other producers' items may come in between.
  ///
  /// Blocks   while the queue is full. A span longer than the capacity goes in pieces.
  /// Returns  how many were accepted, from the front; they are moved from, the rest is untouched.
  /// Throws   as put(); what was accepted before stays accepted, the item that threw and the rest
  ///          are neither put nor counted.
  PutManyResult put_many(std::span<T> items, const Deadline& deadline = {},
                         std::stop_token stop = {}) {
    PutManyResult result = try_put_many(items);
    if (result.status != PutStatus::full || deadline.is_one_try()) return result;
    return put_many_waiting(items, result, deadline, std::move(stop));
  }
  /// put_many() that never waits.
  PutManyResult try_put_many(std::span<T> items);

  /// What put_over() did.
  struct PutOver {
    PutStatus status = PutStatus::ok;
    bool dropped = false;
    std::size_t weight = 0;  ///< of the dropped item, where the queue weighs
  };
  /// For the engine: a put that a full queue does not refuse: the oldest item makes room, is settled
  /// as dropped and destroyed.
  ///
  /// Blocks   never: at most until whoever moves items right now has moved them. It drops at most one
  ///          item and never tries again, because the slot becomes free while this put holds the
  ///          tail, so no other producer can take it.
  /// Returns  ok or closed (then nothing was dropped), and whether an item was dropped. full: only where
  ///          that one did not weigh enough, or by `squeeze`; it was dropped, `item` is untouched.
  /// Throws   what moving the item or allocating throws; then nothing was put or dropped.
  PutOver put_over(T&& item) {
    const std::size_t weight = weight_of(item);
    return put_over(std::move(item), weight);
  }
  /// The same with the item's weight. `squeeze`: as if the queue had room for one item only.
  PutOver put_over(T&& item, std::size_t weight, bool squeeze = false);

  // ---- get ---------------------------------------------------------------------------------------

  /// Takes the oldest item. The taker owes one task_done() for it, if anybody joins.
  ///
  /// Blocks   while the queue is empty and not closed, until the deadline or a stop request.
  /// Returns  the item; or empty (still so at the deadline), closed (and empty) or stopped.
  /// Throws   nothing for types that move without throwing. Else what the move throws; then the item
  ///          is still the oldest in the queue.
  GetResult<T> get(const Deadline& deadline = {}, std::stop_token stop = {}) {
    GetResult<T> result;
    if (take_at_once(result)) return result;
    take_one(result);
    if (result.status() == GetStatus::empty && !deadline.is_one_try()) {
      get_waiting(result, deadline, std::move(stop));
    }
    return result;
  }
  /// get() that never waits.
  GetResult<T> try_get() {
    GetResult<T> result;
    try_get(result);
    return result;
  }
  /// The same into a result that holds no item, for callers who look more than once.
  void try_get(GetResult<T>& result) {
    if (!take_at_once(result)) static_cast<void>(take_one(result));
  }

  /// Takes the oldest items, as many as are there, at most `max`, and appends them to the buffer.
  ///
  /// Blocks   until there is at least one item; never waits for more.
  /// Returns  how many, and the ordinal of the first one; they are consecutive.
  /// Throws   what moving an item or growing the buffer throws. What was appended before is taken,
  ///          the rest is still queued.
  template <ItemBuffer<T> Buffer>
  GetManyResult get_many(Buffer& buffer, std::size_t max, const Deadline& deadline = {},
                         std::stop_token stop = {}) {
    const GetManyResult result = try_get_many(buffer, max);
    if (result.status != GetStatus::empty || deadline.is_one_try()) return result;
    return get_many_waiting(buffer, max, deadline, std::move(stop));
  }
  /// get_many() that never waits.
  template <ItemBuffer<T> Buffer>
  GetManyResult try_get_many(Buffer& buffer, std::size_t max);

  // ---- ending ------------------------------------------------------------------------------------

  /// Closes, drops what is queued and counts it as done. Who holds an item still owes its
  /// task_done(). The dropped items are destroyed after everybody was released.
  /// Returns  how many were dropped. Threads  any.
  std::size_t cancel() noexcept { return drop().items; }
  /// close(), or cancel() when `immediate`.
  void shutdown(bool immediate = false) noexcept {
    if (immediate) {
      cancel();
    } else {
      this->close();
    }
  }

  /// What the item would weigh in this queue; 0 when it does not weigh.
  [[nodiscard]] std::size_t weight_of(const T& item) const { return weigher_ ? weigher_(item) : 0; }

  // ---- for the engine ------------------------------------------------------------------------------

  /// Whether items are weighed: what the next four take for a weight, and tell as one, else means nothing.
  [[nodiscard]] bool weighs() const noexcept { return static_cast<bool>(weigher_); }
  /// try_put() of an item whose weight is known.
  PutStatus try_put_weighed(T&& item, std::size_t weight) {
    return weighs() ? put_one(std::move(item), weight) : try_put(std::move(item));
  }
  PutStatus try_put_weighed(const T& item,
                            std::size_t weight) requires std::is_copy_constructible_v<T> {
    return weighs() ? put_copy(item, weight) : try_put(item);
  }
  /// try_get() that tells what the item was said to weigh when it was put.
  void try_get_weighed(GetResult<T>& result, std::size_t& weight) {
    weight = 0;
    if (!take_at_once(result)) weight = take_one(result);
  }
  /// try_get_many() of no more than `max_bytes`, or of one item that is heavier; appends the weights, too.
  template <ItemBuffer<T> Buffer, ItemBuffer<std::size_t> Weights>
  GetManyResult try_get_weighed(Buffer& buffer, std::size_t max, std::size_t max_bytes,
                                Weights& weights) {
    return take_many(buffer, max, Load<Weights>{&weights, max_bytes});
  }
  struct Dropped {
    std::size_t items = 0;
    std::size_t bytes = 0;
  };
  /// cancel() that tells what the dropped items weighed.
  Dropped drop() noexcept {
    const auto contents = this->take_all();
    destroy(contents);
    return {contents.count, contents.bytes};
  }

 private:
  using Parcel = typename Items::Parcel;

  // The whole put when nothing special is the case; false says nothing, put_one() finds out.
  template <class U>
  bool put_at_once(U&& item) noexcept;
  // U is T or a Parcel.
  template <class U>
  [[gnu::noinline]] PutStatus put_one(U&& item, std::size_t weight);
  PutStatus put_copy(const T& item, std::size_t weight);
  template <class U>
  PutStatus put_waiting(U&& item, std::size_t weight, const Deadline& deadline,
                        std::stop_token stop);
  PutManyResult put_many_waiting(std::span<T> items, PutManyResult result, const Deadline& deadline,
                                 std::stop_token stop);
  std::size_t fill_piece(const Grant& grant, typename Items::Spares& spares, std::span<T> items);
  // The whole get when nothing special is the case; false says nothing, take_one() finds out.
  bool take_at_once(GetResult<T>& result) noexcept;
  std::size_t take_one(GetResult<T>& result);  // returns the item's weight
  void get_waiting(GetResult<T>& result, const Deadline& deadline, std::stop_token stop);
  template <class Buffer>
  GetManyResult get_many_waiting(Buffer& buffer, std::size_t max, const Deadline& deadline,
                                 std::stop_token stop);
  // What a get of many asks and tells of weights: nothing, or where they go and how much may come.
  struct NoLoad {
    static void make_room(std::size_t) noexcept {}
    static std::size_t fits(const RingSlots&, std::uint64_t, std::size_t count) noexcept {
      return count;
    }
    static void take(std::size_t) noexcept {}
  };
  template <class Weights>
  struct Load;
  template <class Buffer, class Weight>
  GetManyResult take_many(Buffer& buffer, std::size_t max, Weight load);
  template <class Buffer, class Weight>
  void move_out(Buffer& buffer, const Grant& grant, std::size_t count, std::size_t& taken,
                typename Items::Leftovers& leftovers, Weight& load);
  void grow();
  static void destroy(const typename Core::Ring::Contents& contents) noexcept {
    Storage::destroy(contents.slots, contents.first, contents.count);
  }

  // A longer span is put in pieces, so that nobody holds the tail for long.
  static constexpr std::size_t kPiece = 256;

  UniqueFunction<std::size_t(const T&) const> weigher_;
};

}  // namespace detail

/// A bounded, blocking queue of any number of producers and consumers; first in, first out.
///
///     sluice::Queue<std::string> lines(1024);
///     lines.put("one");                          // waits while 1024 are queued
///     while (auto line = lines.get()) {          // waits while none is
///       print(*line);
///       lines.task_done();
///     }                                          // ends when somebody has called lines.close()
///
/// T's move constructor, and the destructor of a moved-from T, run while one side of the queue is
/// claimed: they must not use the same queue. Copies and destructors of whole items may.
template <class T>
class Queue final : public detail::BasicQueue<T, detail::StandardSync> {
  using Base = detail::BasicQueue<T, detail::StandardSync>;

 public:
  /// Throws  UsageError when the capacity is 0.
  explicit Queue(std::size_t capacity) : Base(QueueOptions<T>{.capacity = capacity}) {}
  /// A put never waits; only memory bounds it.
  explicit Queue(Unbounded) : Base(QueueOptions<T>{.capacity = unbounded}) {}
  /// Throws  UsageError when the capacity is 0, or when capacity_bytes is given without a weigher.
  explicit Queue(QueueOptions<T> options) : Base(std::move(options)) {}
};

}  // namespace sluice

#include <sluice/sync/queue_impl.hpp>
#include <sluice/sync/queue_impl_get.hpp>
