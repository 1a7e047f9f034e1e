// sluice/cli/overrides.hpp: --workers, --capacity, --batch and --carrier, for `run` and `describe`.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/cli/command_line.hpp>
#include <sluice/pipeline.hpp>
#include <sluice/scheduler.hpp>

#include <vector>

namespace sluice::detail {

[[nodiscard]] std::vector<CommandOption> override_options();

/// One override per stage that was named.
/// Throws  UsageError for a stage that the pipeline does not have, and for a bad value.
[[nodiscard]] std::vector<StageOverride> overrides_of(const GivenWords& options,
                                                      const Pipeline& pipeline);

}  // namespace sluice::detail
