// sluice/sync/queue_core.hpp: the bounded blocking queue without its items.
//
// Holds the indices, the account and the wait points, and does all the waiting. It doesn't know what
// an item is: queue.hpp derives from it and moves items between a claim and its publication.
//
// (1) Count, then publish: a put is counted by the very store that makes the item visible.
// (2) put = got + dropped + queued at any quiet moment, because those are the same two indices.
// (3) A put and a get each cost one read-modify-write, task_done() another one.
// Layer: sync. Not API; the public functions are reached through Queue<T>.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/cache_line.hpp>
#include <sluice/base/clocks.hpp>
#include <sluice/sync/habit.hpp>
#include <sluice/sync/ring_index.hpp>
#include <sluice/sync/task_account.hpp>
#include <sluice/sync/waiter.hpp>

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <utility>

namespace sluice::detail {

/// Spin for as long as seems right: about as long as a sleep and a wake take on this machine, and not
/// at all when there is only one processor.
inline constexpr std::chrono::nanoseconds kAutoSpin{-1};

template <class Sync>
class BasicQueueCore {
 public:
  using Ring = BasicRingIndex<Sync>;
  using Point = BasicWaitPoint<Sync>;

  BasicQueueCore(const BasicQueueCore&) = delete;
  BasicQueueCore& operator=(const BasicQueueCore&) = delete;

  // ---- ending ------------------------------------------------------------------------------------

  /// No more puts; gets drain what is left. Repeated calls do nothing. Threads  any.
  void close() noexcept;
  [[nodiscard]] bool is_closed() const noexcept { return ring_.is_closed(); }
  [[nodiscard]] bool is_cancelled() const noexcept { return ring_.is_cancelled(); }
  /// Closed and empty: no item will ever come.
  [[nodiscard]] bool drained() const noexcept { return ring_.drained(); }

  // ---- accounting --------------------------------------------------------------------------------

  /// Settles n items that were taken.
  ///
  /// Throws   UsageError when more would be done than were taken; then nothing is counted.
  /// Threads  any, not only the one that took the item.
  /// Order    what happened before is visible to whoever returns from join().
  void task_done(std::size_t n = 1) {
    if (!account_.settle(n, [this]() noexcept { return got_count(); })) refuse_task_done(n);
    if (account_.joiners().has_waiters()) wake_joiners();
  }

  /// Blocks   until no item is unfinished: every item put was taken and done, or dropped by cancel.
  /// Returns  whether that was reached; false when the deadline passed or a stop was requested.
  [[nodiscard]] bool join(const Deadline& deadline = {}, std::stop_token stop = {}) const;

  /// Queued items and those taken but not yet done.
  [[nodiscard]] std::uint64_t unfinished() const noexcept {
    const std::uint64_t settled = account_.settled();
    return ring_.tail_in_order() - settled;
  }
  [[nodiscard]] std::uint64_t put_count() const noexcept { return ring_.tail(); }
  /// True when no item was unfinished for a moment, `puts` items had been put, and from that moment until now
  /// none was. Settling is in one order with these looks at all queues: seq_cst.
  [[nodiscard]] bool quiet(std::uint64_t& puts) const noexcept {
    const std::uint64_t settled = account_.settled();  // first: see task_account.hpp, (2)
    puts = ring_.tail_in_order();
    return puts == settled;
  }
  /// Taken by gets; what cancel dropped is not among them.
  [[nodiscard]] std::uint64_t got_count() const noexcept;
  [[nodiscard]] std::uint64_t done_count() const noexcept { return account_.done(); }
  [[nodiscard]] std::uint64_t dropped_count() const noexcept { return account_.dropped(); }

  // ---- fill level (exact when nobody puts or gets) -------------------------------------------------

  [[nodiscard]] std::size_t size() const noexcept { return ring_.size(); }
  [[nodiscard]] bool empty() const noexcept { return !ring_.has_items(); }
  /// Bounded, and as many items (or bytes) queued as the bound, or more after it was lowered.
  [[nodiscard]] bool full() const noexcept {
    return size() >= capacity() || (capacity_bytes() != 0 && size_bytes() >= capacity_bytes());
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return ring_.capacity(); }
  [[nodiscard]] std::size_t capacity_bytes() const noexcept { return ring_.capacity_bytes(); }
  /// The most items that were ever queued at once.
  [[nodiscard]] std::size_t high_water() const noexcept { return ring_.high_water(); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return ring_.size_bytes(); }
  [[nodiscard]] std::size_t high_water_bytes() const noexcept { return ring_.high_water_bytes(); }
  /// What all items that were ever put weighed; 0 when items are not weighed.
  [[nodiscard]] std::uint64_t bytes_put() const noexcept { return ring_.bytes_put(); }

  /// Changes the bound. Items beyond a lowered bound stay; puts are refused until they are gone.
  /// Throws  UsageError when it is 0.
  void set_capacity(std::size_t capacity);

  /// How long a blocking call may spin before it sleeps; kAutoSpin by default. Threads  any.
  void set_spin(std::chrono::nanoseconds spin) noexcept {
    spin_ns_.store(spin.count(), std::memory_order_relaxed);
  }

  // ---- for the engine ----------------------------------------------------------------------------

  /// Blocks   until a get could take something or the queue is closed. The caller then owes the queue
  ///          a try, because nobody else was woken for a single item.
  /// Returns  true then; false when the deadline passed or a stop was requested first.
  bool wait_for_items(const Deadline& deadline = {}, std::stop_token stop = {});
  /// The same for room; `weight` is what the item to be put weighs, for a queue bounded in bytes.
  bool wait_for_room(const Deadline& deadline = {}, std::stop_token stop = {},
                     std::size_t weight = 0);

  [[nodiscard]] bool has_items() const noexcept { return ring_.has_items(); }
  /// Not closed, and below the bound.
  [[nodiscard]] bool has_room() const noexcept { return ring_.has_room(); }
  /// A sleeper's look, after it announced itself on a bell: seq_cst, true also in doubt.
  [[nodiscard]] bool may_have_items() const noexcept { return ring_.may_have_items(1); }
  [[nodiscard]] bool may_have_room(std::size_t weight = 0) const noexcept {
    return ring_.may_have_room(1, weight);
  }

  /// Closed, or room for an item that weighs as much (what it weighs matters to a bound in bytes only).
  [[nodiscard]] bool has_room_for(std::size_t weight) const noexcept;
  /// A sleeper's look as above: true also when closed and in doubt.
  [[nodiscard]] bool may_be_empty() const noexcept { return ring_.may_be_empty(); }

  /// wait_for_room() for a producer that makes items faster than they are taken: it waits until as many
  /// slots are free as set_refill() was told, so that it is not woken for each. For a while only, then
  /// for any room: perhaps nobody takes so many before this producer puts something.
  void wait_for_refill();
  /// 1 when never called. Not for a bound in bytes. Threads  call before the queue is shared.
  void set_refill(std::size_t slots) noexcept { refill_ = slots; }

  /// task_done() without its check, for a worker that counts what it takes: an item settled twice is
  /// found by the ledger.
  void settle_taken(std::size_t n) noexcept {
    account_.settle_taken(n);
    if (account_.joiners().has_waiters()) wake_joiners();
  }

  /// Wait points of somebody who watches many queues: woken after a put (`on_items`), or after a get
  /// (`on_room`), by close() and by cancel(), besides the queue's own. Null for none.
  /// Threads  call before the queue is shared, and after it is no longer.
  void set_bells(Point* on_items, Point* on_room) noexcept {
    items_.bell = on_items;
    room_.bell = on_room;
  }

  /// A wait point of which all sleepers are woken when there is room: for those who wait for any of
  /// several queues, where a wake for one might reach the wrong one. Null for none. Threads  as above.
  void set_room_gong(Point* gong) noexcept { room_gong_ = gong; }

  [[nodiscard]] std::uint32_t get_waiters() const noexcept { return items_.point.waiters(); }
  [[nodiscard]] std::uint32_t put_waiters() const noexcept { return room_.point.waiters(); }
  [[nodiscard]] std::uint32_t join_waiters() const noexcept { return account_.joiners().waiters(); }

 protected:
  BasicQueueCore(std::size_t capacity, std::size_t capacity_bytes);
  ~BasicQueueCore() = default;

  [[nodiscard]] Ring& ring() noexcept { return ring_; }
  [[nodiscard]] const Ring& ring() const noexcept { return ring_; }

  [[gnu::always_inline]] void publish(const typename Ring::Grant& grant,
                                      std::uint64_t count) noexcept {
    ring_.publish(grant, count);
    wake_getters();
  }
  void release(const typename Ring::Grant& grant, std::uint64_t count) noexcept {
    ring_.release(grant, count);
    wake_putters();
  }

  /// Under both claims: settles the oldest item, which was removed, as dropped. Before the head moves,
  /// so that got = head - dropped is never too large. Nobody is woken: the slot is the put's.
  void drop_oldest(const typename Ring::Grant& oldest) noexcept {
    account_.drop(1);
    ring_.release_oldest(oldest);
  }

  /// A blocking call's way to wait for items or for room.
  class ItemsWaiter : public BasicWaiter<Sync> {
   public:
    ItemsWaiter(BasicQueueCore& core, const Deadline& deadline, std::stop_token stop,
                std::size_t others = 1) noexcept
        : BasicWaiter<Sync>(core.items_.point, core.items_probe(others), deadline, std::move(stop),
                            core.spin_budget()) {}
  };
  class RoomWaiter : public BasicWaiter<Sync> {
   public:
    RoomWaiter(BasicQueueCore& core, const Deadline& deadline, std::stop_token stop,
               std::size_t weight, std::size_t others = 1) noexcept
        : BasicWaiter<Sync>(core.room_.point, core.room_probe(weight, others), deadline,
                            std::move(stop), core.spin_budget()) {}
  };

  /// cancel() without the items: settles what was queued and hands the storage over.
  [[nodiscard]] typename Ring::Contents take_all() noexcept;

 private:
  struct alignas(kCacheLine) Side {
    Point point;
    Point* bell = nullptr;
  };

  void wake_getters() noexcept {
    items_.point.wake_one();
    if (items_.bell != nullptr) items_.bell->wake_one();
  }
  /// A waiting putter is to be woken, as far as the number of free slots goes. Of the takes after which
  /// nothing is put any more the last one sees the size that remains, so it wakes whom it should; an
  /// earlier one may see more room than there is, and wake in vain.
  [[nodiscard]] bool refilled() const noexcept {
    // sync-point patience: the waker's look, after its change of the state.
    return refill_ == 1 || impatient_.load(std::memory_order_seq_cst) != 0 ||
           (room_.point.needs_wake() && ring_.has_room(refill_));
  }
  void wake_putters() noexcept {
    // Putters that wait for bytes need different amounts, so each has to look for itself.
    if (ring_.capacity_bytes() != 0) {
      if (room_.point.has_waiters()) room_.point.wake_all();
    } else if (refilled()) {
      room_.point.wake_one();
    }
    if (room_.bell != nullptr) room_.bell->wake_one();
    if (room_gong_ != nullptr && room_gong_->has_waiters()) room_gong_->wake_all();
  }
  void wake_everybody() noexcept;
  void wake_joiners() const noexcept;
  [[noreturn]] void refuse_task_done(std::size_t n) const;

  [[nodiscard]] Probe items_probe(std::size_t others) const noexcept;
  [[nodiscard]] Probe room_probe(std::size_t weight, std::size_t others) const noexcept;
  [[nodiscard]] bool wait_patiently();
  [[nodiscard]] std::int64_t spin_budget() const noexcept;

  Ring ring_;
  Side items_;  // where getters wait
  Side room_;   // where putters wait
  Point* room_gong_ = nullptr;
  // Of wait_for_refill(): slots that must be free, or all of them if there are fewer; how many others
  // wait for one; and whether it paid before to spin, and to wait for more than one.
  std::size_t refill_ = 1;
  typename Sync::template Atomic<std::uint32_t> impatient_{0};
  BasicHabit<Sync> spinning_;
  BasicHabit<Sync> patience_;
  // A joiner changes nothing but its wait point, so join() is const.
  alignas(kCacheLine) mutable BasicTaskAccount<Sync> account_;
  typename Sync::template Atomic<std::int64_t> spin_ns_{kAutoSpin.count()};
};

extern template class BasicQueueCore<StandardSync>;
using QueueCore = BasicQueueCore<StandardSync>;

}  // namespace sluice::detail
