// sluice/runtime/explain.hpp: says who waits for what, and which stage is at the root of it.
//
// A blocked worker points at the consumer of the full edge, a starved one at the producers of its
// input. Following these pointers ends at a worker that waits for nobody: the root cause.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sluice::detail {

class RunState;

/// Threads: any, at any time; what it reads may change while it reads.
[[nodiscard]] std::string explain(const RunState& run);

}  // namespace sluice::detail
