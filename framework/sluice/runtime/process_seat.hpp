// sluice/runtime/process_seat.hpp: one worker's seat among the processes of a run: who sits there, and who is next.
//
//   waits --launch--> launched --started()--> runs --exited()--> waits, for a successor; or gone
//
// It launches a process, passes on what that says, tells it to stop, has it killed when it hangs or has lied, and
// settles its death. Why it was killed, what it wrote and how often deaths were fruitless are words of the
// seat's; the crew (process_crew.hpp) has the server, the thread and the bell.
//
// (1) A death after progress is answered at once; deaths without any are answered after 10 ms, doubled each
//     time up to 5 s, a quarter more or less by chance. 6 in a row that had not even started fail the
//     run with their reasons, and so do 51 of any kind. Progress is an answer that was published.
// (2) A lease is never taken back from a live process: its worker is told of a death after it was proven.
// (3) What hangs is killed (process_hang.hpp).
// (4) Processes are told when their stage is to stop (process/stop_line.hpp). One whose answers nobody wants any
//     more is killed at once, or, if its function listens for that, after kProcessEndTime.
// Threads  one, the supervisor's; the counts and what the slot says, any.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/options.hpp>
#include <sluice/os/readable_set.hpp>
#include <sluice/process/last_words.hpp>
#include <sluice/process/relayed_lines.hpp>
#include <sluice/process/stop_line.hpp>
#include <sluice/process/worker_server.hpp>
#include <sluice/runtime/chaos.hpp>
#include <sluice/runtime/death_reasons.hpp>
#include <sluice/runtime/process_hang.hpp>
#include <sluice/runtime/process_slot.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace sluice::detail {

class RunState;

/// Deaths and restarts of one worker's processes. Threads  written by the supervisor, read by any.
struct ProcessCounts {
  std::atomic<std::uint64_t> started{0};
  std::atomic<std::uint64_t> deaths{0};
  std::atomic<int> pid{0};              ///< of the process as of now; 0: none
  std::atomic<std::int64_t> cpu_ns{0};  ///< of those that have ended
};

/// What the seats of a run share; the crew has it.
struct SeatsShare {
  RunState* run = nullptr;
  SupervisorBell bell{};
  std::unique_ptr<WorkerServer> server{};
  RelayedLines lines{};
  std::uint64_t next_key = 1;
  std::uint64_t dice = 0;
};

class ProcessSeat {
 public:
  struct Place {
    std::size_t stage = 0;
    std::size_t worker = 0;
    std::string name{};  ///< of the stage
  };
  ProcessSeat(SeatsShare& shared, Place place, const ProcessSlot::Settings& settings,
              const ProcessOptions& options);
  ProcessSeat(const ProcessSeat&) = delete;
  ProcessSeat& operator=(const ProcessSeat&) = delete;

  [[nodiscard]] const Place& place() const noexcept { return place_; }
  [[nodiscard]] ProcessSlot& slot() noexcept { return slot_; }
  [[nodiscard]] const ProcessCounts& counts() const noexcept { return counts_; }

  // ---- the supervisor's thread ---------------------------------------------------------------------
  /// Nobody sits here any more, and nobody will.
  [[nodiscard]] bool gone() const noexcept { return phase_ == Phase::gone; }
  /// Whether the process with this launch's key sits here.
  [[nodiscard]] bool has(std::uint64_t key) const noexcept;
  /// Does what is due.
  void look(std::int64_t now);
  /// When to look again, without a ring; `any_open`: leases were out, by the one look at it.
  [[nodiscard]] Deadline next_look(std::int64_t now, bool& any_open) const noexcept;
  /// What it waits to read.
  void add_to(ReadableSet& set) const;

  void started(ServerEvent& event);
  void exited(const ServerEvent& event);
  void failed_to_start(const ServerEvent& event);

  /// Chaos may strike it.
  [[nodiscard]] bool may_be_struck() const noexcept;
  void strike(ChaosPlan::What what, std::uint64_t dice);

  void fail_run(const std::string& why) const;

 private:
  enum class Phase : unsigned char { waits, launched, runs, gone };

  void pass_on_words();
  void tell_stop();
  void check_hang(std::int64_t now);
  void end(std::int64_t now);
  void kill(std::string why);
  void launch();
  void ended(const std::string& end, bool was_there);
  [[nodiscard]] bool gave_up_an_item() noexcept;
  void plan_successor(bool fruitful, bool had_started, const std::string& how);
  void give_up();

  SeatsShare* shared_;
  const Place place_;
  const ProcessOptions options_;
  ProcessSlot slot_;
  ProcessCounts counts_;
  HangWatch hang_;

  Phase phase_ = Phase::waits;
  std::shared_ptr<Incarnation> live_{};
  Descriptor process_{};
  LastWords words_{};
  StopLine stop_line_{};
  std::uint32_t incarnation_ = 0;
  unsigned fruitless_ = 0;           // deaths in a row without an answer or an item given up
  unsigned at_start_ = 0;            // and before they had started
  std::uint64_t buried_ = 0;         // items given up, when it was last looked
  DeathReasons reasons_{};           // of fruitless deaths
  std::string killed_because_{};     // by us
  std::int64_t launch_at_ns_ = 0;    // while it waits
  std::int64_t kill_at_ns_ = 0;      // once it was told to end; 0 before
  std::int64_t continue_at_ns_ = 0;  // while chaos has it stopped; 0 else
  bool accused_ = false;
  bool start_failed_ = false;
  bool killed_outside_ = false;  // so it says nothing of whether another one could start
};

}  // namespace sluice::detail
