// bench/peers/serial_pipelines.hpp: no pipeline at all, and the most that two CPUs could do.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/chain.hpp>
#include <support/crew.hpp>

#include <cstdint>

namespace sluice::bench {

/// One loop that does everything, on one thread.
void serial_chain(const Chain& chain, std::uint64_t items, Placement placement);
void serial_farm(const Farm& farm, std::uint64_t items, Placement placement);

/// The limit: as many serial loops as there are CPUs, at the same time, claiming the items in small
/// chunks. Chunks instead of halves, because virtual CPUs are not equally fast.
void limit_chain(const Chain& chain, std::uint64_t items, Placement placement);
void limit_farm(const Farm& farm, std::uint64_t items, Placement placement);

}  // namespace sluice::bench
