// sluice/runtime/stage_sums.hpp: sums of counters over workers, lanes and branches.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/edge.hpp>
#include <sluice/flow/store_gauge.hpp>
#include <sluice/observe/tally.hpp>

#include <cstddef>
#include <cstdint>

namespace sluice::detail {

class RunState;

/// What an edge's queues have counted, over its lanes.
struct EdgeSums {
  std::uint64_t put = 0;
  std::uint64_t done = 0;
  std::uint64_t dropped = 0;
  std::uint64_t queued = 0;
  std::uint64_t high_water = 0;  ///< of the largest lane
  // What that weighs, where items are weighed or all weigh the same.
  std::uint64_t queued_bytes = 0;
  std::uint64_t high_water_bytes = 0;
};
[[nodiscard]] EdgeSums sum_queues(EdgeBase& edge) noexcept;

/// Over the workers of a stage, or its outlet.
[[nodiscard]] std::uint64_t sum_stage(const RunState& run, std::size_t stage, Count count) noexcept;
/// Over all branches into an edge.
[[nodiscard]] std::uint64_t sum_into(const RunState& run, const EdgeBase& edge,
                                     Count count) noexcept;
/// Over all workers' branches for one connection of the graph.
[[nodiscard]] std::uint64_t sum_branch(const RunState& run, std::size_t connection,
                                       Count count) noexcept;
/// The store behind an edge; null where there is none.
[[nodiscard]] const StoreGauge* store_of(const RunState& run, std::size_t stage) noexcept;
/// Over all branches out of a stage.
[[nodiscard]] std::uint64_t sum_out_of(const RunState& run, std::size_t stage,
                                       Count count) noexcept;

}  // namespace sluice::detail
