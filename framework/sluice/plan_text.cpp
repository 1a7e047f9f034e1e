// sluice/plan_text.cpp: the plan as text for people and as JSON.
// SPDX-License-Identifier: MIT
#include <sluice/base/display_name.hpp>
#include <sluice/base/text_table.hpp>
#include <sluice/report.hpp>
#include <sluice/scheduler.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice {
namespace {

using detail::one_line;
using detail::StageRole;
using detail::TextTable;
using Align = TextTable::Align;
using Json = nlohmann::ordered_json;

const char* role_name(StageRole role) {
  switch (role) {
    case StageRole::source:
      return "source";
    case StageRole::transform:
      return "transform";
    case StageRole::sink:
      return "sink";
    case StageRole::inlet:
      return "inlet";
    case StageRole::outlet:
      return "outlet";
  }
  return "unknown";
}

// Application code stands on the other side of inlets and outlets, so they have both ends.
bool takes_items(const PlannedStage& stage) { return stage.role != StageRole::source; }
bool gives_items(const PlannedStage& stage) { return stage.role != StageRole::sink; }
bool has_workers(const PlannedStage& stage) {
  return stage.role != StageRole::inlet && stage.role != StageRole::outlet;
}

std::string in_type(const PlannedStage& stage) {
  return takes_items(stage)
             ? detail::display_name(stage.role == StageRole::inlet ? stage.out_type : stage.in_type)
             : "-";
}

std::string out_type(const PlannedStage& stage) {
  return gives_items(stage) ? detail::display_name(stage.role == StageRole::outlet ? stage.in_type
                                                                                   : stage.out_type)
                            : "-";
}

std::string reason(const PlannedStage& stage) {
  if (!has_workers(stage)) return "application code is its worker";
  std::string why = one_line(stage.why);
  if (stage.workers > 1 && stage.order == Order::none && why.find("order none") == why.npos) {
    why += why.empty() ? "" : "; ";
    why += "order none: outputs leave as the workers finish";
  }
  if (stage.keyed) why += why.empty() ? "keyed" : "; keyed";
  return why.empty() ? "as told" : why;
}

std::string stage_table(const Plan& plan) {
  TextTable table({{"stage", Align::left},
                   {"role", Align::left},
                   {"kind", Align::left},
                   {"workers"},
                   {"carrier", Align::left},
                   {"order", Align::left},
                   {"batch"},
                   {"takes", Align::left},
                   {"gives", Align::left}});
  for (const PlannedStage& stage : plan.stages) {
    const bool works = has_workers(stage);
    table.add({one_line(stage.name), role_name(stage.role), stage.kind,
               works ? std::to_string(stage.workers) : "-", works ? to_string(stage.carrier) : "-",
               works ? to_string(stage.order) : "-", works ? std::to_string(stage.batch) : "-",
               in_type(stage), out_type(stage)});
  }
  return table.text();
}

// The distinct adaptors of an edge; several producers often share them.
std::string adaptors_of(const PlannedEdge& edge) {
  std::string all;
  std::string last;
  for (const std::string& adaptor : edge.adaptors) {
    if (adaptor.empty() || adaptor == last) continue;
    all += (all.empty() ? "" : "; ") + adaptor;
    last = adaptor;
  }
  return all;
}

// What is known of an item's weight before there is one.
std::string item_bytes(const detail::ItemWeight& weight) {
  if (weight.fixed) return std::to_string(weight.size);
  return fmt::format("{} + {}", weight.size,
                     weight.in_full ? "what it holds" : "what is seen: not all of it can be");
}

// Bytes are shown where they are bounded.
std::string edge_table(const Plan& plan) {
  const bool bytes = plan.memory != 0 ||
                     std::any_of(plan.edges.begin(), plan.edges.end(),
                                 [](const PlannedEdge& edge) { return edge.capacity_bytes != 0; });
  std::vector<TextTable::Column> columns = {{"edge", Align::left}, {"capacity"}};
  if (bytes) columns.push_back({"bytes"});
  columns.push_back({"lanes"});
  if (bytes) columns.push_back({"item weighs", Align::left});
  columns.push_back({"adaptors", Align::left});
  TextTable table(std::move(columns));
  for (const PlannedEdge& edge : plan.edges) {
    std::vector<std::string> row = {one_line(edge.name), std::to_string(edge.capacity)};
    if (bytes) row.push_back(edge.capacity_bytes == 0 ? "-" : std::to_string(edge.capacity_bytes));
    row.push_back(std::to_string(edge.lanes));
    if (bytes) row.push_back(item_bytes(edge.item_weight));
    row.push_back(one_line(adaptors_of(edge)));
    table.add(std::move(row));
  }
  return table.text();
}

std::string reason_table(const Plan& plan) {
  TextTable table({{"stage", Align::left}, {"why", Align::left}});
  for (const PlannedStage& stage : plan.stages) {
    table.add({one_line(stage.name), reason(stage)});
  }
  return table.text();
}

Json stage_json(const PlannedStage& stage) {
  const bool works = has_workers(stage);
  return {{"name", stage.name},
          {"role", role_name(stage.role)},
          {"kind", stage.kind},
          {"in_type", takes_items(stage) ? Json(in_type(stage)) : Json(nullptr)},
          {"out_type", gives_items(stage) ? Json(out_type(stage)) : Json(nullptr)},
          {"workers", works ? stage.workers : 0},
          {"carrier", works ? Json(to_string(stage.carrier)) : Json(nullptr)},
          {"order", works ? Json(to_string(stage.order)) : Json(nullptr)},
          {"batch", works ? Json(stage.batch) : Json(nullptr)},
          {"depth", stage.depth},
          {"keyed", stage.keyed},
          {"why", reason(stage)}};
}

Json edge_json(const Plan& plan, const PlannedEdge& edge) {
  Json from = Json::array();
  for (std::size_t i = 0; i < edge.from.size(); ++i) {
    from.push_back({{"stage", plan.stages[edge.from[i]].name}, {"adaptors", edge.adaptors[i]}});
  }
  return {{"name", edge.name},
          {"from", std::move(from)},
          {"to", plan.stages[edge.to].name},
          {"capacity", edge.capacity},
          {"lanes", edge.lanes},
          {"capacity_bytes", edge.capacity_bytes != 0 ? Json(edge.capacity_bytes) : Json(nullptr)},
          {"item_bytes",
           {{"at_least", edge.item_weight.size},
            {"fixed", edge.item_weight.fixed},
            {"seen_in_full", edge.item_weight.in_full}}}};
}

std::string count(std::size_t n, const char* what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

}  // namespace

std::string Plan::text() const {
  std::string text =
      fmt::format("{}: {}, {}, planned for {}\n", one_line(pipeline), count(stages.size(), "stage"),
                  count(edges.size(), "edge"), count(machine.cores, "core"));
  if (memory != 0) text += fmt::format("memory: items hold at most {} bytes together\n", memory);
  text += '\n' + stage_table(*this);
  if (!edges.empty()) text += '\n' + edge_table(*this);
  return text + '\n' + reason_table(*this);
}

std::string Plan::json() const {
  Json stage_array = Json::array();
  for (const PlannedStage& stage : stages) stage_array.push_back(stage_json(stage));
  Json edge_array = Json::array();
  for (const PlannedEdge& edge : edges) edge_array.push_back(edge_json(*this, edge));
  const Json plan = {{"pipeline", pipeline},
                     {"cores", machine.cores},
                     {"memory", memory != 0 ? Json(memory) : Json(nullptr)},
                     {"stages", std::move(stage_array)},
                     {"edges", std::move(edge_array)}};
  return plan.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sluice
