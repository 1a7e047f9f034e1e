// sluice/runtime/run_report.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/run_report.hpp>

#include <sluice/runtime/ledger.hpp>
#include <sluice/runtime/process_crew.hpp>
#include <sluice/runtime/run_state.hpp>
#include <sluice/runtime/stage_sums.hpp>

#include <algorithm>
#include <vector>

namespace sluice::detail {
namespace {

constexpr double kSecond = 1e-9;

double seconds_of(const Worker& worker, Activity activity, Worker::Nanoseconds now) {
  return static_cast<double>(worker.clock(activity, now)) * kSecond;
}

// The part of its busy time for which the worker's own thread neither ran nor waited for anything but a
// processor. What else delayed the thread lies between a wake and the next step.
double delayed_in(const Worker& worker, double busy_s) {
  const ThreadTimes times = worker.thread_times();
  const double not_run = std::max(0.0, busy_s - static_cast<double>(times.ran) * kSecond);
  return std::min(not_run, static_cast<double>(times.delayed) * kSecond);
}

WorkerReport clocks_of(const Worker& worker, Worker::Nanoseconds now) {
  const double busy_s = seconds_of(worker, Activity::busy, now);
  return {.busy_s = busy_s,
          .starved_s = seconds_of(worker, Activity::starved, now),
          .blocked_s = seconds_of(worker, Activity::blocked, now),
          .parked_s = seconds_of(worker, Activity::parked, now),
          .delayed_s = delayed_in(worker, busy_s)};
}

void add_processes(const RunState& run, std::size_t stage, StageReport& report) {
  for (std::size_t i = 0; run.crew() != nullptr && i < report.workers; ++i) {
    const ProcessCounts* const counts = run.crew()->counts(stage, i);
    if (counts == nullptr) return;
    report.processes += counts->started.load(std::memory_order_relaxed);
    report.deaths += counts->deaths.load(std::memory_order_relaxed);
  }
}

void add_window(const RunState& run, std::size_t stage, StageReport& report) {
  report.window = run.plan().stages[stage].window;
  if (report.window == 0) return;
  const StepBody::InOrder items = run.workers()[run.workers_of(stage).first]->body->in_order();
  report.window_open = items.open;
  report.window_high_water = items.most_open;
}

void add_service_times(const RunState& run, std::size_t stage, StageReport& report) {
  std::vector<std::uint64_t> sums(Histogram::kBuckets);
  const RunState::Range range = run.workers_of(stage);
  for (std::size_t i = range.first; i < range.last; ++i) {
    run.workers()[i]->state.service.add_to(sums.data());
  }
  report.service_p50_us = static_cast<double>(Histogram::quantile(sums.data(), 0.50)) * 1e-3;
  report.service_p99_us = static_cast<double>(Histogram::quantile(sums.data(), 0.99)) * 1e-3;
}

StageReport stage_report(const RunState& run, std::size_t stage, Worker::Nanoseconds now) {
  const PlannedStage& planned = run.plan().stages[stage];
  const auto sum = [&](Count count) { return sum_stage(run, stage, count); };
  StageReport report{.name = planned.name,
                     .kind = planned.kind,
                     .workers = planned.workers,
                     .carrier = planned.carrier,
                     .in = sum(Count::taken),
                     .out = sum_out_of(run, stage, Count::put),
                     .completed = sum(Count::completed),
                     .filtered = sum(Count::filtered),
                     .skipped = sum(Count::skipped),
                     .dead = sum(Count::dead) + sum(Count::created),
                     .failed = sum(Count::failed),
                     .retried = sum(Count::retried),
                     .cancelled = sum(Count::cancelled),
                     .refused = sum_out_of(run, stage, Count::refused)};
  const RunState::Range range = run.workers_of(stage);
  for (std::size_t i = range.first; i < range.last; ++i) {
    const Worker& worker = *run.workers()[i];
    report.clocks.push_back(clocks_of(worker, now));
    report.overdue += worker.state.overdue.get();
    report.bytes += worker.state.bytes.get();
    report.expected_bytes += worker.state.expected_bytes.get();
  }
  add_processes(run, stage, report);
  add_window(run, stage, report);
  add_service_times(run, stage, report);
  return report;
}

double starved_in(const RunState& run, std::size_t stage, Worker::Nanoseconds now) {
  double seconds = 0;
  const RunState::Range range = run.workers_of(stage);
  for (std::size_t i = range.first; i < range.last; ++i) {
    seconds += seconds_of(*run.workers()[i], Activity::starved, now);
  }
  return seconds;
}

void add_branches(const RunState& run, std::size_t stage, EdgeReport& report) {
  const std::vector<Connection>& connections = run.graph().connections;
  for (std::size_t i = 0; i < connections.size(); ++i) {
    if (connections[i].to != stage) continue;
    const auto sum = [&](Count count) { return sum_branch(run, i, count); };
    const StageDef& to = run.graph().stages[stage];
    report.branches.push_back(
        {.from = run.graph().stages[connections[i].from].name,
         .when_full = to.stores && !to.feedback ? to.kind : to_string(connections[i].overflow),
         .emitted = sum(Count::emitted),
         .put = sum(Count::put),
         .refused = sum(Count::refused),
         .elsewhere = sum(Count::elsewhere),
         .dropped_newest = sum(Count::dropped),
         .dropped_oldest = sum(Count::displaced)});
  }
}

void add_store(const RunState& run, std::size_t stage, EdgeReport& report) {
  const StoreGauge* const gauge = store_of(run, stage);
  if (gauge == nullptr) return;
  const StoreGauge::Level now = gauge->now();
  const StoreGauge::Level most = gauge->most();
  report.stores = true;
  report.store = {.items = now.items,
                  .items_high_water = most.items,
                  .spilled = now.spilled,
                  .spilled_high_water = most.spilled,
                  .file_bytes = now.file_bytes,
                  .file_bytes_high_water = most.file_bytes};
}

EdgeReport edge_report(const RunState& run, const PlannedEdge& planned, bool ended,
                       Worker::Nanoseconds now) {
  EdgeBase& edge = *run.edge_into(planned.to);
  const EdgeSums queues = sum_queues(edge);
  EdgeReport report{.name = planned.name,
                    .adaptors = {},
                    .capacity = planned.capacity,
                    .lanes = planned.lanes,
                    // Ports tell what they counted at the end of a step, the queue knows at once.
                    .put = ended ? sum_into(run, edge, Count::put) : queues.put,
                    .got = sum_stage(run, planned.to, Count::taken),
                    .done = queues.done,
                    .dropped = queues.dropped,
                    .queued = queues.queued,
                    .high_water = queues.high_water,
                    .capacity_bytes = planned.capacity_bytes,
                    .queued_bytes = queues.queued_bytes,
                    .high_water_bytes = queues.high_water_bytes,
                    .full_s = static_cast<double>(edge.full_ns()) * kSecond,
                    .empty_s = starved_in(run, planned.to, now)};
  for (std::size_t lane = 0; edge.lanes() > 1 && lane < edge.lanes(); ++lane) {
    report.lane_puts.push_back(edge.lane(lane).put_count());
  }
  add_branches(run, planned.to, report);
  add_store(run, planned.to, report);
  for (const std::string& adaptor : planned.adaptors) {
    if (adaptor.empty()) continue;
    report.adaptors += (report.adaptors.empty() ? "" : "; ") + adaptor;
  }
  return report;
}

}  // namespace

Report make_report(const RunState& run) {
  const bool ended = run.ended();  // once: it may end while we look
  const Worker::Nanoseconds now = run.ended_at();
  Report report{.pipeline = run.plan().pipeline,
                .status = ended ? run.status() : RunStatus::running,
                .seconds = static_cast<double>(now - run.began()) * kSecond,
                .cpu_seconds = run.cpu_seconds(),
                .cores = run.plan().machine.cores};
  for (std::size_t i = 0; i < run.plan().stages.size(); ++i) {
    report.stages.push_back(stage_report(run, i, now));
  }
  for (const PlannedEdge& edge : run.plan().edges) {
    report.edges.push_back(edge_report(run, edge, ended, now));
  }
  if (const MemoryBudget* const memory = run.memory(); memory != nullptr) {
    report.memory = {
        .budget = memory->bytes(),
        .peak = static_cast<std::uint64_t>(std::max<std::int64_t>(0, memory->peak())),
        .charged = static_cast<std::uint64_t>(std::max<std::int64_t>(0, memory->charged()))};
  }
  RunState::Happened happened = run.happened();
  report.error_count = happened.error_count;
  report.errors = std::move(happened.errors);
  report.dead_letters = happened.dead_letters;
  if (run.crew() != nullptr) {
    const ChaosCounts& chaos = run.crew()->chaos_counts();
    report.chaos_kills = chaos.kills.load(std::memory_order_relaxed);
    report.chaos_stops = chaos.stops.load(std::memory_order_relaxed);
  }
  if (ended) report.ledger = check_ledger(run);
  report.verdict = verdict_of(report);
  return report;
}

}  // namespace sluice::detail
