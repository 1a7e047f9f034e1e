// sluice/os/program.hpp: executes the image of this program again, and its environment.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <vector>

namespace sluice::detail {

/// Starts the file that this process runs, also when it was replaced or deleted on disk. Signals
/// are as new, the process leads its own group, standard input is the null device, standard
/// output and error are ours; the descriptors given stay open under their numbers.
/// `setting` is NAME=VALUE, put into its environment.
/// Threads  any: nothing of this process is touched between fork and exec.
/// Returns  its process id.
/// Throws   std::system_error.
[[nodiscard]] int start_same_program(const std::vector<std::string>& argv,
                                     const std::string& setting, std::span<const int> descriptors);

/// Returns  the value of an environment variable; empty when there is none.
[[nodiscard]] std::string environment_value(const char* name);
void remove_from_environment(const char* name) noexcept;

}  // namespace sluice::detail
