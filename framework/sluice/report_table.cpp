// sluice/report_table.cpp: the report as aligned text for people.
// SPDX-License-Identifier: MIT
#include <sluice/report.hpp>

#include <sluice/base/text_table.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sluice {
namespace {

using detail::one_line;
using detail::TextTable;
using Align = TextTable::Align;

constexpr std::size_t kErrorsShown = 10;

std::string number(std::uint64_t value) { return fmt::format("{}", value); }

std::string per_cent(double part, double whole) {
  return whole > 0 ? fmt::format("{:.1f}%", 100.0 * part / whole) : "-";
}

std::string micros(double us) { return us > 0 ? fmt::format("{:.1f}us", us) : "-"; }

std::string headline(const Report& report) {
  return fmt::format("{}: {} after {:.3f} s, {:.3f} s of processor time, {} {}\n", report.pipeline,
                     to_string(report.status), report.seconds, report.cpu_seconds, report.cores,
                     report.cores == 1 ? "core" : "cores");
}

// Columns that are zero in nearly every run are shown only when they are not.
std::string count_table(const std::vector<StageReport>& stages) {
  const auto any = [&](auto member) {
    return std::any_of(stages.begin(), stages.end(),
                       [&](const StageReport& stage) { return stage.*member > 0; });
  };
  const bool cancelled = any(&StageReport::cancelled);
  const bool refused = any(&StageReport::refused);
  const bool overdue = any(&StageReport::overdue);
  const bool processes = any(&StageReport::processes);
  const bool bytes = any(&StageReport::bytes);
  std::vector<TextTable::Column> columns = {{"stage", Align::left},
                                            {"carrier", Align::left},
                                            {"workers"},
                                            {"in"},
                                            {"out"},
                                            {"filtered"},
                                            {"skipped"},
                                            {"dead"},
                                            {"failed"},
                                            {"retried"}};
  if (cancelled) columns.push_back({"cancelled"});
  if (refused) columns.push_back({"refused"});
  if (overdue) columns.push_back({"overdue"});
  if (processes) columns.insert(columns.end(), {{"processes"}, {"deaths"}});
  if (bytes) columns.push_back({"bytes"});
  TextTable table(std::move(columns));
  for (const StageReport& stage : stages) {
    std::vector<std::string> row = {
        one_line(stage.name), to_string(stage.carrier), number(stage.workers), number(stage.in),
        number(stage.out),    number(stage.filtered),   number(stage.skipped), number(stage.dead),
        number(stage.failed), number(stage.retried)};
    if (cancelled) row.push_back(number(stage.cancelled));
    if (refused) row.push_back(number(stage.refused));
    if (overdue) row.push_back(number(stage.overdue));
    if (processes) row.insert(row.end(), {number(stage.processes), number(stage.deaths)});
    if (bytes) row.push_back(number(stage.bytes));
    table.add(std::move(row));
  }
  return table.text();
}

std::string time_table(const std::vector<StageReport>& stages) {
  const bool delayed = std::any_of(stages.begin(), stages.end(), [](const StageReport& stage) {
    const WorkerReport sum = stage.clock_sum();
    return sum.delayed_s > 0.01 * sum.busy_s;
  });
  std::vector<TextTable::Column> columns = {
      {"stage", Align::left}, {"busy"}, {"starved"}, {"blocked"}, {"parked"}};
  if (delayed) columns.push_back({"delayed"});
  columns.push_back({"p50/item"});
  columns.push_back({"p99/item"});
  TextTable table(std::move(columns));
  for (const StageReport& stage : stages) {
    const WorkerReport sum = stage.clock_sum();
    const double life = sum.busy_s + sum.starved_s + sum.blocked_s + sum.parked_s;
    std::vector<std::string> row = {one_line(stage.name), per_cent(sum.busy_s, life),
                                    per_cent(sum.starved_s, life), per_cent(sum.blocked_s, life),
                                    per_cent(sum.parked_s, life)};
    if (delayed) row.push_back(per_cent(sum.delayed_s, life));
    row.push_back(micros(stage.service_p50_us));
    row.push_back(micros(stage.service_p99_us));
    table.add(std::move(row));
  }
  return table.text();
}

std::string edge_table(const std::vector<EdgeReport>& edges) {
  const bool dropped = std::any_of(edges.begin(), edges.end(),
                                   [](const EdgeReport& edge) { return edge.dropped > 0; });
  const bool bounded = std::any_of(edges.begin(), edges.end(),
                                   [](const EdgeReport& edge) { return edge.capacity_bytes > 0; });
  std::vector<TextTable::Column> columns = {
      {"edge", Align::left}, {"put"},  {"got"},  {"done"}, {"high"},
      {"capacity"},          {"full"}, {"empty"}};
  if (bounded) {
    columns.push_back({"high bytes"});
    columns.push_back({"capacity bytes"});
  }
  if (dropped) columns.push_back({"dropped"});
  columns.push_back({"adaptors", Align::left});
  TextTable table(std::move(columns));
  for (const EdgeReport& edge : edges) {
    std::vector<std::string> row = {one_line(edge.name),
                                    number(edge.put),
                                    number(edge.got),
                                    number(edge.done),
                                    number(edge.high_water),
                                    edge.capacity == 0 ? "none" : number(edge.capacity),
                                    fmt::format("{:.3f}s", edge.full_s),
                                    fmt::format("{:.3f}s", edge.empty_s)};
    if (bounded) {
      row.push_back(number(edge.high_water_bytes));
      row.push_back(edge.capacity_bytes == 0 ? "none" : number(edge.capacity_bytes));
    }
    if (dropped) row.push_back(number(edge.dropped));
    row.push_back(one_line(edge.adaptors));
    table.add(std::move(row));
  }
  return table.text();
}

std::string hot_lane_lines(const std::vector<EdgeReport>& edges) {
  std::string lines;
  for (const EdgeReport& edge : edges) {
    const std::size_t lane = edge.hot_lane();
    if (lane == edge.lane_puts.size()) continue;
    std::uint64_t sum = 0;
    for (const std::uint64_t puts : edge.lane_puts) sum += puts;
    lines += fmt::format(
        "hot lane: {}: worker {} of {} gets {:.0f} % of the items; more workers won't help, other "
        "keys may\n",
        one_line(edge.name), lane, edge.lane_puts.size(),
        100.0 * static_cast<double>(edge.lane_puts[lane]) / static_cast<double>(sum));
  }
  return lines;
}

std::string drop_lines(const std::vector<EdgeReport>& edges) {
  std::string lines;
  for (const EdgeReport& edge : edges) {
    for (const BranchReport& branch : edge.branches) {
      const std::uint64_t wanted = branch.emitted - std::min(branch.emitted, branch.elsewhere);
      if (branch.dropped_newest > 0) {
        lines += fmt::format(
            "dropped: {}: {} of {} outputs of {} found it full ({})\n", one_line(edge.name),
            branch.dropped_newest, wanted, one_line(branch.from),
            per_cent(static_cast<double>(branch.dropped_newest), static_cast<double>(wanted)));
      }
      if (branch.dropped_oldest > 0) {
        lines += fmt::format(
            "dropped: {}: {} of {} queued items made room for outputs of {} ({})\n",
            one_line(edge.name), branch.dropped_oldest, edge.put, one_line(branch.from),
            per_cent(static_cast<double>(branch.dropped_oldest), static_cast<double>(edge.put)));
      }
    }
  }
  return lines;
}

std::string spill_lines(const std::vector<EdgeReport>& edges) {
  std::string lines;
  for (const EdgeReport& edge : edges) {
    const StoreReport& store = edge.store;
    if (store.spilled_high_water == 0) continue;
    lines += fmt::format(
        "spilled: {}: at most {} items waited, at most {} of them in {:.1f} MB of a file\n",
        one_line(edge.name), store.items_high_water, store.spilled_high_water,
        static_cast<double>(store.file_bytes_high_water) * 1e-6);
  }
  return lines;
}

std::string window_lines(const std::vector<StageReport>& stages) {
  std::string lines;
  for (const StageReport& stage : stages) {
    if (stage.window == 0) continue;
    lines += fmt::format("order kept: {}: at most {} items between taken and delivered, of {}\n",
                         one_line(stage.name), stage.window_high_water, stage.window);
  }
  return lines;
}

std::string ledger_lines(const LedgerReport& ledger) {
  if (ledger.balanced && ledger.faults.empty()) return "ledger: balanced\n";
  std::string lines = "ledger: NOT balanced\n";
  for (const std::string& fault : ledger.faults) lines += fmt::format("  {}\n", one_line(fault));
  return lines;
}

std::string memory_lines(const MemoryReport& memory) {
  if (memory.budget == 0) return {};
  std::string line =
      fmt::format("memory: at most {} of {} bytes were held by items", memory.peak, memory.budget);
  if (memory.charged > 0) line += fmt::format(", {} now", memory.charged);
  return line + '\n';
}

std::string place_of(const ErrorReport& error) {
  std::string place = fmt::format("stage {}, worker {}, {}", one_line(error.stage), error.worker,
                                  error.phase.empty() ? "process" : error.phase);
  if (error.has_item) place += fmt::format(", item {}", error.item);
  if (error.attempt > 1) place += fmt::format(", attempt {}", error.attempt);
  return place;
}

std::string error_lines(const Report& report) {
  if (report.error_count == 0 && report.errors.empty()) return {};
  std::string lines = fmt::format("errors: {}\n", report.error_count);
  const std::size_t shown = std::min(report.errors.size(), kErrorsShown);
  for (std::size_t i = 0; i < shown; ++i) {
    lines +=
        fmt::format("  {}: {}\n", place_of(report.errors[i]), one_line(report.errors[i].cause));
  }
  if (report.error_count > shown) {
    lines += fmt::format("  and {} more\n", report.error_count - shown);
  }
  return lines;
}

}  // namespace

std::string Report::table() const {
  std::string text = headline(*this);
  text += '\n' + count_table(stages);
  text += '\n' + time_table(stages);
  if (!edges.empty()) text += '\n' + edge_table(edges);
  text += drop_lines(edges);
  text += spill_lines(edges);
  text += window_lines(stages);
  text += hot_lane_lines(edges);
  text += memory_lines(memory);
  text += '\n' + ledger_lines(ledger);
  if (!verdict.empty()) text += fmt::format("verdict: {}\n", one_line(verdict));
  if (chaos_kills + chaos_stops > 0) {
    text += fmt::format("chaos: {} kills, {} stops\n", chaos_kills, chaos_stops);
  }
  if (dead_letters > 0) text += fmt::format("dead letters: {}\n", dead_letters);
  return text + error_lines(*this);
}

}  // namespace sluice
