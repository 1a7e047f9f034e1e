// sluice/flow/worker_state.hpp: what the workers of a stage share, and what each has of its own.
//
// Written by whoever holds the worker's claim, read by reports and explanations at any time.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>
#include <sluice/context.hpp>
#include <sluice/flow/payload.hpp>
#include <sluice/flow/run_control.hpp>
#include <sluice/observe/histogram.hpp>
#include <sluice/observe/tally.hpp>
#include <sluice/options.hpp>
#include <sluice/sync/queue_core.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace sluice::detail {

class EdgeBase;

class FeedbackLoop;

/// Shared by the workers of one stage during one run.
struct StageState {
  std::string name{};
  std::size_t workers = 1;
  ErrorPolicy on_error{};
  bool holds_back_off = false;  ///< a retry's wait holds the worker: its input is keyed or ordered
  bool streaming = false;
  unsigned deaths_allowed = 3;  ///< of worker processes at one item, before it is a dead letter
  std::chrono::nanoseconds soft_timeout{0};
  std::size_t window =
      0;  ///< items in progress or waiting for their turn, where order is kept; else 0
  std::size_t batch_bytes =
      0;  ///< what a worker takes at once weighs no more, but for one item; 0: any
  std::uint64_t seed = 0;
  unsigned incarnation = 0;  ///< of the process that this is an image for
  RunControl* control = nullptr;
  EdgeBase* input = nullptr;  ///< null for sources
  /// Nothing more is wanted from this stage: it takes no more input, or pulls no more.
  std::atomic<bool> enough{false};
  std::vector<StageState*> feeders{};        ///< who puts into the input edge, once per connection
  std::atomic<std::size_t> open_outputs{0};  ///< connections whose consumer has not ended early
  std::atomic<bool> ended_early{false};
  FeedbackLoop* loop = nullptr;        ///< that this stage is in
  std::vector<FeedbackLoop*> feeds{};  ///< those of which it is outside
  std::stop_source stop_source{};      ///< of Context::stop_token(); the run's stop reaches it too
};

/// Items of the stage's input were settled or dropped: the loop that it is in may have become quiet.
void look_at_loop(const StageState& stage) noexcept;
/// A worker of the stage has ended, its outputs are put.
void leave_loops(const StageState& stage) noexcept;

/// Ends a stage whose outputs nobody wants any more, or that wants no more input: drops what waits on
/// its input edge and ends the stages that feed nobody else, up to the sources, whose waits end by
/// their stop token. Idempotent, any thread.
void end_stage_early(StageState& stage) noexcept;

/// Waits on behalf of a streaming stage, inside its emit, so that the worker's clocks know.
class EmitWait {
 public:
  /// Blocks until one of the full queues may have room, or is closed.
  virtual void wait_for_room() noexcept = 0;

 protected:
  ~EmitWait() = default;
};

class TimedItem;

/// One worker's counters and what it is doing right now.
class WorkerState {
 public:
  WorkerState(StageState& stage, std::size_t worker, EmitWait* emit_wait = nullptr);
  ~WorkerState();

  [[nodiscard]] StageState& stage() const noexcept { return *stage_; }
  [[nodiscard]] RunControl& control() const noexcept { return *stage_->control; }
  [[nodiscard]] std::size_t worker() const noexcept { return worker_; }
  [[nodiscard]] EmitWait& emit_wait() const noexcept { return *emit_wait_; }

  Tallies counts;
  Histogram service;  ///< sampled nanoseconds in the callback, per item
  Tally bytes;
  Tally expected_bytes;
  Tally overdue;  ///< written by the watcher of soft timeouts

  /// The item in the callback right now, and its attempt; kNoItem between items.
  void begin_item(std::uint64_t item) noexcept {
    if constexpr (kAccounting) item_.store(item, std::memory_order_relaxed);
  }
  void begin_item(std::uint64_t item, unsigned attempt) noexcept {
    item_.store(item, std::memory_order_relaxed);
    attempt_.store(attempt, std::memory_order_relaxed);
    if (timed_ != nullptr) begin_timed(item, attempt);
  }
  void end_item() noexcept {
    item_.store(StageError::kNoItem, std::memory_order_relaxed);
    if (timed_ != nullptr) end_timed();
  }
  /// "Enough" was said: about the item in progress where the stage keeps an order, else about the stage.
  void say_enough() noexcept {
    if (stage_->window != 0 && item() != StageError::kNoItem) {
      said_enough_ = true;
    } else {
      stage_->enough.store(true, std::memory_order_relaxed);
    }
  }
  /// Of the worker: whether it was said about its item, once.
  [[nodiscard]] bool take_said_enough() noexcept { return std::exchange(said_enough_, false); }
  /// Null where the stage has no soft timeout.
  [[nodiscard]] TimedItem* timed() const noexcept { return timed_.get(); }
  [[nodiscard]] std::uint64_t item() const noexcept {
    return item_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] unsigned attempt() const noexcept {
    return attempt_.load(std::memory_order_relaxed);
  }

 private:
  void begin_timed(std::uint64_t item, unsigned attempt) noexcept;
  void end_timed() noexcept;

  StageState* stage_;
  std::size_t worker_;
  EmitWait* emit_wait_;
  std::unique_ptr<TimedItem> timed_;
  std::atomic<std::uint64_t> item_{StageError::kNoItem};
  std::atomic<unsigned> attempt_{1};
  bool said_enough_ = false;
};

/// A seed of its own for each index (SplitMix64, Steele, Lea and Flood 2014).
[[nodiscard]] std::uint64_t derived_seed(std::uint64_t seed, std::uint64_t index) noexcept;

/// What the policy of a stage makes of a failed attempt.
enum class Verdict : unsigned char { retry, drop, fail };

/// Judges the exception being handled; call inside a catch block only. Counts, records and reports;
/// `payload` (may be null) is asked only for dead letters.
struct FailedAttempt {
  std::uint64_t item = StageError::kNoItem;
  unsigned attempt = 1;
  const Payload* payload = nullptr;
};
[[nodiscard]] Verdict judge_failure(WorkerState& worker, const FailedAttempt& failed) noexcept;

/// An exception outside any item (start, finish): fails the run whatever the policy says.
void fail_phase(WorkerState& worker, const char* phase) noexcept;

/// An exception in a source's next(): true when the source may go on by its policy.
[[nodiscard]] bool judge_source_failure(WorkerState& worker, unsigned attempt) noexcept;

}  // namespace sluice::detail
