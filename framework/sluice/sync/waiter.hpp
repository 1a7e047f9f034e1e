// sluice/sync/waiter.hpp: one blocking call's way of waiting: spin briefly, announce, look, sleep.
//
//     Waiter waiter(point, probe, ...);
//     for (;;) {
//       const WaitEnd end = waiter.wait();
//       if (the operation succeeds, or end is not ready) break;
//     }
//
// (1) After the first sleep the waiter stays announced until it is destroyed: the operation is tried
//     while its wake is still pending, so nobody else is woken for the same item.
// (2) The destructor leaves the wait point and passes the wake on when there is work for another
//     waiter. It runs on every way out, exceptions included.
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/sync/backoff.hpp>
#include <sluice/sync/wait_point.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <utility>

namespace sluice::detail {

/// Why wait() returned. `ready` may be wrong: try, and wait again.
enum class WaitEnd : unsigned char { ready, deadline, stopped };

/// How a waiter looks at the state it waits for. The look uses seq_cst loads and says true also when
/// a change is in progress (sync-point announce-or-look in wait_point.hpp).
struct Probe {
  bool (*may_proceed)(const void* object, std::size_t count, std::size_t weight) noexcept = nullptr;
  const void* object = nullptr;
  std::size_t count = 1;   ///< items or slots this waiter needs
  std::size_t weight = 0;  ///< bytes this waiter needs
  std::size_t others = 1;  ///< items or slots that must be there to wake another waiter on leaving

  [[nodiscard]] bool mine() const noexcept { return may_proceed(object, count, weight); }
  [[nodiscard]] bool for_others() const noexcept { return may_proceed(object, others, 0); }
};

template <class Sync>
class BasicWaiter {
 public:
  /// `spin_ns`: how long wait() may spin before it announces itself for the first time.
  BasicWaiter(BasicWaitPoint<Sync>& point, const Probe& probe, const Deadline& deadline,
              std::stop_token stop, std::int64_t spin_ns) noexcept;
  ~BasicWaiter();
  BasicWaiter(const BasicWaiter&) = delete;
  BasicWaiter& operator=(const BasicWaiter&) = delete;

  /// Blocks   until the probe says yes or a wake came, the deadline passed or a stop was requested.
  [[nodiscard]] WaitEnd wait();
  /// Spinning was not enough, or there was none.
  [[nodiscard]] bool announced() const noexcept { return announced_; }
  /// The last wait() slept and was woken.
  [[nodiscard]] bool slept() const noexcept { return slept_; }

 private:
  struct WakeAll {
    BasicWaitPoint<Sync>* point;
    void operator()() const noexcept { point->wake_all(); }
  };

  [[nodiscard]] bool spin() noexcept;

  BasicWaitPoint<Sync>& point_;
  Probe probe_;
  Deadline deadline_;
  std::stop_token stop_;
  std::int64_t spin_ns_;            // 0 once the budget is used up
  std::int64_t spin_until_ns_ = 0;  // 0 until the first turn
  bool announced_ = false;
  bool slept_ = false;
  bool was_ready_ = false;  // spin() has said yes before
  BasicBackoff<Sync> backoff_;
  std::optional<std::stop_callback<WakeAll>> on_stop_;
};

template <class Sync>
BasicWaiter<Sync>::BasicWaiter(BasicWaitPoint<Sync>& point, const Probe& probe,
                               const Deadline& deadline, std::stop_token stop,
                               std::int64_t spin_ns) noexcept
    : point_(point),
      probe_(probe),
      deadline_(deadline),
      stop_(std::move(stop)),
      spin_ns_(spin_ns) {}

template <class Sync>
BasicWaiter<Sync>::~BasicWaiter() {
  if (announced_ && point_.leave() && probe_.for_others()) point_.wake_one();
}

template <class Sync>
WaitEnd BasicWaiter<Sync>::wait() {
  typename BasicWaitPoint<Sync>::Ticket ticket;
  slept_ = false;
  if (announced_) {
    ticket = point_.rearm();
  } else {
    if (spin()) return WaitEnd::ready;
    if (stop_.stop_requested()) return WaitEnd::stopped;
    if (deadline_.passed()) return WaitEnd::deadline;
    if (stop_.stop_possible()) on_stop_.emplace(stop_, WakeAll{&point_});
    ticket = point_.announce();
    announced_ = true;
  }
#ifndef SLUICE_MUTANT_SKIPPED_RECHECK
  if (probe_.mine()) {
    // Perhaps only a change in progress by a thread that isn't running: no busy turns.
    backoff_.wait();
    return deadline_.is_never() || !deadline_.passed() ? WaitEnd::ready : WaitEnd::deadline;
  }
#endif
  // sync-point wake-all: seen here, or the callback's wake_all() outdates the ticket.
  if (stop_.stop_requested()) return WaitEnd::stopped;
  slept_ = point_.park(ticket, deadline_);
  return slept_ ? WaitEnd::ready : WaitEnd::deadline;
}

template <class Sync>
bool BasicWaiter<Sync>::spin() noexcept {
  if (spin_ns_ <= 0) return false;
  constexpr int kLooksPerTimeCheck = 8;
  // A yes may be wrong, so the call may come here again: the budget is one for all turns.
  if (spin_until_ns_ == 0) spin_until_ns_ = Sync::now_ns() + spin_ns_;
  do {
    for (int i = 0; i < kLooksPerTimeCheck; ++i) {
      if (probe_.mine()) {
        // The second yes for one call: a change in progress by a thread that may not be running.
        if (was_ready_) backoff_.wait();
        was_ready_ = true;
        return true;
      }
      Sync::pause();
    }
  } while (Sync::now_ns() < spin_until_ns_);
  spin_ns_ = 0;
  return false;
}

extern template class BasicWaiter<StandardSync>;
using Waiter = BasicWaiter<StandardSync>;

}  // namespace sluice::detail
