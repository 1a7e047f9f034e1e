// tests/process/failing_calls.hpp: makes the n-th call of a system function fail.
//
// The functions of the C library are replaced in this executable. Counts lie in shared memory, so
// the calls of a parent and of all that it forks are one sequence.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace sluice::testing_support {

/// Names of the calls that can be made to fail.
[[nodiscard]] const std::vector<std::string>& failing_calls();

/// From now on the n-th call (1 = the next) of that name fails, once, with this errno.
void fail_call(const std::string& name, int n, int error);
/// Returns  whether that call came. No call fails any more.
bool stop_failing();

}  // namespace sluice::testing_support
