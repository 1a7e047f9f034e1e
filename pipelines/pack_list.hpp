// pipelines/pack_list.hpp: the sample that lists the entries of an archive.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/main.hpp>
#include <sluice/pipeline.hpp>

#include <string>

namespace sluice::samples {

struct PackListOptions {
  std::string archive{};
  std::string output = "-";  ///< file for the lines; "-" is standard output
};

/// Describes  read -> format -> write: a line for each entry, in the order of the archive.
void describe_pack_list(Pipeline& pipeline, const PackListOptions& options);

/// The entry of `sluice run pack_list`.
[[nodiscard]] PipelineEntry pack_list();

}  // namespace sluice::samples
