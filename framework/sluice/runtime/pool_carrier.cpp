// sluice/runtime/pool_carrier.cpp: the only file that includes oneTBB's scheduler.
// SPDX-License-Identifier: MIT
#include <sluice/runtime/pool_carrier.hpp>

#include <sluice/base/cpu_pause.hpp>
#include <sluice/os/cpu.hpp>
#include <sluice/os/this_process.hpp>
#include <sluice/runtime/idle_thread.hpp>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

namespace sluice::detail {
namespace {

using Groups = PoolGroups;
using Nanoseconds = Worker::Nanoseconds;

// How long an idle thread looks again before it sleeps: about what one sleep and wake cost.
constexpr Nanoseconds kIdleSpin = 5'000;
// Every so many steps of a thread go to the worker that has waited longest.
constexpr std::size_t kFairTurn = 32;

thread_local bool inside_pool = false;

class Pool {
 public:
  Pool() : size_(std::max(1U, usable_cpus())) {}

  void add(std::shared_ptr<PoolGroup> group);
  void release_if_unused() noexcept;
  [[nodiscard]] bool in_use() const noexcept;
  [[nodiscard]] WaitPoint& bell() noexcept { return bell_; }

 private:
  void work() noexcept;
  void refresh(Groups& groups, std::uint64_t& version) const;
  [[nodiscard]] bool leave_if_unused() noexcept;
  [[nodiscard]] bool run_one(const Groups& groups, Nanoseconds& now) noexcept;
  [[nodiscard]] bool run_if_ready(const Groups& groups, const std::shared_ptr<PoolGroup>& group,
                                  Worker& worker, Nanoseconds& now) noexcept;
  [[nodiscard]] bool run_longest_waiting(const Groups& groups, Nanoseconds& now) noexcept;
  void run(const std::shared_ptr<PoolGroup>& group, Worker& worker, Nanoseconds& now) noexcept;
  void remove(const std::shared_ptr<PoolGroup>& group) noexcept;
  void pass_on(const Groups& groups, const Worker& mine, Nanoseconds now) noexcept;
  void sleep(const Groups& groups, std::uint64_t version) noexcept;

  // oneTBB ends its threads once nobody holds an arena, so we hold ours only while a run needs it.
  struct Arena {
    explicit Arena(std::size_t size)
        // Our threads hold their places in oneTBB's market while a run lasts; the program's own
        // oneTBB code keeps as many as it had.
        : allowed(tbb::global_control::max_allowed_parallelism,
                  std::max<std::size_t>(2 * size + 1,
                                        tbb::global_control::active_value(
                                            tbb::global_control::max_allowed_parallelism))),
          arena(static_cast<int>(size), 0) {}
    tbb::global_control allowed;
    tbb::task_arena arena;
  };

  const std::size_t size_;
  WaitPoint bell_;
  std::atomic<std::uint64_t> version_{0};  // changes with groups_
  mutable std::mutex mutex_;               // what follows
  Groups groups_;
  std::size_t threads_ = 0;       // in work(), or on their way there
  std::condition_variable left_;  // threads_ has become 0
  std::optional<Arena> arena_;    // held while threads_ is not 0
};

// Never destroyed: its threads may still be leaving the arena when the program ends.
Pool& pool() {
  static Pool* const the_pool = new Pool;
  return *the_pool;
}

void Pool::add(std::shared_ptr<PoolGroup> group) {
  const std::lock_guard lock(mutex_);
  if (!arena_.has_value()) arena_.emplace(size_);
  groups_.push_back(std::move(group));
  version_.fetch_add(1, std::memory_order_seq_cst);  // a sleeper's look must see it
  try {
    for (; threads_ < size_; ++threads_) arena_->arena.enqueue([this] { work(); });
  } catch (...) {
    if (threads_ == 0) {
      groups_.pop_back();
      throw;
    }  // else there are fewer than wanted, which is enough
  }
  bell_.wake_all();
}

void Pool::remove(const std::shared_ptr<PoolGroup>& group) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase(groups_, group);
  version_.fetch_add(1, std::memory_order_seq_cst);
  bell_.wake_all();  // so that sleeping threads drop their snapshot, and leave when it was the last
}

void Pool::refresh(Groups& groups, std::uint64_t& version) const {
  Groups old;  // ended runs die outside the lock
  const std::lock_guard lock(mutex_);
  old = std::exchange(groups, groups_);
  version = version_.load(std::memory_order_relaxed);
}

bool Pool::leave_if_unused() noexcept {
  const std::lock_guard lock(mutex_);
  if (!groups_.empty()) return false;
  inside_pool = false;
  if (--threads_ == 0) left_.notify_all();
  return true;
}

void Pool::release_if_unused() noexcept {
  std::unique_lock lock(mutex_);
  left_.wait(lock, [this] { return threads_ == 0 || !groups_.empty(); });
  if (threads_ != 0) return;
  // A thread that found its arena empty looks a hundred times more before it goes, with a yield between two
  // looks, each worth a time slice of whoever else wants the core; until then no worker process can be
  // forked. While oneTBB may have no threads, who gives an arena back looks himself, and the threads go at once.
  const tbb::global_control none(tbb::global_control::max_allowed_parallelism, 1);
  arena_.reset();
}

bool Pool::in_use() const noexcept {
  const std::lock_guard lock(mutex_);
  return arena_.has_value();
}

void Pool::work() noexcept {
  name_this_thread("sluice-pool");
  inside_pool = true;
  Groups groups;
  std::uint64_t version = 0;
  refresh(groups, version);
  Nanoseconds now = Worker::read_clock();
  Nanoseconds idle_since = now;
  IdleThread idle;
  for (;;) {
    if (version_.load(std::memory_order_relaxed) != version) refresh(groups, version);
    if (groups.empty()) {
      if (leave_if_unused()) return;
      refresh(groups, version);
    }
    if (run_one(groups, now)) {
      idle_since = now;
      continue;
    }
    now = Worker::read_clock();
    if (now - idle_since < kIdleSpin) {
      cpu_pause();
      continue;
    }
    if (!idle.naps(groups, idle_since)) {
      idle.begin_sleep(now);
      sleep(groups, version);
      idle.end_sleep(Worker::read_clock());
    }
    now = Worker::read_clock();
    idle_since = now;
  }
}

bool Pool::run_one(const Groups& groups, Nanoseconds& now) noexcept {
  static thread_local std::size_t turn = 0;
  if (++turn % kFairTurn == 0 && run_longest_waiting(groups, now)) return true;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto& group = groups[(turn + i) % groups.size()];  // runs take turns
    for (Worker* worker : group->workers) {
      if (run_if_ready(groups, group, *worker, now)) return true;
    }
  }
  return false;
}

bool Pool::run_if_ready(const Groups& groups, const std::shared_ptr<PoolGroup>& group,
                        Worker& worker, Nanoseconds& now) noexcept {
  if (worker.claimed() || worker.rests(now)) return false;
  if (!worker.may_progress(now, false) || !worker.try_claim()) return false;
  if (worker.ended()) {
    worker.release();
    return false;
  }
  pass_on(groups, worker, now);
  run(group, worker, now);
  return true;
}

// Downstream first would let a stage that always has input starve one further up for ever.
bool Pool::run_longest_waiting(const Groups& groups, Nanoseconds& now) noexcept {
  const std::shared_ptr<PoolGroup>* longest_group = nullptr;
  Worker* longest = nullptr;
  for (const auto& group : groups) {
    for (Worker* worker : group->workers) {
      if (worker->claimed() || !worker->may_progress(now, false)) continue;
      if (longest != nullptr && longest->since() <= worker->since()) continue;
      longest = worker;
      longest_group = &group;
    }
  }
  return longest != nullptr && run_if_ready(groups, *longest_group, *longest, now);
}

void Pool::run(const std::shared_ptr<PoolGroup>& group, Worker& worker, Nanoseconds& now) noexcept {
  const StepResult result = worker.step(now);
  worker.release();
  if (result != StepResult::done) return;
  // sync-point group-live (both sides): the last one sees what the others' steps have done.
  const bool last = group->live.fetch_sub(1, std::memory_order_acq_rel) == 1;
  RunState& run = *group->run;
  if (last) remove(group);
  run.participant_ended();  // the caller's snapshot keeps the run alive
}

void Pool::pass_on(const Groups& groups, const Worker& mine, Nanoseconds now) noexcept {
  if (!bell_.needs_wake()) return;
  for (const auto& group : groups) {
    for (const Worker* worker : group->workers) {
      if (worker == &mine || worker->claimed() || !worker->may_progress(now, false)) continue;
      bell_.wake_one();
      return;
    }
  }
}

void Pool::sleep(const Groups& groups, std::uint64_t version) noexcept {
  const WaitPoint::Ticket ticket = bell_.announce();
  Nanoseconds wake_at = std::numeric_limits<Nanoseconds>::max();
  bool work = version_.load(std::memory_order_seq_cst) != version || groups.empty();
  const Nanoseconds now = Worker::read_clock();
  for (const auto& group : groups) {
    for (const Worker* worker : group->workers) {
      if (worker->claimed()) continue;
      work = work || worker->may_progress(now, true);
      wake_at = std::min(wake_at, worker->wake_at());
    }
  }
  if (!work) {
    using TimePoint = std::chrono::steady_clock::time_point;
    const bool timed = wake_at != std::numeric_limits<Nanoseconds>::max();
    bell_.park(ticket,
               timed ? Deadline::at(TimePoint(std::chrono::nanoseconds(wake_at))) : Deadline{});
  }
  // Whoever leaves looks for work next, and passes the ring on when there is more than it takes.
  static_cast<void>(bell_.leave());
}

}  // namespace

void release_unused_pool() noexcept {
  if (!inside_pool) pool().release_if_unused();
}

void end_unused_pool_threads() noexcept {
  if (inside_pool || pool().in_use()) return;
  tbb::task_scheduler_handle scheduler{tbb::attach{}};
  static_cast<void>(tbb::finalize(scheduler, std::nothrow));
}

bool on_pool_thread() noexcept { return inside_pool; }

WaitPoint& pool_bell() noexcept { return pool().bell(); }

void run_on_pool(std::shared_ptr<PoolGroup> group) { pool().add(std::move(group)); }

}  // namespace sluice::detail
