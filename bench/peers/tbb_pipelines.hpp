// bench/peers/tbb_pipelines.hpp: the same shapes on oneTBB, with at most 64 items on the way.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/chain.hpp>
#include <support/crew.hpp>

#include <cstdint>

namespace sluice::bench {

/// oneapi::tbb::parallel_pipeline with serial_in_order filters (the farm's workers are parallel).
void tbb_pipeline_chain(const Chain& chain, std::uint64_t items, Placement placement);
void tbb_pipeline_farm(const Farm& farm, std::uint64_t items, Placement placement);

/// oneapi::tbb::flow: a limiter, then serial function nodes (the farm's workers are one node with
/// that concurrency, and a sequencer restores the order).
void tbb_graph_chain(const Chain& chain, std::uint64_t items, Placement placement);
void tbb_graph_farm(const Farm& farm, std::uint64_t items, Placement placement);

}  // namespace sluice::bench
