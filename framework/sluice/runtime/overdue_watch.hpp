// sluice/runtime/overdue_watch.hpp: the thread that looks for items past their stage's soft timeout.
//
// Only runs with a soft timeout have one. It looks every quarter of the shortest one, so an item is told at
// most that much late, and ends with the run.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice::detail {

class RunState;

/// Adds the thread to the run's own where a stage has a soft timeout. Throws std::system_error.
void start_overdue_watch(RunState& run);

}  // namespace sluice::detail
