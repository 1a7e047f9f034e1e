// sluice/report.cpp: names of the enumerators and look-ups.
// SPDX-License-Identifier: MIT
#include <sluice/report.hpp>

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice {

const char* to_string(RunStatus status) noexcept {
  switch (status) {
    case RunStatus::running:
      return "running";
    case RunStatus::done:
      return "done";
    case RunStatus::stopped:
      return "stopped";
    case RunStatus::cancelled:
      return "cancelled";
    case RunStatus::failed:
      return "failed";
  }
  return "unknown";
}

const char* to_string(Carrier carrier) noexcept {
  switch (carrier) {
    case Carrier::automatic:
      return "auto";
    case Carrier::thread:
      return "thread";
    case Carrier::pool:
      return "pool";
    case Carrier::process:
      return "process";
  }
  return "unknown";
}

const char* to_string(Order order) noexcept {
  switch (order) {
    case Order::automatic:
      return "auto";
    case Order::none:
      return "none";
  }
  return "unknown";
}

WorkerReport StageReport::clock_sum() const noexcept {
  WorkerReport sum;
  for (const WorkerReport& clock : clocks) {
    sum.busy_s += clock.busy_s;
    sum.starved_s += clock.starved_s;
    sum.blocked_s += clock.blocked_s;
    sum.parked_s += clock.parked_s;
  }
  return sum;
}

const StageReport& Report::stage(const std::string& name) const {
  std::vector<std::string> names;
  for (const StageReport& stage : stages) {
    if (stage.name == name) return stage;
    names.push_back(stage.name);
  }
  throw UsageError(fmt::format("report of {}: there is no stage {}; there are {}", pipeline, name,
                               fmt::join(names, ", ")));
}

}  // namespace sluice
