// pipelines/word_count.hpp: the sample that counts words.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/main.hpp>

namespace sluice::samples {

/// The entry of `sluice run word_count`.
[[nodiscard]] PipelineEntry word_count();

}  // namespace sluice::samples
