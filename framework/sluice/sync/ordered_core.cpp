// sluice/sync/ordered_core.cpp
// SPDX-License-Identifier: MIT
#include <sluice/sync/ordered_core.hpp>

#include <sluice/error.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::detail {
namespace {

using Lock = std::lock_guard<std::mutex>;

}  // namespace

OrderedCore::OrderedCore(std::size_t capacity, std::size_t capacity_bytes)
    : capacity_(capacity), capacity_bytes_(capacity_bytes) {
  if (capacity == 0)
    throw UsageError("queue: capacity is 0; give at least 1, or sluice::unbounded");
}

// ---- ending ----------------------------------------------------------------------------------------

void OrderedCore::close() noexcept {
  {
    const Lock lock(mutex_);
    if (closed_) return;
    closed_ = true;
  }
  wake_everybody();
}

bool OrderedCore::is_closed() const noexcept {
  const Lock lock(mutex_);
  return closed_;
}

bool OrderedCore::is_cancelled() const noexcept {
  const Lock lock(mutex_);
  return cancelled_;
}

std::size_t OrderedCore::drop_all() noexcept {
  const std::uint64_t count = queued();
  dropped_ += count;
  bytes_ = 0;
  closed_ = true;
  cancelled_ = true;
  return count;
}

void OrderedCore::wake_everybody() noexcept {
  items_.wake_all();
  room_.wake_all();
  joiners_.wake_all();
}

// ---- accounting ------------------------------------------------------------------------------------

void OrderedCore::task_done(std::size_t n) {
  bool zero = false;
  {
    const Lock lock(mutex_);
    if (n > got_ - done_) {
      throw UsageError("queue: task_done(" + std::to_string(n) + ") after " +
                       std::to_string(done_) + " of " + std::to_string(got_) +
                       " items taken were done; call it once for each item taken");
    }
    done_ += n;
    zero = unfinished_locked() == 0;
  }
  if (zero) joiners_.wake_all();
}

bool OrderedCore::join(const Deadline& deadline, std::stop_token stop) const {
  if (unfinished() == 0) return true;
  if (deadline.is_one_try()) return false;
  const Probe probe = {.may_proceed =
                           [](const void* core, std::size_t, std::size_t) noexcept {
                             return static_cast<const OrderedCore*>(core)->unfinished() == 0;
                           },
                       .object = this};
  Waiter waiter(joiners_, probe, deadline, std::move(stop), 0);
  for (;;) {
    const WaitEnd end = waiter.wait();
    if (unfinished() == 0) return true;
    if (end != WaitEnd::ready) return false;
  }
}

std::uint64_t OrderedCore::unfinished() const noexcept {
  const Lock lock(mutex_);
  return unfinished_locked();
}

std::uint64_t OrderedCore::put_count() const noexcept {
  const Lock lock(mutex_);
  return put_;
}

std::uint64_t OrderedCore::got_count() const noexcept {
  const Lock lock(mutex_);
  return got_;
}

std::uint64_t OrderedCore::done_count() const noexcept {
  const Lock lock(mutex_);
  return done_;
}

std::uint64_t OrderedCore::dropped_count() const noexcept {
  const Lock lock(mutex_);
  return dropped_;
}

// ---- fill level ------------------------------------------------------------------------------------

std::size_t OrderedCore::size() const noexcept {
  const Lock lock(mutex_);
  return queued();
}

bool OrderedCore::full() const noexcept {
  const Lock lock(mutex_);
  return queued() >= capacity_ || (capacity_bytes_ != 0 && bytes_ >= capacity_bytes_);
}

std::size_t OrderedCore::capacity() const noexcept {
  const Lock lock(mutex_);
  return capacity_;
}

void OrderedCore::set_capacity(std::size_t capacity) {
  if (capacity == 0) throw UsageError("queue: set_capacity: capacity is 0; give at least 1");
  {
    const Lock lock(mutex_);
    capacity_ = capacity;
  }
  room_.wake_all();
}

std::size_t OrderedCore::size_bytes() const noexcept {
  const Lock lock(mutex_);
  return bytes_;
}

std::size_t OrderedCore::high_water() const noexcept {
  const Lock lock(mutex_);
  return high_water_;
}

std::size_t OrderedCore::high_water_bytes() const noexcept {
  const Lock lock(mutex_);
  return high_water_bytes_;
}

bool OrderedCore::fits(std::size_t weight) const noexcept {
  if (queued() >= capacity_) return false;
  if (capacity_bytes_ == 0 || queued() == 0) return true;
  return bytes_ <= capacity_bytes_ && weight <= capacity_bytes_ - bytes_;
}

void OrderedCore::count_put(std::size_t weight) noexcept {
  ++put_;
  bytes_ += weight;
  high_water_ = std::max(high_water_, queued());
  high_water_bytes_ = std::max(high_water_bytes_, bytes_);
}

void OrderedCore::count_got(std::size_t weight) noexcept {
  ++got_;
  bytes_ -= weight;
}

// ---- waiting ---------------------------------------------------------------------------------------

void OrderedCore::wake_putters() noexcept {
  // Putters that wait for bytes need different amounts, so each has to look for itself.
  if (capacity_bytes_ == 0) {
    room_.wake_one();
  } else if (room_.has_waiters()) {
    room_.wake_all();
  }
}

OrderedCore::ItemsWaiter::ItemsWaiter(OrderedCore& core, const Deadline& deadline,
                                      std::stop_token stop) noexcept
    : Waiter(core.items_,
             {.may_proceed =
                  [](const void* object, std::size_t count, std::size_t) noexcept {
                    const auto* queue = static_cast<const OrderedCore*>(object);
                    const Lock lock(queue->mutex_);
                    return queue->closed_ || queue->queued() >= count;
                  },
              .object = &core},
             deadline, std::move(stop), 0) {}

OrderedCore::RoomWaiter::RoomWaiter(OrderedCore& core, const Deadline& deadline,
                                    std::stop_token stop, std::size_t weight) noexcept
    : Waiter(core.room_,
             {.may_proceed =
                  [](const void* object, std::size_t, std::size_t bytes) noexcept {
                    const auto* queue = static_cast<const OrderedCore*>(object);
                    const Lock lock(queue->mutex_);
                    return queue->closed_ || queue->fits(bytes);
                  },
              .object = &core,
              .weight = weight},
             deadline, std::move(stop), 0) {}

}  // namespace sluice::detail
