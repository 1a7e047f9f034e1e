// sluice/runtime/run_state.hpp: one run: its edges, its workers, its errors, and its end.
//
// (1) Built completely before the first thread starts; after that the structure never changes.
// (2) Ends when every worker and every outlet has ended; the last one to end says so. By then no object
//     of the user's is left in it: steps drop theirs when their worker leaves, the last one the rest.
// (3) fail() and cancel() may come from any thread, also from inside a step: they set the flag first
//     and cancel the edges after, so whoever finds an edge cancelled also finds the flag.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/unique_function.hpp>
#include <sluice/flow/endpoint.hpp>
#include <sluice/flow/feedback_loop.hpp>
#include <sluice/flow/memory_budget.hpp>
#include <sluice/flow/run_control.hpp>
#include <sluice/report.hpp>
#include <sluice/runtime/worker.hpp>
#include <sluice/scheduler.hpp>
#include <sluice/sync/wait_point.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::detail {

class ProcessCrew;

/// Where a run tells what happens; empty functions tell nobody.
struct RunHooks {
  UniqueFunction<void(const DeadLetter&)> on_dead_letter;
  UniqueFunction<void(std::string_view, std::string_view)> on_log;
};

class RunState final : public RunControl, public Endpoint::Listener {
 public:
  /// Makes everything the plan says; starts nothing. Workers of process stages get the places of `crew`;
  /// without one they are workers like others. Throws UsageError when a stage's callable can't be had.
  RunState(std::shared_ptr<const Graph> graph, Plan plan, std::uint64_t seed, RunHooks hooks,
           std::shared_ptr<ProcessCrew> crew = nullptr);
  ~RunState();

  // ---- RunControl: from steps, any thread --------------------------------------------------------
  void fail(const StageError& error) noexcept override;
  void note_error(const StageError& error) noexcept override;
  void dead_letter(DeadLetter letter) noexcept override;
  void request_stop() noexcept override;
  void request_cancel() noexcept override;
  void log(std::string_view stage, std::string_view text) noexcept override;

  void ring_room() noexcept override;
  void ring_timers() noexcept override;

  void endpoint_ended() noexcept override { participant_ended(); }
  /// A worker or an outlet has ended, or who took part is done.
  void participant_ended() noexcept;
  /// Keeps the run, and its hooks, from ending until participant_ended(); false when it has ended
  /// already, and its status must not change any more.
  [[nodiscard]] bool take_part() noexcept;

  // ---- the end -----------------------------------------------------------------------------------
  /// Blocks until the run has ended, or until the deadline; true when it has ended.
  bool wait_ended(const Deadline& deadline);
  [[nodiscard]] bool ended() const noexcept {
    // sync-point run-ended: whoever sees it sees all counters.
    return ended_.load(std::memory_order_acquire);
  }
  /// Runs `join` unless somebody has; returns when it was run. For the run's threads.
  template <class Join>
  void join_once(Join join) {
    const std::lock_guard lock(join_mutex_);
    if (!std::exchange(joined_, true)) join();
  }
  /// Outlets that nobody reads any more would keep a run from ending.
  void end_outlets() noexcept;
  [[nodiscard]] RunStatus status() const;
  /// Throws the first StageError when the run failed.
  void throw_failure() const;

  // ---- structure ---------------------------------------------------------------------------------
  [[nodiscard]] const Plan& plan() const noexcept { return plan_; }
  [[nodiscard]] const Graph& graph() const noexcept { return *graph_; }
  /// Of all stages, in the order of stages; a worker knows its stage by state.stage().
  [[nodiscard]] const std::vector<std::unique_ptr<Worker>>& workers() const noexcept {
    return workers_;
  }
  /// The workers' index range [first, last) of a stage; empty for outlets.
  struct Range {
    std::size_t first = 0;
    std::size_t last = 0;
  };
  [[nodiscard]] Range workers_of(std::size_t stage) const noexcept { return ranges_[stage]; }
  /// The input edge of a stage; null for sources.
  [[nodiscard]] EdgeBase* edge_into(std::size_t stage) const noexcept {
    return edges_[stage].get();
  }
  [[nodiscard]] const std::vector<std::shared_ptr<Endpoint>>& endpoints() const noexcept {
    return endpoints_;
  }
  /// The endpoint of a stage; null when it has none.
  [[nodiscard]] const std::shared_ptr<Endpoint>& endpoint_of(std::size_t stage) const noexcept {
    return endpoints_[stage];
  }
  [[nodiscard]] const StageState& stage_state(std::size_t stage) const noexcept {
    return states_[stage];
  }
  [[nodiscard]] StageInstance& instance(std::size_t stage) noexcept { return *instances_[stage]; }
  /// The worker processes; null when no stage has any.
  [[nodiscard]] ProcessCrew* crew() const noexcept { return crew_.get(); }
  /// The run's memory budget; null when it has none.
  [[nodiscard]] const MemoryBudget* memory() const noexcept {
    return memory_.has_value() ? &*memory_ : nullptr;
  }
  /// Where workers wait for a timer, so that cancel can end the wait.
  [[nodiscard]] WaitPoint& timer_point() noexcept { return timer_point_; }
  /// Where a worker with a thread of its own waits for room in one of several queues.
  [[nodiscard]] WaitPoint& room_point() noexcept override { return room_point_; }
  /// Where the pool sleeps; stop and cancel ring it. Set before the run starts.
  void set_bell(WaitPoint* bell) noexcept { bell_ = bell; }

  // ---- what has happened -------------------------------------------------------------------------
  struct Happened {
    std::vector<ErrorReport> errors;
    std::uint64_t error_count = 0;
    std::uint64_t dead_letters = 0;
  };
  [[nodiscard]] Happened happened() const;
  [[nodiscard]] Worker::Nanoseconds began() const noexcept { return began_; }
  /// Clock nanoseconds of the end, or now.
  [[nodiscard]] Worker::Nanoseconds ended_at() const noexcept;
  [[nodiscard]] double cpu_seconds() const noexcept;

  /// The run's own threads; joined by the handle.
  std::vector<std::thread> threads{};

 private:
  void make_edges();
  [[nodiscard]] EdgeSpec spec_of(const PlannedEdge& edge, bool served);
  [[nodiscard]] std::size_t batch_bytes_of(std::size_t stage) const noexcept;
  void make_stage(std::size_t stage, std::uint64_t seed);
  void make_workers(std::size_t stage);
  void make_loops();
  void make_loop(std::size_t feedback);
  [[nodiscard]] std::vector<OutputBinding> outputs_of(std::size_t stage) const;
  void keep_locked(const StageError& error) noexcept;
  void cancel_edges() noexcept;
  void stop_sources() noexcept;
  void end_inlets() noexcept;
  template <class Hook, class... Args>
  void call_hook(Hook& hook, std::string_view stage, const char* phase,
                 const Args&... args) noexcept;
  void release_user_objects() noexcept;

  std::shared_ptr<const Graph> graph_{};
  Plan plan_;
  RunHooks hooks_;
  std::optional<MemoryBudget> memory_{};
  std::deque<StageState> states_;
  std::deque<FeedbackLoop> loops_{};
  std::vector<std::unique_ptr<EdgeBase>> edges_{};
  std::vector<std::unique_ptr<StageInstance>> instances_{};
  std::vector<std::unique_ptr<Worker>> workers_{};
  std::vector<Range> ranges_{};
  std::deque<WorkerState> endpoint_states_;
  std::vector<std::shared_ptr<Endpoint>> endpoints_{};
  WaitPoint timer_point_;
  WaitPoint room_point_;
  WaitPoint* bell_ = nullptr;
  std::shared_ptr<ProcessCrew> crew_;

  Worker::Nanoseconds began_;
  double cpu_began_;
  std::atomic<Worker::Nanoseconds> ended_at_{0};
  std::atomic<double> cpu_ended_{0};
  std::atomic<std::size_t> participants_{0};
  std::atomic<bool> ended_{false};
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> failed_{false};

  mutable std::mutex mutex_;  // what follows
  std::condition_variable ended_condition_;
  Happened happened_;
  std::exception_ptr first_failure_;
  std::mutex join_mutex_;
  bool joined_ = false;
  std::mutex hook_mutex_;  // hooks are called one at a time
};

}  // namespace sluice::detail
