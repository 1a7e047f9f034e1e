// sluice/runtime/pool_carrier.hpp: as many long-lived threads as cores, shared by all runs.
//
// A pool thread runs whichever worker's step can progress, the most downstream one first. The
// threads belong to a oneTBB arena; they enter it when the first run with pool workers starts and
// leave it when the last such run has ended.
//
// (1) Sleepers announce themselves on one bell, look at every worker closely, and park. Every queue
//     that a pool worker takes from or puts into rings the bell (queue_core.hpp, set_bells).
// (2) A claimed worker is not looked at: whoever holds the claim looks for work again after it
//     releases it, so what arrives meanwhile is found.
// (3) A thread that picks a step while others can progress too wakes one more sleeper.
// (4) A thread that was woken for next to nothing several times naps before it sleeps (idle_thread.hpp).
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/runtime/run_state.hpp>
#include <sluice/sync/wait_point.hpp>

#include <memory>
#include <vector>

namespace sluice::detail {

/// The workers of one run that the pool is to drive, the most downstream first.
struct PoolGroup {
  std::shared_ptr<RunState> run;
  std::vector<Worker*> workers;
  std::atomic<std::size_t> live{0};
};
using PoolGroups = std::vector<std::shared_ptr<PoolGroup>>;

/// True on the pool's threads: whoever waits there for pool work may wait for itself.
[[nodiscard]] bool on_pool_thread() noexcept;

/// Called on the thread that ends a run: when no other run needs the pool, waits until its threads have
/// left and gives the arena back. So nothing of a run is touched on the pool's threads after its
/// handle has gone, and oneTBB's threads go to rest at once and can end. For that moment the program's own
/// oneTBB code may get no further threads.
void release_unused_pool() noexcept;

/// oneTBB keeps its threads a while after their last work. Ends those that it can end: all, unless a run
/// has the pool or the program's own oneTBB code is at work.
/// Blocks  until they are gone.
void end_unused_pool_threads() noexcept;

/// The bell that queues of pool workers ring.
[[nodiscard]] WaitPoint& pool_bell() noexcept;

/// Hands a group to the pool, which keeps it until its last worker has ended.
void run_on_pool(std::shared_ptr<PoolGroup> group);

}  // namespace sluice::detail
