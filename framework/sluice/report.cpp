// sluice/report.cpp: names of the enumerators and look-ups.
// SPDX-License-Identifier: MIT
#include <sluice/report.hpp>

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

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
    case Order::keep:
      return "keep";
    case Order::per_key:
      return "per_key";
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
    sum.delayed_s += clock.delayed_s;
  }
  return sum;
}

std::size_t EdgeReport::hot_lane() const noexcept {
  constexpr double kEnoughItems = 100;  // fewer may be chance
  const double count = static_cast<double>(lane_puts.size());
  double sum = 0;
  for (const std::uint64_t puts : lane_puts) sum += static_cast<double>(puts);
  if (count < 2 || sum < kEnoughItems * count) return lane_puts.size();
  const auto most = std::max_element(lane_puts.begin(), lane_puts.end());
  const double limit = count < 3 ? 0.75 : std::min((1 / count + 1) / 2, 3 / count);
  if (static_cast<double>(*most) <= limit * sum) return lane_puts.size();
  return static_cast<std::size_t>(most - lane_puts.begin());
}

std::uint64_t EdgeReport::dropped_when_full() const noexcept {
  std::uint64_t sum = 0;
  for (const BranchReport& branch : branches) {
    sum += branch.dropped_newest + branch.dropped_oldest;
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
