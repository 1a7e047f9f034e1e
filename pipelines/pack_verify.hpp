// pipelines/pack_verify.hpp: the sample that looks for damage in an archive.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/main.hpp>
#include <sluice/pipeline.hpp>

#include <string>

namespace sluice::samples {

struct PackVerifyOptions {
  std::string archive{};
  std::string output = "-";  ///< file for the result; "-" is standard output
};

/// Describes  read -> verify -> report -> write. Every frame is decompressed and every chunk
/// digested. A frame that is damaged is a dead letter; the result has a line for each entry that
/// can't be restored, and one that sums up.
void describe_pack_verify(Pipeline& pipeline, const PackVerifyOptions& options);

/// The entry of `sluice run pack_verify`.
[[nodiscard]] PipelineEntry pack_verify();

}  // namespace sluice::samples
