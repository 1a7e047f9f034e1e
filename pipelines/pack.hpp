// pipelines/pack.hpp: the sample that packs trees of files into one archive.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/main.hpp>
#include <sluice/pipeline.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::samples {

struct PackOptions {
  std::vector<std::string> paths{};  ///< what is packed, directories with all that is below them
  std::string output{};              ///< the archive; "-" is standard output
  std::uint64_t level = 3;           ///< of compression, kLeastLevel to kMostLevel
};

/// Describes  walk -> cut -> group -> compress -> write. The archive has its name when it is whole;
/// its bytes depend on the trees and the level alone, not on workers, batches or capacities.
///
/// Throws   UsageError for a level that does not exist.
void describe_pack(Pipeline& pipeline, const PackOptions& options);

/// The entry of `sluice run pack`.
[[nodiscard]] PipelineEntry pack();

}  // namespace sluice::samples
