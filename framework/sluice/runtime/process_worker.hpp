// sluice/runtime/process_worker.hpp: what a worker process does: takes leases, calls the stage's function,
// commits its answers.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/process/worker_server.hpp>

#include <span>

namespace sluice::detail {

class RunState;

/// Serves a worker of a stage until it is told to end, or its parent is gone. `run` is this process's own
/// image of the run: of it only the stages' makers and options are used.
/// Returns  the exit status: 0 after a stop, 1 when start() threw, which the parent was told.
[[nodiscard]] int serve_worker(RunState& run, const WorkerSpec& spec, std::span<const int> descriptors);

}  // namespace sluice::detail
