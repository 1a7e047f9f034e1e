// sluice/runtime/verdict.cpp: which stage limits a run, read off the clocks.
//
// The limit is the stage whose workers are busy for the largest part of their lives, not counting the
// time for which they had work and no processor: with more threads than cores everybody looks busy.
// Flink's rule for the same question: neither back-pressured nor idle. When the busy time of all stages together
// fills the cores, more workers can't help, and the verdict says so. Where nobody is busy for long, as in a run that is
// over before all threads are awake, no stage is called the limit.
// SPDX-License-Identifier: MIT
#include <sluice/runtime/run_report.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sluice::detail {
namespace {

double life_of(const WorkerReport& clock) {
  return clock.busy_s + clock.starved_s + clock.blocked_s + clock.parked_s;
}

// Below it a stage is not what the others wait for.
constexpr double kLeastBusy = 0.2;

double part(double seconds, double whole) { return whole > 0 ? seconds / whole : 0; }

// "upstream read is 90 % blocked": what shows that the limit is a limit.
std::string witness(const Report& report, std::size_t limit) {
  std::string text;
  for (std::size_t i = 0; i < report.stages.size(); ++i) {
    if (i == limit) continue;
    const WorkerReport clock = report.stages[i].clock_sum();
    const double life = life_of(clock);
    if (i < limit && part(clock.blocked_s, life) > 0.2) {
      text += fmt::format(", {} {:.0f} % blocked", report.stages[i].name,
                          100 * part(clock.blocked_s, life));
    } else if (i > limit && part(clock.starved_s, life) > 0.2) {
      text += fmt::format(", {} {:.0f} % starved", report.stages[i].name,
                          100 * part(clock.starved_s, life));
    }
  }
  return text;
}

}  // namespace

std::string verdict_of(const Report& report) {
  const bool none = std::all_of(report.edges.begin(), report.edges.end(),
                                [](const EdgeReport& edge) { return edge.put == 0; });
  if (none) return "no item has come in";
  // Of a stage on the pool it is not known for how long it had work and no processor.
  const bool comparable =
      std::all_of(report.stages.begin(), report.stages.end(),
                  [](const StageReport& stage) { return stage.carrier == Carrier::thread; });
  std::size_t limit = report.stages.size();
  double most = 0;
  for (std::size_t i = 0; i < report.stages.size(); ++i) {
    const WorkerReport clock = report.stages[i].clock_sum();
    const double at_work = clock.busy_s - (comparable ? clock.delayed_s : 0);
    if (part(at_work, life_of(clock)) > most) {
      most = part(at_work, life_of(clock));
      limit = i;
    }
  }
  if (limit == report.stages.size()) return "nothing has run";
  const double cores = part(report.cpu_seconds, report.seconds);
  const bool full = cores > 0.9 * static_cast<double>(report.cores);
  const StageReport& stage = report.stages[limit];
  const WorkerReport clock = stage.clock_sum();
  return fmt::format("{}: busy {:.0f} % of the time of its {} {}{}; {:.2f} of {} cores used{}",
                     part(clock.busy_s, life_of(clock)) < kLeastBusy
                         ? "no stage is the limit; the busiest is " + stage.name
                         : stage.name + " is the limit",
                     100 * part(clock.busy_s, life_of(clock)), stage.workers,
                     stage.workers == 1 ? "worker" : "workers", witness(report, limit), cores,
                     report.cores, full ? ": the machine is full, more workers can't help" : "");
}

}  // namespace sluice::detail
