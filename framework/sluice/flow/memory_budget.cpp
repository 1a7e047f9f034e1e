// sluice/flow/memory_budget.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/memory_budget.hpp>

#include <sluice/observe/tally.hpp>
#include <sluice/os/heap.hpp>

#include <limits>

namespace sluice::detail {
namespace {

// More resident than at the beginning and the budget, before free pages are returned.
constexpr std::size_t kSlack = std::size_t{16} << 20;

std::uint64_t first_stride(std::size_t budget) noexcept {
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 20;
  return budget / 16 > kLeast ? budget / 16 : kLeast;
}

}  // namespace

MemoryBudget::MemoryBudget(std::size_t bytes, RunControl& control) noexcept
    : control_(&control),
      bytes_(bytes),
      most_resident_(resident_bytes() + kSlack),
      next_look_(first_stride(bytes)),
      stride_(first_stride(bytes)) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  most_resident_ = bytes < kMost - most_resident_ ? most_resident_ + bytes : kMost;
}

bool MemoryShare::admits(const QueueCore& lane, std::size_t more) const noexcept {
  return budget_->charged() + static_cast<std::int64_t>(more) <= limit_ || lane.empty();
}

bool MemoryShare::has_room() const noexcept { return budget_->charged() <= limit_; }

bool MemoryShare::may_resume(const QueueCore& lane, std::size_t more) const noexcept {
  // sync-point memory-or-waiter: the waiter's looks.
  return budget_->charged() + static_cast<std::int64_t>(more) <= resume_ || lane.may_be_empty();
}

bool MemoryShare::may_resume() const noexcept { return budget_->charged() <= resume_; }

void MemoryShare::begin_wait() noexcept {
  // sync-point memory-or-waiter: counts itself, then looks. The budget's count last: who finds it finds this one.
  waiters_.fetch_add(1, std::memory_order_seq_cst);
  budget_->waiters_.fetch_add(1, std::memory_order_seq_cst);
}

void MemoryShare::end_wait() noexcept {
  budget_->waiters_.fetch_sub(1, std::memory_order_relaxed);
  waiters_.fetch_sub(1, std::memory_order_relaxed);
}

bool MemoryShare::wait(const QueueCore& lane, std::size_t more, const Deadline& deadline) noexcept {
  if (deadline.is_one_try()) return false;
  begin_wait();
  WaitPoint& point = budget_->control_->room_point();
  WaitPoint::Ticket ticket = point.announce();
  bool in_time = true;
  while (in_time && !may_resume(lane, more)) {
    in_time = point.park(ticket, deadline);
    ticket = point.rearm();
  }
  static_cast<void>(point.leave());  // a gong is for all, so there is nothing to pass on
  end_wait();
  return in_time;
}

void MemoryShare::ring() noexcept { budget_->control_->ring_room(); }

// The last edge may use all of it, the first one half and a little.
MemoryShare& MemoryBudget::add_share(std::size_t depth, std::size_t deepest) {
  const std::size_t below = deepest > depth ? deepest - depth : 0;
  const std::size_t kept = deepest == 0 ? 0 : bytes_ / 2 / deepest * below;
  return *shares_.emplace_back(std::make_unique<MemoryShare>(*this, bytes_ - kept));
}

void MemoryBudget::release(std::size_t bytes) noexcept {
  if (bytes == 0) return;
#if defined(SLUICE_LEDGER_MUTANTS)
  if (keeps_memory_charged.load(std::memory_order_relaxed)) return;
#endif
  // sync-point memory-or-waiter: gives back, then looks.
  const std::int64_t before =
      charged_.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_seq_cst);
  const std::uint64_t freed = freed_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (freed >= next_look_.load(std::memory_order_relaxed)) look_at_heap(freed);
  if (waiters_.load(std::memory_order_seq_cst) == 0) return;
  const std::int64_t now = before - static_cast<std::int64_t>(bytes);
  for (const auto& share : shares_) {
    if (share->wants_ring(now)) return control_->ring_room();
  }
}

// Where that does not help, because something else holds the memory, the next look is later.
void MemoryBudget::look_at_heap(std::uint64_t freed) noexcept {
  if (looking_.exchange(true, std::memory_order_relaxed)) return;
  std::uint64_t stride = first_stride(bytes_);
  if (resident_bytes() > most_resident_) {
    trim_heap();
    if (resident_bytes() > most_resident_) stride = 2 * stride_.load(std::memory_order_relaxed);
  }
  stride_.store(stride, std::memory_order_relaxed);
  next_look_.store(freed + stride, std::memory_order_relaxed);
  looking_.store(false, std::memory_order_relaxed);
}

void MemoryBudget::raise_peak(std::int64_t now) noexcept {
  std::int64_t peak = peak_.load(std::memory_order_relaxed);
  while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed,
                                                    std::memory_order_relaxed)) {
  }
}

}  // namespace sluice::detail
