// sluice/cli/progress.hpp: one line about a run in progress: how far, how fast, what limits it.
//
// Pure: fed with snapshots and their times, it has no clock and no terminal of its own.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/report.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::detail {

/// Units: items are what sources and inlets have delivered, bytes what stages have told by
/// add_bytes(), of those that told expect_bytes() if any did.
class ProgressMeter {
 public:
  /// The line for this snapshot. Report::seconds is the clock; rates are smoothed over a few
  /// seconds, the bottleneck is that of the time since the last call.
  [[nodiscard]] std::string line(const Report& now);

 private:
  struct Totals {
    double seconds = 0;
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
    std::uint64_t expected = 0;
    std::vector<WorkerReport> clocks;  ///< per stage
  };

  [[nodiscard]] static Totals totals_of(const Report& report);
  void learn_rates(const Totals& now);
  [[nodiscard]] std::string bottleneck(const Report& report, const Totals& now) const;

  Totals before_{};
  double items_per_s_ = 0;
  double bytes_per_s_ = 0;
  bool has_rates_ = false;
};

/// 999, 1.0 k, 12.3 M, ...: three or four digits and a power of 1000.
[[nodiscard]] std::string short_number(double value);
/// 0:07, 12:34, 1:02:03.
[[nodiscard]] std::string short_time(double seconds);

}  // namespace sluice::detail
