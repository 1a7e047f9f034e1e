// sluice/runtime/process_crew.hpp: the worker processes of a run, and the thread that watches them.
//
// Made before any thread of the run: it forks the worker server then, from the finished graph. Its one thread,
// the supervisor, hears from the server what started and what died (an `exited` is proof: no thread of the
// process is left), and looks after the seats, one for every worker of every process stage (process_seat.hpp).
//
// (1) An idle run has no tick: the supervisor sleeps without a limit while no lease is out and nothing starts.
// (2) The run does not end before all its processes are gone and reaped.
// (3) It waits for nobody who reads standard error (process/relayed_lines.hpp).
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/readable_set.hpp>
#include <sluice/runtime/chaos.hpp>
#include <sluice/runtime/process_seat.hpp>
#include <sluice/runtime/process_slot.hpp>
#include <sluice/scheduler.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>

namespace sluice::detail {

class RunState;
struct Graph;

class ProcessCrew {
 public:
  /// A place for every worker of every process stage of the plan.
  ProcessCrew(const Graph& graph, const Plan& plan, ChaosPlan chaos);
  ~ProcessCrew();
  ProcessCrew(const ProcessCrew&) = delete;
  ProcessCrew& operator=(const ProcessCrew&) = delete;

  [[nodiscard]] bool empty() const noexcept { return seats_.empty(); }
  /// The place of a worker of a process stage.
  [[nodiscard]] ProcessSlot& slot(std::size_t stage, std::size_t worker) noexcept;
  [[nodiscard]] const ProcessCounts* counts(std::size_t stage, std::size_t worker) const noexcept;

  /// Starts the server. The caller is the run's starter and has not begun any thread of the run.
  /// Throws  what start_choice and WorkerServer throw; nothing is left behind then.
  void start_server(RunState& run, const Pipeline& pipeline);
  /// Launches everybody and begins to watch.
  void start();
  /// The run is stopping, was cancelled, or a stage ends early: all look again. Threads  any.
  void ring() noexcept;
  /// After the run has ended.
  void join() noexcept;

  /// Processor seconds of all processes that have ended.
  [[nodiscard]] double cpu_seconds() const noexcept;
  [[nodiscard]] const ChaosCounts& chaos_counts() const noexcept { return chaos_.counts(); }

 private:
  void supervise() noexcept;
  void tell_last_words() noexcept;
  void look_after();
  void hear_server();
  void hear(ServerEvent& event);
  void wreak_chaos();
  void sleep();
  [[nodiscard]] Deadline next_look(std::int64_t now, bool& any_open) const noexcept;
  [[nodiscard]] bool all_gone() const noexcept;

  SeatsShare shared_;
  std::deque<ProcessSeat> seats_;
  ReadableSet set_;
  Chaos chaos_;
  std::thread thread_;
};

}  // namespace sluice::detail
