// sluice/cli/run_command.hpp: `run`: from a command line to a run and its exit code.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/cli/command_line.hpp>
#include <sluice/cli/exit_code.hpp>

#include <string>
#include <vector>

namespace sluice::detail {

[[nodiscard]] CommandSyntax run_syntax();

/// `words` are those after `run`.
/// Throws  UsageError, PipelineError: nothing was started.
[[nodiscard]] ExitCode run_command(const Program& program, std::vector<std::string> words);

}  // namespace sluice::detail
