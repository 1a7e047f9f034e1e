// sluice/runtime/process_worker.hpp: what a worker process does: takes leases, calls the stage's function,
// commits its answers.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/graph.hpp>
#include <sluice/process/worker_server.hpp>
#include <sluice/scheduler.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::detail {

/// What a worker process has to know of its stage.
struct ServedStage {
  std::string name{};
  std::size_t workers = 1;
  ErrorPolicy on_error{};
  bool holds_back_off = false;
  std::chrono::nanoseconds soft_timeout{0};
  std::shared_ptr<StageMaker> maker{};
};

/// In the order of the graph's stages.
[[nodiscard]] std::vector<ServedStage> served_stages(const Graph& graph, const Plan& plan);

/// Exit status of a process whose start() threw, which the parent was told.
inline constexpr int kExitStartFailed = 1;

/// Descriptors for a worker: those of its channel, then the one of its stop line.
/// What the workers of these stages run: takes leases until it is told to end, or the parent is gone.
/// Its exit status is 0 after a stop, or kExitStartFailed.
[[nodiscard]] ServeWorker serve_stages(std::vector<ServedStage> stages);

}  // namespace sluice::detail
