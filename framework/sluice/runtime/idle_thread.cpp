// sluice/runtime/idle_thread.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/idle_thread.hpp>

#include <sluice/os/cpu.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace sluice::detail {
namespace {

constexpr int kInVain = 16;
constexpr std::size_t kMany = 3;

// What waits for a worker that nobody runs, and what those do that somebody runs.
struct Waiting {
  bool any_claimed = false;
  bool any_timed = false;
  IdleThread::Nanoseconds oldest_step =
      std::numeric_limits<IdleThread::Nanoseconds>::max();  // began then
  std::size_t items = 0;
  bool crowded = false;  // a queue is more than half full, or somebody waits for room in it

  void add(const Worker& worker) noexcept {
    any_timed =
        any_timed || worker.wake_at() != std::numeric_limits<IdleThread::Nanoseconds>::max();
    if (worker.claimed()) {
      any_claimed = true;
      oldest_step = std::min(oldest_step, worker.since());
    } else if (worker.activity() == Activity::starved) {
      const QueueCore& input = *worker.body->input();
      const std::size_t size = input.size();
      items = std::max(items, size);
      crowded = crowded || size > input.capacity() / 2 || (size > 0 && input.put_waiters() > 0);
    }
  }
};

Waiting look_at(const PoolGroups& groups) noexcept {
  Waiting found;
  for (const auto& group : groups) {
    for (const Worker* worker : group->workers) found.add(*worker);
  }
  return found;
}

}  // namespace

bool IdleThread::naps(const PoolGroups& groups, Nanoseconds idle_since) noexcept {
  const Nanoseconds worked = idle_since - awake_since_;
  if (slept_) {
    habit_.slept(awake_since_ - asleep_since_, worked);
  } else {
    habit_.woke_to(worked);
  }
  slept_ = false;
  if (!habit_.naps() || look_at(groups).any_timed) return false;
  const Nanoseconds begun = Worker::read_clock();
  nap(NapHabit::kNap);
  awake_since_ = Worker::read_clock();
  const Waiting found = look_at(groups);
  const bool others_look = found.any_claimed && found.oldest_step >= begun;
  if (!found.crowded && others_look) {
    in_vain_ = found.items == 0 ? in_vain_ + 1 : 0;
    if (in_vain_ < kInVain) return true;
  }
  in_vain_ = 0;
  using Found = NapHabit::Found;
  const bool pays = !found.crowded && found.items >= kMany;
  habit_.napped(found.items == 0 ? Found::nothing : pays ? Found::enough : Found::too_few);
  return found.items > 0;
}

}  // namespace sluice::detail
