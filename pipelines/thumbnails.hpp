// pipelines/thumbnails.hpp: the sample that makes small copies of photographs.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <image_decoder.hpp>

#include <sluice/main.hpp>
#include <sluice/pipeline.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::samples {

inline constexpr std::uint64_t kMostThumbnailSide = 16'384;

struct ThumbnailOptions {
  std::vector<std::string> paths{};  ///< files and directories, with all that is below them
  std::string output{};              ///< a directory
  std::uint64_t size = 256;          ///< pixels of the longest side
  ImageKind format = ImageKind::jpeg;
};

/// Describes  walk -> read -> shrink -> encode -> write.
/// Throws  UsageError for a path "-", an output "-" and a size that is none.
void describe_thumbnails(Pipeline& pipeline, const ThumbnailOptions& options);

/// The entry of `sluice run thumbnails`.
[[nodiscard]] PipelineEntry thumbnails();

}  // namespace sluice::samples
