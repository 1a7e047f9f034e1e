// sluice/runtime/process_crew.hpp: the worker processes of a run, and the thread that watches them.
//
// Made before any thread of the run: it forks the worker server then, from the finished graph. Its one thread,
// the supervisor, launches a process for every worker of every process stage, learns of deaths from the
// server (an `exited` is proof: no thread of the process is left), kills what hangs, and launches successors.
//
// (1) A death after progress is answered at once; deaths without any are answered after 10 ms, doubled each
//     time up to 5 s, a quarter more or less by chance. 6 in a row that had not even started fail the
//     run with their reasons, and so do 51 of any kind. Progress is an answer that was published.
// (2) A lease is never taken back from a live process: its worker is told of a death after it was proven.
// (3) What hangs is killed (process_hang.hpp).
// (4) An idle run has no tick: the supervisor sleeps without a limit while no lease is out and nothing starts.
// (5) The run does not end before all its processes are gone and reaped.
// (6) Processes are told when their stage is to stop (process/stop_line.hpp). One whose answers nobody wants any
//     more is killed at once, or, if its function listens for that, after kProcessEndTime.
// (7) It waits for nobody who reads standard error (process/relayed_lines.hpp).
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/options.hpp>
#include <sluice/process/relayed_lines.hpp>
#include <sluice/process/worker_server.hpp>
#include <sluice/runtime/chaos.hpp>
#include <sluice/runtime/process_slot.hpp>
#include <sluice/scheduler.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sluice::detail {

class RunState;
struct Graph;

/// Deaths and restarts of one worker's processes. Threads  written by the supervisor, read by any.
struct ProcessCounts {
  std::atomic<std::uint64_t> started{0};
  std::atomic<std::uint64_t> deaths{0};
  std::atomic<int> pid{0};              ///< of the process as of now; 0: none
  std::atomic<std::int64_t> cpu_ns{0};  ///< of those that have ended
};

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
  enum class Phase : unsigned char { waits, launched, runs, gone };
  struct Seat;

  void supervise() noexcept;
  void tell_last_words() noexcept;
  void look_after();
  void hear_server();
  void hear(ServerEvent& event);
  void started(Seat& seat, ServerEvent& event);
  void ended(Seat& seat, const std::string& how, bool was_there);
  void plan_successor(Seat& seat, bool fruitful, bool had_started, const std::string& how);
  void fail_run(const Seat& seat, const std::string& why);
  void give_up(Seat& seat);
  void launch(Seat& seat);
  void look_at(Seat& seat, std::int64_t now);
  void check_hang(Seat& seat, std::int64_t now);
  void tell_stop(Seat& seat);
  void pass_on_words(Seat& seat);
  void end_seat(Seat& seat, std::int64_t now);
  void kill(Seat& seat, std::string why);
  void wreak_chaos();
  void sleep();
  [[nodiscard]] Deadline next_look(std::int64_t now, bool& any_open) const noexcept;
  [[nodiscard]] Seat* seat_of(std::uint64_t key) noexcept;
  [[nodiscard]] bool all_gone() const noexcept;

  RunState* run_ = nullptr;
  std::uint64_t seed_ = 0;
  SupervisorBell bell_;
  std::deque<Seat> seats_;
  std::unique_ptr<WorkerServer> server_{};
  ReadableSet set_;
  RelayedLines lines_;
  Chaos chaos_;
  std::uint64_t next_key_ = 1;
  std::uint64_t dice_ = 0;
  std::thread thread_;
};

}  // namespace sluice::detail
