// sluice/cli/overrides.hpp: what `run` and `describe` lay over a pipeline: --workers, --capacity, --capacity-bytes,
// --batch, --carrier and --memory.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/cli/command_line.hpp>
#include <sluice/pipeline.hpp>
#include <sluice/scheduler.hpp>

#include <cstddef>
#include <vector>

namespace sluice::detail {

[[nodiscard]] std::vector<CommandOption> override_options();

/// One override per stage that was named.
/// Throws  UsageError for a stage that the pipeline does not have, and for a bad value.
[[nodiscard]] std::vector<StageOverride> overrides_of(const GivenWords& options,
                                                      const Pipeline& pipeline);

/// RunOptions::memory. Throws  UsageError for a bad value.
[[nodiscard]] std::size_t memory_of(const GivenWords& options);

}  // namespace sluice::detail
