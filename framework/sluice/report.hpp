// sluice/report.hpp: what a run did, as plain values, as a table and as JSON.
// Layer: report. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/options.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

/// How a run ended, or that it has not.
enum class RunStatus : unsigned char {
  running,
  done,       ///< everything drained
  stopped,    ///< stop() was asked for; what was inside drained
  cancelled,  ///< contents were dropped and settled
  failed,     ///< user code failed under fail_run
};
[[nodiscard]] const char* to_string(RunStatus status) noexcept;
[[nodiscard]] const char* to_string(Carrier carrier) noexcept;
[[nodiscard]] const char* to_string(Order order) noexcept;

/// Seconds of one worker's life; the first four add up to it.
struct WorkerReport {
  double busy_s = 0;     ///< in a step
  double starved_s = 0;  ///< waited for input
  double blocked_s = 0;  ///< waited for room downstream
  double parked_s = 0;   ///< could have run, or waited for a timer
  /// The part of busy_s for which its own thread had no processor; 0 for a worker that shares threads.
  double delayed_s = 0;
};

struct StageReport {
  std::string name{};
  std::string kind{};
  std::size_t workers = 0;
  Carrier carrier = Carrier::automatic;
  std::uint64_t in = 0;   ///< items taken from the input edge
  std::uint64_t out = 0;  ///< outputs accepted by edges, summed over them
  std::uint64_t completed = 0;
  std::uint64_t filtered = 0;  ///< of the completed: without output on purpose
  std::uint64_t skipped = 0;
  std::uint64_t dead = 0;            ///< dead letters, those of sources included
  std::uint64_t failed = 0;          ///< items that failed the run
  std::uint64_t retried = 0;         ///< attempts after the first
  std::uint64_t cancelled = 0;       ///< taken, but the run or the branch ended first
  std::uint64_t refused = 0;         ///< outputs refused by ended edges
  std::uint64_t overdue = 0;         ///< attempts that were late by the soft timeout
  std::uint64_t processes = 0;       ///< worker processes that were started
  std::uint64_t deaths = 0;          ///< of these: ended without having been told to
  std::uint64_t bytes = 0;           ///< as told by Context::add_bytes
  std::uint64_t expected_bytes = 0;  ///< as told by Context::expect_bytes
  std::size_t window = 0;            ///< items in order at most; 0 where no order has to be kept
  std::uint64_t window_open = 0;     ///< taken and not yet left in order
  std::uint64_t window_high_water = 0;
  double service_p50_us = 0;  ///< sampled time in the callback, per item
  double service_p99_us = 0;
  std::vector<WorkerReport> clocks{};  ///< one per worker

  [[nodiscard]] WorkerReport clock_sum() const noexcept;
};

/// One output of a stage joined to an edge: emitted = put + refused + elsewhere + dropped_newest.
struct BranchReport {
  std::string from{};                ///< the stage
  std::string when_full{};           ///< block, drop_newest, drop_oldest or spill
  std::uint64_t emitted = 0;         ///< outputs of the stage
  std::uint64_t put = 0;             ///< accepted by the edge
  std::uint64_t refused = 0;         ///< the edge had ended
  std::uint64_t elsewhere = 0;       ///< a route sent them to another branch
  std::uint64_t dropped_newest = 0;  ///< found the edge full and were dropped
  std::uint64_t dropped_oldest =
      0;  ///< queued items, of any branch, dropped to make room for these
};

/// What waits in the store of an edge whose consumer takes always: one that spills, or a feedback's. Numbers of
/// now, and the most there ever was of each.
struct StoreReport {
  std::uint64_t items = 0;
  std::uint64_t items_high_water = 0;
  std::uint64_t spilled = 0;  ///< of the items: in the file
  std::uint64_t spilled_high_water = 0;
  std::uint64_t file_bytes = 0;  ///< of the file, taken by these
  std::uint64_t file_bytes_high_water = 0;
};

struct EdgeReport {
  std::string name{};  ///< from->to
  std::string adaptors{};
  std::size_t capacity = 0;  ///< items; 0 = unbounded
  std::size_t lanes = 1;
  std::uint64_t put = 0;
  std::uint64_t got = 0;
  std::uint64_t done = 0;
  std::uint64_t dropped = 0;  ///< by cancel or drop_oldest: settled, but not among the done
  std::uint64_t queued = 0;
  std::uint64_t high_water = 0;      ///< most items queued at once (largest lane)
  std::uint64_t capacity_bytes = 0;  ///< 0: no such bound
  /// What queued items weigh, and the most they did (largest lane). Known where items are weighed: the edge is
  /// bounded in bytes, the run has a memory budget, or all items of the type weigh the same.
  std::uint64_t queued_bytes = 0;
  std::uint64_t high_water_bytes = 0;
  double full_s = 0;                       ///< producers waited for room, summed over them
  double empty_s = 0;                      ///< consumers waited for items, summed over them
  std::vector<std::uint64_t> lane_puts{};  ///< of a keyed edge: items per lane
  std::vector<BranchReport> branches{};    ///< that feed it; none where application code does
  bool stores = false;                     ///< there is a store behind it
  StoreReport store{};

  /// What its branches dropped because it was full.
  [[nodiscard]] std::uint64_t dropped_when_full() const noexcept;
  /// The lane that got so much more than its share that more workers would not help: past the middle
  /// between an equal share and everything, or three equal shares. lane_puts.size() if there is none.
  [[nodiscard]] std::size_t hot_lane() const noexcept;
};

/// The account of every item: identities whose two sides are counted by different code.
struct LedgerReport {
  bool balanced = true;
  std::vector<std::string> faults{};  ///< one line per identity that does not hold
};

/// What all items of a run held together, in bytes; zeros where no budget was given.
struct MemoryReport {
  std::uint64_t budget = 0;
  std::uint64_t peak = 0;
  std::uint64_t charged = 0;  ///< now; 0 when the run has ended
};

struct ErrorReport {
  std::string stage{};
  std::size_t worker = 0;
  bool has_item = false;
  std::uint64_t item = 0;
  unsigned attempt = 1;
  std::string phase{};
  std::string cause{};
};

struct Report {
  std::string pipeline{};
  RunStatus status = RunStatus::done;
  double seconds = 0;
  double cpu_seconds = 0;  ///< of the whole process during the run, and of its worker processes
  std::size_t cores = 0;   ///< the scheduler planned for
  std::vector<StageReport> stages{};
  std::vector<EdgeReport> edges{};
  MemoryReport memory{};
  LedgerReport ledger{};
  std::string verdict{};              ///< the bottleneck and why, one line
  std::uint64_t error_count = 0;      ///< failures, skipped ones included, dead letters not
  std::vector<ErrorReport> errors{};  ///< the first kMaxErrors of them
  std::uint64_t dead_letters = 0;
  std::uint64_t chaos_kills = 0;  ///< faults that RunOptions::chaos has done
  std::uint64_t chaos_stops = 0;

  static constexpr std::size_t kMaxErrors = 1000;

  /// The stage of that name. Throws UsageError when there is none.
  [[nodiscard]] const StageReport& stage(const std::string& name) const;
  /// A table for people.
  [[nodiscard]] std::string table() const;
  /// One JSON object; the members are described in framework/README.md.
  [[nodiscard]] std::string json() const;
};

}  // namespace sluice
