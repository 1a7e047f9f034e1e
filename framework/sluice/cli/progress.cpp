// sluice/cli/progress.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/progress.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace sluice::detail {
namespace {

// A rate forgets what is older than about this long.
constexpr double kSmoothing_s = 3;

bool is_beginning(const StageReport& stage) {
  return stage.kind == "source" || stage.kind == "inlet";
}

std::uint64_t since(std::uint64_t now, std::uint64_t before) {
  return now > before ? now - before : 0;
}

}  // namespace

std::string short_number(double value) {
  constexpr std::array<const char*, 5> kPowers = {"", " k", " M", " G", " T"};
  std::size_t power = 0;
  while (value >= 999.5 && power + 1 < kPowers.size()) {
    value /= 1000;
    ++power;
  }
  return fmt::format("{:.{}f}{}", value, power == 0 ? 0 : 1, kPowers[power]);
}

std::string short_time(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(0.0, std::min(seconds, 1e9)));
  const std::uint64_t minutes = whole / 60;
  if (minutes < 60) return fmt::format("{}:{:02}", minutes, whole % 60);
  return fmt::format("{}:{:02}:{:02}", minutes / 60, minutes % 60, whole % 60);
}

// Bytes of stages that do not know how many to expect would run past the total of those that do.
ProgressMeter::Totals ProgressMeter::totals_of(const Report& report) {
  Totals totals;
  totals.seconds = report.seconds;
  const bool expects = std::any_of(report.stages.begin(), report.stages.end(),
                                   [](const StageReport& s) { return s.expected_bytes > 0; });
  for (const StageReport& stage : report.stages) {
    if (is_beginning(stage)) totals.items += stage.out;
    if (!expects || stage.expected_bytes > 0) totals.bytes += stage.bytes;
    totals.expected += stage.expected_bytes;
    totals.clocks.push_back(stage.clock_sum());
  }
  return totals;
}

void ProgressMeter::learn_rates(const Totals& now) {
  const double passed = now.seconds - before_.seconds;
  if (passed <= 0) return;
  const double items = static_cast<double>(since(now.items, before_.items)) / passed;
  const double bytes = static_cast<double>(since(now.bytes, before_.bytes)) / passed;
  // Until the first seconds are over, the plain mean is the better guess.
  const double weight = has_rates_ ? std::max(1 - std::exp(-passed / kSmoothing_s),
                                              passed / std::max(now.seconds, passed))
                                   : 1;
  items_per_s_ += weight * (items - items_per_s_);
  bytes_per_s_ += weight * (bytes - bytes_per_s_);
  has_rates_ = true;
}

std::string ProgressMeter::bottleneck(const Report& report, const Totals& now) const {
  std::size_t limit = report.stages.size();
  double most = 0;
  for (std::size_t i = 0; i < report.stages.size(); ++i) {
    const WorkerReport before = i < before_.clocks.size() ? before_.clocks[i] : WorkerReport{};
    const WorkerReport& clock = now.clocks[i];
    const double busy = clock.busy_s - before.busy_s;
    const double life = busy + clock.starved_s - before.starved_s + clock.blocked_s -
                        before.blocked_s + clock.parked_s - before.parked_s;
    const double part = life > 0 ? busy / life : 0;
    if (part > most) {
      most = part;
      limit = i;
    }
  }
  if (limit == report.stages.size()) return "everything waits";
  return fmt::format("busiest {} {:.0f} %", report.stages[limit].name, 100 * std::min(1.0, most));
}

std::string ProgressMeter::line(const Report& now) {
  const Totals totals = totals_of(now);
  learn_rates(totals);
  std::string text =
      fmt::format("{} {}  {} items  {}/s", now.pipeline, short_time(now.seconds),
                  short_number(static_cast<double>(totals.items)), short_number(items_per_s_));
  if (totals.expected > 0) {
    const double done = static_cast<double>(totals.bytes);
    const double all = static_cast<double>(totals.expected);
    text += fmt::format("  {}B of {}B ({:.0f} %)", short_number(done), short_number(all),
                        std::min(100.0, 100 * done / all));
  } else if (totals.bytes > 0) {
    text += fmt::format("  {}B", short_number(static_cast<double>(totals.bytes)));
  }
  if (totals.bytes > 0) text += fmt::format("  {}B/s", short_number(bytes_per_s_));
  if (totals.expected > totals.bytes && bytes_per_s_ > 0) {
    const double left = static_cast<double>(totals.expected - totals.bytes);
    text += fmt::format("  eta {}", short_time(left / bytes_per_s_));
  }
  text += "  " + bottleneck(now, totals);
  before_ = totals;
  return text;
}

}  // namespace sluice::detail
