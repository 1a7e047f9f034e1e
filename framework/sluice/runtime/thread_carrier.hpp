// sluice/runtime/thread_carrier.hpp: drives a worker on a long-lived thread of its own.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice::detail {

class RunState;
class Worker;

/// Steps the worker until it has ended. Between steps it spins briefly and then sleeps until what
/// the step asked for may be there: input, room, or a point in time.
void drive_here(RunState& run, Worker& worker) noexcept;
/// The same, on a thread that is the worker's own and bears its stage's name.
void drive_on_own_thread(RunState& run, Worker& worker) noexcept;

}  // namespace sluice::detail
