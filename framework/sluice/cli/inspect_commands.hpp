// sluice/cli/inspect_commands.hpp: `list`, `describe` and `graph`: answers without running anything.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/cli/command_line.hpp>

#include <string>
#include <vector>

namespace sluice::detail {

// Each prints to standard output; `words` are those after the command.
// Throw  UsageError, PipelineError.
void list_command(const Program& program, std::vector<std::string> words);
void describe_command(const Program& program, std::vector<std::string> words);
void graph_command(const Program& program, std::vector<std::string> words);

/// The table of `list`.
[[nodiscard]] std::string list_text(const Program& program);

[[nodiscard]] CommandSyntax list_syntax();
[[nodiscard]] CommandSyntax describe_syntax();
[[nodiscard]] CommandSyntax graph_syntax();

}  // namespace sluice::detail
