// sluice/process/worker_start.hpp: the first steps of a worker process.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>
#include <sluice/process/worker_spec.hpp>

#include <span>
#include <vector>

namespace sluice::detail {

/// All that can fail was made before the fork.
struct WorkerBirth {
  WorkerSpec spec{};
  int server = 0;  ///< the process that forks it
  Descriptor input{};
  Descriptor errors{};  ///< standard error is to be this
  std::vector<Descriptor> given{};
  std::span<const int> keep{};
};

/// Called in the forked process, with all signals blocked.
[[noreturn]] void be_worker(ServeWorker& serve, const WorkerBirth& birth) noexcept;

}  // namespace sluice::detail
