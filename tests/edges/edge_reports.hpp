// edges/edge_reports.hpp: what a report says of an edge and its branches.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/numbers.hpp>
#include <support/watchdog.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::testing_support {

/// The edge into a stage.
inline EdgeReport edge_into(const Report& report, const std::string& stage) {
  for (const EdgeReport& edge : report.edges) {
    if (edge.name.ends_with("->" + stage)) return edge;
  }
  throw std::runtime_error("no edge into " + stage);
}
inline BranchReport branch(const Report& report, const std::string& from, const std::string& to) {
  for (const BranchReport& one : edge_into(report, to).branches) {
    if (one.from == from) return one;
  }
  throw std::runtime_error("no branch from " + from + " to " + to);
}

/// Blocks until so many outputs of a stage were counted as emitted into another one.
inline void wait_until_emitted(WatchedRun& run, const std::string& from, const std::string& to,
                               std::uint64_t outputs) {
  wait_until([&] { return branch(run->snapshot(), from, to).emitted == outputs; });
}

template <class T>
[[nodiscard]] bool ascends(const std::vector<T>& items) {
  return std::adjacent_find(items.begin(), items.end(), std::greater_equal<T>()) == items.end();
}

}  // namespace sluice::testing_support
