// sluice/sync/ordered_core.hpp: account and waiting of the queues that are not first in, first out.
//
// A queue that inserts in the middle or takes at the end it puts has one hot spot anyway, so here one
// mutex guards everything: contents, counts and the closed state. Waiting is that of every queue
// (waiter.hpp): a sleeper announces itself, looks under the mutex, and sleeps; a waker changes
// something under the mutex and then looks for sleepers. If the sleeper's look comes first, its
// announcement happens before the waker's look.
// Layer: sync. Not API; the public functions are reached through LifoQueue<T> and PriorityQueue<T>.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/deadline.hpp>
#include <sluice/sync/waiter.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace sluice::detail {

class OrderedCore {
 public:
  OrderedCore(const OrderedCore&) = delete;
  OrderedCore& operator=(const OrderedCore&) = delete;

  /// As in Queue: see queue_core.hpp, where each of these is described.
  void close() noexcept;
  [[nodiscard]] bool is_closed() const noexcept;
  [[nodiscard]] bool is_cancelled() const noexcept;
  void task_done(std::size_t n = 1);
  [[nodiscard]] bool join(const Deadline& deadline = {}, std::stop_token stop = {}) const;
  void set_capacity(std::size_t capacity);

  [[nodiscard]] std::uint64_t unfinished() const noexcept;
  [[nodiscard]] std::uint64_t put_count() const noexcept;
  [[nodiscard]] std::uint64_t got_count() const noexcept;
  [[nodiscard]] std::uint64_t done_count() const noexcept;
  [[nodiscard]] std::uint64_t dropped_count() const noexcept;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] bool full() const noexcept;
  [[nodiscard]] std::size_t capacity() const noexcept;
  [[nodiscard]] std::size_t capacity_bytes() const noexcept { return capacity_bytes_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept;
  [[nodiscard]] std::size_t high_water() const noexcept;
  [[nodiscard]] std::size_t high_water_bytes() const noexcept;

  [[nodiscard]] std::uint32_t get_waiters() const noexcept { return items_.waiters(); }
  [[nodiscard]] std::uint32_t put_waiters() const noexcept { return room_.waiters(); }
  [[nodiscard]] std::uint32_t join_waiters() const noexcept { return joiners_.waiters(); }

 protected:
  OrderedCore(std::size_t capacity, std::size_t capacity_bytes);
  ~OrderedCore() = default;

  // ---- under the mutex ---------------------------------------------------------------------------

  [[nodiscard]] std::mutex& mutex() const noexcept { return mutex_; }
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] std::uint64_t queued() const noexcept { return put_ - got_ - dropped_; }
  /// Room for one more item of that weight? An empty queue takes any weight.
  [[nodiscard]] bool fits(std::size_t weight) const noexcept;
  [[nodiscard]] std::uint64_t next_ordinal() const noexcept { return put_; }
  void count_put(std::size_t weight) noexcept;
  void count_got(std::size_t weight) noexcept;
  /// Closes, and counts everything queued as dropped. Returns how many.
  std::size_t drop_all() noexcept;

  // ---- without the mutex -------------------------------------------------------------------------

  void wake_getters() noexcept { items_.wake_one(); }
  void wake_putters() noexcept;
  void wake_everybody() noexcept;

  struct ItemsWaiter : Waiter {
    ItemsWaiter(OrderedCore& core, const Deadline& deadline, std::stop_token stop) noexcept;
  };
  struct RoomWaiter : Waiter {
    RoomWaiter(OrderedCore& core, const Deadline& deadline, std::stop_token stop,
               std::size_t weight) noexcept;
  };

 private:
  [[nodiscard]] std::uint64_t unfinished_locked() const noexcept { return put_ - done_ - dropped_; }

  mutable std::mutex mutex_;
  std::uint64_t put_ = 0;  // this and what follows: guarded by mutex_
  std::uint64_t got_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t high_water_ = 0;
  std::size_t bytes_ = 0;
  std::size_t high_water_bytes_ = 0;
  std::size_t capacity_;
  bool closed_ = false;
  bool cancelled_ = false;

  const std::size_t capacity_bytes_;
  WaitPoint items_;
  WaitPoint room_;
  mutable WaitPoint joiners_;
};

}  // namespace sluice::detail
