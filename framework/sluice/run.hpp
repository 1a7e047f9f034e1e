// sluice/run.hpp: executes a pipeline: run() to its end, start() to keep it in hand.
// Layer: run. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/unique_function.hpp>
#include <sluice/chaos.hpp>
#include <sluice/dead_letter.hpp>
#include <sluice/deadline.hpp>
#include <sluice/pipeline.hpp>
#include <sluice/report.hpp>
#include <sluice/runtime/endpoints.hpp>
#include <sluice/scheduler.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

namespace detail {
class RunState;
}

/// What a run can be told.
struct RunOptions {
  std::vector<StageOverride> overrides{};
  std::uint64_t seed = 0;  ///< of Context::seed(); 0 takes a fresh one
  /// Bytes, as weight_of() counts them, that all items of the run may hold together: queued, in a batch, in
  /// progress, waiting for a retry or their turn, and outputs that wait for room. A stage whose outputs would
  /// exceed it waits as on a full edge. What is exceeded all the same: by one item's outputs per worker, and by
  /// an item for each producer of an edge, so that a run goes on whatever its budget. What stages gather, and
  /// what is inside a callback, is not counted. Unset: no budget.
  std::size_t memory = kAuto;
  /// Called for every dead letter, one at a time, from a worker's thread.
  UniqueFunction<void(const DeadLetter&)> on_dead_letter{};
  /// Called for Context::log(), one at a time, from a worker's thread.
  UniqueFunction<void(std::string_view stage, std::string_view text)> on_log{};
  /// Faults for worker processes, on purpose. Stages that have none: UsageError.
  ChaosPlan chaos{};
};

enum class JoinStatus : unsigned char { ended, late };

/// A live run. Every member may be called from any thread, also while another is in join().
///
/// Destroying it cancels and joins: nothing outlives its handle.
class [[nodiscard]] RunHandle {
 public:
  RunHandle(RunHandle&&) noexcept;
  RunHandle& operator=(RunHandle&&) noexcept;
  RunHandle(const RunHandle&) = delete;
  RunHandle& operator=(const RunHandle&) = delete;
  ~RunHandle();

  /// Sources end, what is inside drains. Idempotent. Does not block.
  void stop() noexcept;
  /// Contents are dropped and settled; ends after the items in progress. Does not block.
  void cancel() noexcept;

  /// Blocks   until every worker has ended and every queue is settled, or until the deadline.
  /// Returns  late when it is still running; it then goes on, and join may be called again.
  /// Throws   std::logic_error when an item is unaccounted for: a defect of the framework.
  JoinStatus join(Deadline deadline = {});

  /// Blocks   until the run has ended.
  /// Returns  the final report.
  /// Throws   the first StageError, when the run failed.
  Report wait();

  /// The report as of now, or the final one once ended. Never throws the run's error.
  [[nodiscard]] Report snapshot() const;
  /// Who waits for what on which edge, the items in progress, and the stage at the root of it.
  [[nodiscard]] std::string explain() const;

  /// The application's end of Pipeline::inlet<T>(name). Throws UsageError for an unknown name or
  /// another type.
  template <class T>
  [[nodiscard]] Inlet<T> inlet(const std::string& name) {
    return Inlet<T>(detail::find_inlet(state_, name, detail::type_key<T>()));
  }
  /// The application's end of `stream | outlet<T>(name)`.
  template <class T>
  [[nodiscard]] Outlet<T> outlet(const std::string& name) {
    return Outlet<T>(detail::find_outlet(state_, name, detail::type_key<T>()));
  }

 private:
  friend RunHandle start(const Pipeline& pipeline, RunOptions options);
  explicit RunHandle(std::shared_ptr<detail::RunState> state) noexcept;
  void end() noexcept;

  std::shared_ptr<detail::RunState> state_;
};

/// Validates, plans and starts. Threads: any; several runs may be live at once, of one pipeline too.
/// Throws  PipelineError with all faults, before anything has started.
RunHandle start(const Pipeline& pipeline, RunOptions options = {});

/// start() and wait().
Report run(const Pipeline& pipeline, RunOptions options = {});

}  // namespace sluice
