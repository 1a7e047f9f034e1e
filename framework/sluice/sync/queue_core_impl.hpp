// sluice/sync/queue_core_impl.hpp: the slow functions of BasicQueueCore.
//
// Included by queue_core.cpp, and by whoever instantiates the core with a policy of its own.
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/error.hpp>
#include <sluice/sync/queue_core.hpp>

#include <algorithm>
#include <string>

namespace sluice::detail {

template <class Sync>
BasicQueueCore<Sync>::BasicQueueCore(std::size_t capacity, std::size_t capacity_bytes)
    : ring_(capacity, capacity_bytes) {
  if (capacity == 0)
    throw UsageError("queue: capacity is 0; give at least 1, or sluice::unbounded");
}

template <class Sync>
void BasicQueueCore<Sync>::set_capacity(std::size_t capacity) {
  if (capacity == 0) throw UsageError("queue: set_capacity: capacity is 0; give at least 1");
  const std::uint64_t word = ring_.lock_put();
  ring_.set_capacity(capacity);
  ring_.unlock_put(word);
  room_.point.wake_all();
  if (room_.bell != nullptr) room_.bell->wake_all();
  if (room_gong_ != nullptr) room_gong_->wake_all();
}

// ---- ending ----------------------------------------------------------------------------------------

template <class Sync>
void BasicQueueCore<Sync>::close() noexcept {
  if (ring_.close()) wake_everybody();
}

template <class Sync>
auto BasicQueueCore<Sync>::take_all() noexcept -> typename Ring::Contents {
  std::uint64_t tail = ring_.lock_put();
  std::uint64_t head = ring_.lock_get();
  const typename Ring::Contents contents = ring_.take_all(tail, head);
  // Dropped before the head moves, so that got = head - dropped is never too large (got_count()).
  account_.drop(contents.count);
  ring_.unlock_get(head);
  ring_.unlock_put(tail);
  wake_everybody();
  if (account_.joiners().has_waiters()) wake_joiners();
  return contents;
}

template <class Sync>
void BasicQueueCore<Sync>::wake_everybody() noexcept {
  for (Side* side : {&items_, &room_}) {
    side->point.wake_all();
    if (side->bell != nullptr) side->bell->wake_all();
  }
  if (room_gong_ != nullptr) room_gong_->wake_all();
}

// ---- accounting ------------------------------------------------------------------------------------

template <class Sync>
std::uint64_t BasicQueueCore<Sync>::got_count() const noexcept {
  // head and dropped change together under the head's claim: an unclaimed head that is the same
  // before and after belongs to what was read in between.
  BasicBackoff<Sync> backoff;
  for (;;) {
    const std::uint64_t before = ring_.head_word();
    const std::uint64_t dropped = account_.dropped();
    if (!Ring::claimed(before) && ring_.head_word() == before) {
      return Ring::index_of(before) - dropped;
    }
    // Nothing was dropped and nothing can have been: then a claimed head is as good.
    if (dropped == 0 && !ring_.is_closed()) return Ring::index_of(before);
    backoff.wait();
  }
}

template <class Sync>
void BasicQueueCore<Sync>::refuse_task_done(std::size_t n) const {
  throw UsageError("queue: task_done(" + std::to_string(n) + ") after " +
                   std::to_string(account_.done()) + " of " + std::to_string(got_count()) +
                   " items taken were done; call it once for each item taken");
}

template <class Sync>
void BasicQueueCore<Sync>::wake_joiners() const noexcept {
  // Whoever settles the last item sees zero here, or a put that was not yet settled follows.
  if (unfinished() == 0) account_.joiners().wake_all();
}

template <class Sync>
bool BasicQueueCore<Sync>::join(const Deadline& deadline, std::stop_token stop) const {
  const Probe probe = {.may_proceed =
                           [](const void* core, std::size_t, std::size_t) noexcept {
                             return static_cast<const BasicQueueCore*>(core)->unfinished() == 0;
                           },
                       .object = this};
  if (unfinished() == 0) return true;
  if (deadline.is_one_try()) return false;
  BasicWaiter<Sync> waiter(account_.joiners(), probe, deadline, std::move(stop), 0);
  for (;;) {
    const WaitEnd end = waiter.wait();
    if (unfinished() == 0) return true;
    if (end != WaitEnd::ready) return false;
  }
}

// ---- waiting ---------------------------------------------------------------------------------------

template <class Sync>
Probe BasicQueueCore<Sync>::items_probe(std::size_t others) const noexcept {
  return {.may_proceed =
              [](const void* core, std::size_t count, std::size_t) noexcept {
                return static_cast<const BasicQueueCore*>(core)->ring_.may_have_items(count);
              },
          .object = this,
          .others = others};
}

template <class Sync>
Probe BasicQueueCore<Sync>::room_probe(std::size_t weight, std::size_t others) const noexcept {
  return {.may_proceed =
              [](const void* core, std::size_t count, std::size_t bytes) noexcept {
                const auto& self = *static_cast<const BasicQueueCore*>(core);
                // sync-point patience: whoever passes a wake on passes it to the impatient, too.
                const bool any = self.impatient_.load(std::memory_order_seq_cst) != 0;
                return self.ring_.may_have_room(any ? 1 : count, bytes);
              },
          .object = this,
          .weight = weight,
          .others = others};
}

// As long as a sleep and a wake would take, measured on this machine: spinning then costs at most
// twice what the better choice would have cost. Less than the wake's own time is worse than nothing:
// each end then goes to sleep just before the other one, woken a moment ago, would have answered,
// and both stay in that rhythm.
template <class Sync>
std::int64_t BasicQueueCore<Sync>::spin_budget() const noexcept {
  constexpr std::int64_t kLeastNs = 4'500;
  constexpr std::int64_t kMostNs = 30'000;
  const std::int64_t set = spin_ns_.load(std::memory_order_relaxed);
  if (set >= 0) return set;
  if (Sync::cpus() < 2) return 0;
  const std::int64_t wake = Sync::wake_ns();
  return std::clamp(wake + wake / 4, kLeastNs, kMostNs);
}

template <class Sync>
bool BasicQueueCore<Sync>::wait_for_items(const Deadline& deadline, std::stop_token stop) {
  if (has_items() || is_closed()) return true;
  if (deadline.is_one_try()) return false;
  ItemsWaiter waiter(*this, deadline, std::move(stop), 2);
  for (;;) {
    const WaitEnd end = waiter.wait();
    if (has_items() || is_closed()) return true;
    if (end != WaitEnd::ready) return false;
  }
}

template <class Sync>
bool BasicQueueCore<Sync>::wait_for_room(const Deadline& deadline, std::stop_token stop,
                                         std::size_t weight) {
  bool room = has_room_for(weight);
  if (room || deadline.is_one_try()) return room;
  // sync-point patience: who waits for one slot says so by a seq_cst step before it announces itself and
  // looks. A change that the look misses comes after both, and its waker finds both.
  if (refill_ > 1) impatient_.fetch_add(1, std::memory_order_seq_cst);
  RoomWaiter waiter(*this, deadline, std::move(stop), weight, 2);
  for (WaitEnd end = WaitEnd::ready; !room && end == WaitEnd::ready;) {
    end = waiter.wait();
    room = has_room_for(weight);
  }
  if (refill_ > 1) impatient_.fetch_sub(1, std::memory_order_relaxed);
  return room;
}

template <class Sync>
void BasicQueueCore<Sync>::wait_for_refill() {
  if (refill_ == 1 || !wait_patiently()) static_cast<void>(wait_for_room());
}

// Not the sleeper's look, which is true also when a get is in progress: a caller that comes back at once
// would find it still in progress.
template <class Sync>
bool BasicQueueCore<Sync>::has_room_for(std::size_t weight) const noexcept {
  return is_closed() ||
         (ring_.capacity_bytes() != 0 ? ring_.may_have_room(1, weight) : ring_.has_room(1));
}

// False when it takes too long, or did so lately.
template <class Sync>
bool BasicQueueCore<Sync>::wait_patiently() {
  const auto refilled = [this] { return is_closed() || ring_.has_room(refill_); };
  if (refilled()) return true;
  if (!patience_.try_again()) return false;
  const bool spin = spinning_.try_again();
  Probe probe = room_probe(0, std::max<std::size_t>(2, refill_));
  probe.count = refill_;
  BasicWaiter<Sync> waiter(room_.point, probe, Deadline::after(Sync::kPatience), {},
                           spin ? spin_budget() : 0);
  WaitEnd end = WaitEnd::ready;
  bool room = false;
  while (end == WaitEnd::ready && !room) {
    end = waiter.wait();
    // Whoever slept and was woken takes what room there is, however much others have put meanwhile.
    room = refilled() || (waiter.slept() && has_room_for(0));
  }
  if (spin) spinning_.note(waiter.announced());
  patience_.note(!room);
  return room;
}

}  // namespace sluice::detail
