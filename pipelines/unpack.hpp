// pipelines/unpack.hpp: the sample that makes the entries of an archive.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_restore.hpp>

#include <sluice/main.hpp>
#include <sluice/pipeline.hpp>

#include <string>

namespace sluice::samples {

struct UnpackOptions {
  std::string archive{};
  std::string output{};  ///< a directory, missing or empty
  SetIdBits set_id = SetIdBits::keep;
};

/// Describes  plan -> load -> restore. All entries are made, or none is left.
void describe_unpack(Pipeline& pipeline, const UnpackOptions& options);

/// The entry of `sluice run unpack`.
[[nodiscard]] PipelineEntry unpack();

}  // namespace sluice::samples
