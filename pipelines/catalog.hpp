// pipelines/catalog.hpp: the packaged samples, in the order in which `sluice list` shows them.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/main.hpp>

#include <vector>

namespace sluice::samples {

[[nodiscard]] std::vector<PipelineEntry> catalog();

}  // namespace sluice::samples
