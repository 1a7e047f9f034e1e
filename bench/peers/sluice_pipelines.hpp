// bench/peers/sluice_pipelines.hpp: the shapes on our engine.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/chain.hpp>
#include <support/crew.hpp>

#include <cstdint>

namespace sluice::bench {

/// What the scheduler chooses when it is told nothing.
void sluice_chain(const Chain& chain, std::uint64_t items, Placement placement);
/// A thread of its own for every stage.
void sluice_threads_chain(const Chain& chain, std::uint64_t items, Placement placement);
/// Everything on the shared pool, the source included.
void sluice_pool_chain(const Chain& chain, std::uint64_t items, Placement placement);

/// `farm.workers` workers on what the scheduler chooses.
void sluice_farm(const Farm& farm, std::uint64_t items, Placement placement);
/// Everything on the shared pool, the source included.
void sluice_pool_farm(const Farm& farm, std::uint64_t items, Placement placement);
/// Source, sink and every worker on a thread of its own.
void sluice_threads_farm(const Farm& farm, std::uint64_t items, Placement placement);

}  // namespace sluice::bench
