// sluice/cli/spawned_command.hpp: a program started again to serve workers.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/cli/command_line.hpp>
#include <sluice/process/spawned_server.hpp>

#include <string>
#include <vector>

namespace sluice::detail {

/// `words` are those of the parent's command line, which was `run ...`: the pipeline is built for
/// the same arguments. Never returns.
/// Throws  what parsing and building throw; the parent has been told.
[[noreturn]] void serve_spawned(const Program& program, std::vector<std::string> words,
                                SpawnedServer& server);

}  // namespace sluice::detail
