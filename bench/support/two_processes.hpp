// bench/support/two_processes.hpp: a job for this process and one for a child of it.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/crew.hpp>

#include <functional>
#include <string>

namespace sluice::bench {

/// Forks; the child runs `there`, this process `here`; pinned, each on a CPU of its own; together, on one.
///
/// Throws   what `here` threw; WrongResult when the child threw or died.
void run_in_two_processes(const std::string& what, Placement placement,
                          const std::function<void()>& here, const std::function<void()>& there);

}  // namespace sluice::bench
