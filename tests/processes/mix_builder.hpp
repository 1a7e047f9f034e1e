// tests/processes/mix_builder.hpp: a pipeline from a seed.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/sluice.hpp>

#include <cstdint>

namespace sluice::testing_support {

struct MixPlan {
  std::uint64_t seed = 0;   ///< decides everything but
  bool on_threads = false;  ///< what the stages run on: the seed's carriers, or threads all of them
  std::uint64_t count = 0;  ///< items of the source
};

/// Stages in a chain, some of them in arms, in a loop, or with a sink beside them.
void build_mix(Pipeline& pipeline, const MixPlan& plan);

}  // namespace sluice::testing_support
