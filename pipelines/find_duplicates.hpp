// pipelines/find_duplicates.hpp: the sample that finds files with equal contents.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <duplicate_jobs.hpp>

#include <sluice/main.hpp>
#include <sluice/pipeline.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::samples {

struct DuplicateOptions {
  std::vector<std::string> paths{};  ///< files and directories, with all that is below them
  std::uint64_t min_bytes = 1;       ///< smaller files are left out
  bool json = false;
  bool hard_links = false;  ///< names of one file are duplicates too
  std::string output = "-";
  DuplicateLimits limits{};
};

/// Describes  walk -> by_size -> examine -> sort -> write, with two loops: directories go back to the walk,
/// groups that are not decided to examine.
/// Throws  UsageError for a path "-".
void describe_find_duplicates(Pipeline& pipeline, const DuplicateOptions& options);

/// The entry of `sluice run find_duplicates`.
[[nodiscard]] PipelineEntry find_duplicates();

}  // namespace sluice::samples
