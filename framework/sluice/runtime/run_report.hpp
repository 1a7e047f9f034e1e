// sluice/runtime/run_report.hpp: reads a run, live or ended, into a Report.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/report.hpp>

namespace sluice::detail {

class RunState;

/// Threads: any, at any time. The ledger is checked once the run has ended.
[[nodiscard]] Report make_report(const RunState& run);

/// The bottleneck stage and why, from a report's clocks.
[[nodiscard]] std::string verdict_of(const Report& report);

}  // namespace sluice::detail
