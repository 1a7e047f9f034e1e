// sluice/process/kill_point.hpp: places in a worker's loop, and in its parent's, at which a test may have the worker's
// process killed.
//
// Compiled in always, so that what is tested is what runs; without a plan a place costs a look at one word.
// The plan is set in the process that forks the workers and is inherited by them.
// Threads  a worker's only one; in the parent each that lends, with passages of its own.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::detail {

/// K0 to K14: the table in framework/README.md. The first in the order in which an item passes them.
enum class KillPoint : std::uint8_t {
  none,
  starting,         ///< K0: before the worker has said hello
  taken,            ///< K1: the lease is read, nothing is told
  begun,            ///< K2: it has told that it began
  called,           ///< K2: the function has returned
  in_output,        ///< K3: in the middle of an output's bytes
  between_outputs,  ///< K4: an output is written, others may not be
  outputs_written,  ///< K4: all are, the closing record is not
  closed,           ///< K5: the closing record is written, not published
  publishing,  ///< K6: beside the store that publishes it; another thread kills, so either may come first
  published,    ///< K7: published, nobody was told
  committed,    ///< K8: told
  in_block,     ///< K3: in the middle of a large payload's bytes
  block_sent,   ///< K5: the file of a payload is on its way, what refers to it is not published
  file_sent,    ///< K11: the same of a record that is too large for its log
  asleep,       ///< K9: it is about to sleep until there is a lease, and has told so
  out_of_room,  ///< K4: the same until its records are read, with some that are not published
  // Places of the parent's; it kills whom it lends to.
  lending,  ///< K12: a lease is written, and its files are sent; it is shown when the worker is dead
  lent,     ///< K12: shown, nobody was rung
};

/// What a process does there.
enum class KillManner : std::uint8_t { dies, stops, hangs };

struct KillPlan {
  /// From its `after`-th passage of the point on (from 0) the process kills itself at the first one: never at
  /// an exact passage alone, which may not come.
  KillPoint point = KillPoint::none;
  std::uint64_t after = 0;
  /// `stops`: itself, once. `hangs`: for ever, so that somebody else has to kill it: K14.
  KillManner manner = KillManner::dies;
  /// The next process is killed, too, before it has said hello: K13.
  bool again = false;
};

/// For the workers that this process and its servers will fork, and for this process. Set while there is one thread.
void set_kill_plan(const KillPlan& plan) noexcept;
/// In a worker: from now on the plan holds. It is that worker's process of this number.
void arm_kill_plan(std::uint32_t incarnation) noexcept;

namespace kill_point_state {
extern KillPoint armed;
void pass() noexcept;
extern constinit thread_local int victim;
void pass_beside() noexcept;
}  // namespace kill_point_state

inline void kill_point(KillPoint here) noexcept {
  if (here == kill_point_state::armed) [[unlikely]]
    kill_point_state::pass();
}

/// In the parent, whose thread lends to the process of this id from now on; 0: it has not started yet.
inline void kill_points_aim_at(const std::atomic<int>& process_id) noexcept {
  if (kill_point_state::armed != KillPoint::none) [[unlikely]]
    kill_point_state::victim = process_id.load(std::memory_order_relaxed);
}
inline void kill_point_beside(KillPoint here) noexcept {
  if (here == kill_point_state::armed) [[unlikely]]
    kill_point_state::pass_beside();
}

}  // namespace sluice::detail
