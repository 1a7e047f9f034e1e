// sluice/process/kill_point.hpp: places in a worker's loop at which a test may have the process killed.
//
// Compiled in always, so that what is tested is what runs; without a plan a place costs a look at one word.
// The plan is set in the process that forks the workers and is inherited by them.
// Threads  a worker's only one.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sluice::detail {

/// In the order in which an item passes them, but for the last two; K1 to K8 of the table in framework/README.md.
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
  published,   ///< K7: published, nobody was told
  committed,   ///< K8: told
  in_block,    ///< K3: in the middle of a large payload's bytes
  block_sent,  ///< K5: the file of a payload is on its way, what refers to it is not published
};

struct KillPlan {
  /// From its `after`-th passage of the point on (from 0) the process kills itself at the first one: never at
  /// an exact passage alone, which may not come.
  KillPoint point = KillPoint::none;
  std::uint64_t after = 0;
  /// Stops itself there, once, instead of killing itself.
  bool stops = false;
};

/// For the workers that this process and its servers will fork. Set while there is one thread.
void set_kill_plan(const KillPlan& plan) noexcept;
/// In a worker: from now on the plan holds.
void arm_kill_plan() noexcept;

namespace kill_point_state {
extern KillPoint armed;
void pass() noexcept;
}  // namespace kill_point_state

inline void kill_point(KillPoint here) noexcept {
  if (here == kill_point_state::armed) [[unlikely]]
    kill_point_state::pass();
}

}  // namespace sluice::detail
