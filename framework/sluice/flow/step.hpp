// sluice/flow/step.hpp: the non-blocking step, the only way in which a stage's work is done.
//
// (1) A step never waits. It says what it needs, and whoever drives it decides how to wait:
//     a dedicated thread parks, the pool runs another stage's step, a test picks by seed.
// (2) A step is run by whoever holds its worker's claim; nothing in it is shared otherwise.
// (3) A few virtual calls move a batch; nothing virtual happens per item.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/deadline.hpp>
#include <sluice/flow/port.hpp>
#include <sluice/flow/worker_state.hpp>
#include <sluice/queue.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::detail {

class StoreGauge;

enum class StepResult : unsigned char {
  progressed,   ///< something moved, call again
  needs_input,  ///< the input lane is empty; also at wake_at(), when that is set
  needs_room,   ///< full() has no room for outputs
  needs_time,   ///< nothing to do before wake_at()
  done,         ///< finished, all edges told
};

/// What the driver allows one step, and what the step reports back.
struct StepFrame {
  std::size_t max_items = 64;
  bool sample = false;        ///< time the first item
  std::size_t items = 0;      ///< items processed in this step
  std::int64_t slept_ns = 0;  ///< of the step, waiting for somebody else to process them
};

class StepBody {
 public:
  StepBody() = default;
  StepBody(const StepBody&) = delete;
  StepBody& operator=(const StepBody&) = delete;
  virtual ~StepBody() = default;

  /// Does a bounded amount of work. Never throws: user exceptions are judged inside.
  [[nodiscard]] virtual StepResult step(StepFrame& frame) noexcept = 0;

  /// The queue that this worker takes from; null for sources.
  [[nodiscard]] virtual QueueCore* input() const noexcept = 0;
  /// After needs_room: a queue without room for an output that waits.
  struct Full {
    QueueCore* queue = nullptr;
    std::size_t weight = 0;  ///< of that output, where the queue is bounded in bytes
    bool several =
        false;  ///< not that queue alone will tell: several are full, or memory or order is missed
    bool memory = false;  ///< the run's memory budget is used up
  };
  [[nodiscard]] virtual Full full() const noexcept = 0;
  /// After needs_room: could an output go on by now? `closely` for the last look before sleeping
  /// (seq_cst loads). Threads  any, at any time; true in doubt.
  [[nodiscard]] virtual bool any_room(bool closely) const noexcept = 0;
  /// Adds a time for which the worker waited for room to the edges that had none.
  virtual void add_full_ns(std::int64_t ns) noexcept = 0;
  /// The next timer (retry, linger); never when there is none.
  [[nodiscard]] virtual Deadline wake_at() const noexcept = 0;

  /// What this worker waits for at wake_at() is moot once the run is stopping. Threads  any.
  [[nodiscard]] virtual bool stop_ends_wait() const noexcept = 0;
  /// It waits for memory as well as for wake_at(), and there is some again. Threads  any.
  [[nodiscard]] virtual bool memory_ends_wait() const noexcept { return false; }

  /// Items between being taken and leaving in order, now and at most; zeros where no order is kept.
  struct InOrder {
    std::uint64_t open = 0;
    std::uint64_t most_open = 0;
  };
  /// Threads  any, at any time.
  [[nodiscard]] virtual InOrder in_order() const noexcept { return {}; }

  /// What waits in the worker's store; null where it has none. Threads  any, at any time.
  [[nodiscard]] virtual const StoreGauge* store() const noexcept { return nullptr; }

  /// The worker's branches, for the ledger.
  [[nodiscard]] virtual std::size_t branches() const noexcept = 0;
  [[nodiscard]] virtual const BranchCounts& branch(std::size_t index) const noexcept = 0;
};

/// Everything a worker's step is made of.
struct StepSetup {
  WorkerState* worker = nullptr;
  EdgeBase* input = nullptr;
  std::size_t lane = 0;
  std::span<const OutputBinding> outputs{};
  std::size_t batch = 64;  ///< items that the worker may hold at once
};

}  // namespace sluice::detail
