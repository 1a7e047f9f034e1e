// sluice/runtime/worker.hpp: one worker: a claimable step with its clocks.
//
// (1) Whoever holds the claim may run the step; so any thread can run any stage's work, and a step
//     is never run by two at once. sync-point worker-claim orders one holder's writes before the
//     next one's reads.
// (2) The four clocks add up to the worker's life by construction: every interval between two clock
//     reads is added to exactly one of them.
// (3) What a non-holder may look at is atomic: activity, timer, and the queue it waits for.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/step.hpp>
#include <sluice/flow/worker_state.hpp>
#include <sluice/os/cpu.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice::detail {

/// What a worker is doing, as its clocks tell it apart.
enum class Activity : unsigned char { parked, busy, starved, blocked, ended };
inline constexpr std::size_t kClocks = 4;

class Worker final : public EmitWait {
 public:
  using Nanoseconds = std::int64_t;

  Worker(StageState& stage, std::size_t index, std::size_t batch);

  WorkerState state;
  std::unique_ptr<StepBody> body;

  /// Takes the claim unless somebody has it or the worker has ended.
  [[nodiscard]] bool try_claim() noexcept {
    if (claimed_.load(std::memory_order_relaxed)) return false;
    // sync-point worker-claim: acquires what the last holder did.
    return !claimed_.exchange(true, std::memory_order_acquire);
  }
  void release() noexcept {
    // sync-point worker-claim: releases this holder's work to the next.
    claimed_.store(false, std::memory_order_release);
  }
  [[nodiscard]] bool claimed() const noexcept { return claimed_.load(std::memory_order_relaxed); }

  /// Runs one step; the claim must be held. `now` is a recent clock reading, and is renewed.
  [[nodiscard]] StepResult step(Nanoseconds& now) noexcept;

  /// From inside a step of a streaming stage: the wait is blocked time, not busy time.
  void wait_for_room() noexcept override;
  /// Blocks   until an output that waits could go on, or its queue is closed.
  void sleep_for_room() noexcept;

  /// A look without the claim: could a step make progress now? `closely` for the last look before
  /// sleeping (seq_cst loads), else a cheap look that may be outdated.
  [[nodiscard]] bool may_progress(Nanoseconds now, bool closely) const noexcept;
  /// True for a moment after a step that found only a few cheap items: running the worker again at
  /// once would find a few more and take the queue's cache lines from the thread that fills it. The
  /// pool runs something else, or looks again a little later.
  [[nodiscard]] bool rests(Nanoseconds now) const noexcept {
    return now < rests_until_.load(std::memory_order_relaxed);
  }
  /// The worker's next timer in clock nanoseconds; max when there is none.
  [[nodiscard]] Nanoseconds wake_at() const noexcept {
    return wake_at_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool ended() const noexcept { return activity() == Activity::ended; }
  /// What its timer is for will not be done any more: a step would end it.
  [[nodiscard]] bool timer_is_moot() const noexcept;

  /// Called on the worker's own thread, first and last; never for a worker without one.
  void begin_thread() noexcept;
  void end_thread() noexcept;

  // ---- for reports -------------------------------------------------------------------------------
  [[nodiscard]] Activity activity() const noexcept {
    return activity_.load(std::memory_order_relaxed);
  }
  /// Since when it has been doing that.
  [[nodiscard]] Nanoseconds since() const noexcept {
    return since_.load(std::memory_order_relaxed);
  }
  /// Nanoseconds spent so far, the current activity up to `now` included.
  [[nodiscard]] Nanoseconds clock(Activity activity, Nanoseconds now) const noexcept;
  [[nodiscard]] Nanoseconds born() const noexcept { return born_; }
  /// What its own thread has got of the processors; zeros for a worker without one.
  [[nodiscard]] ThreadTimes thread_times() const noexcept;
  /// The queue whose room it waits for; null when it does not.
  [[nodiscard]] const QueueCore* waits_for_room_in() const noexcept {
    return full_.load(std::memory_order_relaxed);
  }
  /// It is not room that this queue lacks: the run's memory budget is used up.
  [[nodiscard]] bool waits_for_memory() const noexcept {
    return waits_for_memory_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] static Nanoseconds read_clock() noexcept {
    return std::chrono::steady_clock::now().time_since_epoch().count();
  }

 private:
  void enter(Activity activity, Nanoseconds now) noexcept;
  void learn(const StepFrame& frame, Nanoseconds spent) noexcept;
  void note_wait(StepResult result) noexcept;
  void note_full(const StepBody::Full& full) noexcept;

  // A step with much more work than this would hold back the thread that runs it, and the items
  // that it has taken, for too long.
#if defined( \
    SLUICE_BENCH_FIXED_BATCH)  // counts instructions on a simulated machine without a true clock
  static constexpr Nanoseconds kStepBudget = 3'600'000'000'000;
#else
  static constexpr Nanoseconds kStepBudget = 50'000;
#endif

  static constexpr std::size_t kFewItems = 32;
  static constexpr Nanoseconds kCheapStep = 1'500;
  static constexpr Nanoseconds kRest = 1'500;
  // Who makes an item in less time than it takes to be woken for it, by far, better fills half a queue.
  static constexpr double kCheapItem = 250;

  std::atomic<bool> claimed_{false};
  std::atomic<Activity> activity_{Activity::parked};
  std::atomic<Nanoseconds> since_;
  std::atomic<Nanoseconds> wake_at_;
  std::atomic<Nanoseconds> rests_until_{0};
  std::atomic<const QueueCore*> full_{nullptr};
  std::atomic<bool> waits_for_memory_{false};
  std::atomic<Nanoseconds> clocks_[kClocks] = {};
  std::atomic<int> thread_id_{0};  // 0: none, or it has ended; then the times are these
  std::atomic<Nanoseconds> thread_ran_{0};
  std::atomic<Nanoseconds> thread_delayed_{0};
  Nanoseconds born_;
  std::size_t batch_;
  std::size_t limit_;        // items per step as of now
  bool waits_ = false;       // as of the last step: full_ and wake_at_ say for what
  double service_ns_ = 0;    // smoothed time per item
  std::uint32_t turns_ = 0;  // steps that had an item
};

}  // namespace sluice::detail
