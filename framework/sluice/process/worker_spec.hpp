// sluice/process/worker_spec.hpp: what a worker process is to be, what it runs, how it may end.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/unique_function.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::detail {

/// What one worker process is to be.
struct WorkerSpec {
  std::uint64_t key = 0;  ///< chosen by the parent, unique per launch
  std::uint32_t stage = 0;
  std::uint32_t worker = 0;
  std::uint32_t incarnation = 0;
  std::uint64_t seed = 0;
  std::uint64_t memory_limit_bytes = 0;  ///< of private writable memory (RLIMIT_DATA); 0 none
};

/// Runs in the worker process, on its only thread; the descriptors are those of launch(), in their
/// order. Returns  the exit status, 0 to 119.
using ServeWorker = UniqueFunction<int(const WorkerSpec&, std::span<const int> descriptors)>;

/// Exit statuses that the framework gives; `serve` may use those below.
inline constexpr int kExitThrew = 120;      ///< serve threw; the last line on standard error is why
inline constexpr int kExitUnguarded = 121;  ///< a spawned program came to run() before sluice::main

/// At most this many descriptors go with one launch.
inline constexpr std::size_t kMostLaunchDescriptors = 16;

}  // namespace sluice::detail
