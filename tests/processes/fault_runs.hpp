// tests/processes/fault_runs.hpp: runs a program again and again, each time with another call of the system failing.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace sluice::testing_support {

/// A function of the system (failing_calls.hpp), and how it fails.
struct Call {
  const char* name;
  int error;
};

/// How often a call was made to fail, and what came of it.
struct FaultTally {
  int faults = 0;
  int exact = 0;    ///< every output exactly once all the same
  int refused = 0;  ///< an exit status and the reason
};

/// Runs a program that is linked with fault_plan.cpp, with the n-th call failing, for n = 1, 1 + step, ... until
/// none fails. Checks each time that all outputs came, which the line `exact` says, or that one line tells why not,
/// and that nothing is left in the program or of it; and that the last run, in which nothing failed, is exact.
[[nodiscard]] FaultTally fail_each(const Call& call, const std::vector<std::string>& words,
                                   const std::string& exact, int step = 1);

}  // namespace sluice::testing_support
