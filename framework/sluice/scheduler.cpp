// sluice/scheduler.cpp: from a graph, a machine and overrides to a plan.
// SPDX-License-Identifier: MIT
#include <sluice/scheduler.hpp>

#include <sluice/os/cpu.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

using detail::Connection;
using detail::Graph;
using detail::StageDef;
using detail::StageRole;

// Items per step at most; the worker takes fewer as its service time grows (runtime/worker.cpp).
constexpr std::size_t kThreadBatch = 64;
constexpr std::size_t kPoolBatch = 256;

bool has_input(StageRole role) { return role != StageRole::source; }

void override_stage(StageDef& def, const StageOverride& over) {
  if (over.workers != kAuto) def.options.workers = over.workers;
  if (over.capacity != kAuto) def.options.capacity = over.capacity;
  if (over.batch != kAuto) def.options.batch = over.batch;
  if (over.carrier != Carrier::automatic) def.options.carrier = over.carrier;
}

void check_override(const StageDef& def, const StageOverride& over,
                    std::vector<std::string>& faults) {
  const bool single = def.role == StageRole::source || def.role == StageRole::inlet;
  if (single && over.workers != kAuto && over.workers != 1) {
    faults.push_back(fmt::format("stage {}: a {} has exactly 1 worker, not {}", def.name, def.kind,
                                 over.workers));
  }
}

// The graph with the overrides laid over it; faults are appended to those of the graph.
Graph overridden(const Graph& graph, const std::vector<StageOverride>& overrides) {
  Graph copy = graph;
  for (const StageOverride& over : overrides) {
    const std::size_t index = copy.find(over.stage);
    if (index == copy.stages.size()) {
      std::vector<std::string> names;
      for (const StageDef& def : copy.stages) names.push_back(def.name);
      copy.faults.push_back(fmt::format("stage {}: there is no stage of that name; there are {}",
                                        over.stage, fmt::join(names, ", ")));
      continue;
    }
    check_override(copy.stages[index], over, copy.faults);
    override_stage(copy.stages[index], over);
  }
  return copy;
}

Carrier choose_carrier(const StageDef& def, std::string& why) {
  if (def.options.carrier != Carrier::automatic) return def.options.carrier;
  if (def.role == StageRole::outlet) return Carrier::thread;
  if (def.role == StageRole::source) {
    why += "thread: a source may block; ";
    return Carrier::thread;
  }
  if (def.options.streaming) {
    why += "thread: it is streaming, so emit may block; ";
    return Carrier::thread;
  }
  if (def.options.blocking) {
    why += "thread: it is marked blocking; ";
    return Carrier::thread;
  }
  why += "pool: it neither is a source nor blocks; ";
  return Carrier::pool;
}

PlannedStage plan_stage(const StageDef& def) {
  PlannedStage stage{.name = def.name,
                     .kind = def.kind,
                     .role = def.role,
                     .in_type = std::string(def.in.name),
                     .out_type = std::string(def.out.name)};
  std::string why;
  stage.carrier = choose_carrier(def, why);
  stage.workers = def.options.workers == kAuto ? 1 : def.options.workers;
  if (def.options.workers == kAuto) why += "1 worker unless told otherwise; ";
  stage.order = def.options.order == Order::keep ? Order::keep : Order::none;
  if (stage.workers > 1 && stage.order == Order::none) why += "order none: several workers; ";
  stage.batch = def.options.batch;
  if (stage.batch == kAuto) {
    stage.batch = stage.carrier == Carrier::pool ? kPoolBatch : kThreadBatch;
  }
  if (!why.empty()) why.resize(why.size() - 2);
  stage.why = std::move(why);
  return stage;
}

void connect(const Graph& graph, Plan& plan) {
  for (std::size_t to = 0; to < graph.stages.size(); ++to) {
    const StageDef& def = graph.stages[to];
    if (!has_input(def.role)) continue;
    PlannedEdge edge{.to = to};
    edge.capacity = def.options.capacity == kAuto ? kDefaultCapacity : def.options.capacity;
    std::vector<std::string> names;
    for (const Connection& connection : graph.connections) {
      if (connection.to != to) continue;
      edge.from.push_back(connection.from);
      edge.adaptors.push_back(connection.adaptors);
      names.push_back(graph.stages[connection.from].name);
      PlannedStage& stage = plan.stages[to];
      stage.keyed = stage.keyed || connection.keyed;
      stage.depth = std::max(stage.depth, plan.stages[connection.from].depth + 1);
    }
    if (def.role == StageRole::inlet) names.emplace_back("application");
    edge.name = fmt::format("{}->{}", fmt::join(names, "+"), def.name);
    if (plan.stages[to].keyed) {
      edge.lanes = plan.stages[to].workers;
      edge.capacity = std::max(edge.capacity, edge.lanes);
    }
    plan.edges.push_back(std::move(edge));
  }
}

// As many items as fit into the shortest edge behind the stage, and one per worker at least.
void plan_windows(Plan& plan) {
  constexpr std::size_t kMost = 1024;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    PlannedStage& stage = plan.stages[i];
    if (stage.order != Order::keep || stage.workers < 2) continue;
    std::size_t window = kMost;
    for (const PlannedEdge& edge : plan.edges) {
      if (std::count(edge.from.begin(), edge.from.end(), i) > 0) {
        window = std::min(window, edge.capacity);
      }
    }
    stage.window = std::max(window, stage.workers);
  }
}

void check_order(const Graph& graph, const Plan& plan, std::vector<std::string>& faults) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const PlannedStage& stage = plan.stages[i];
    if (stage.order != Order::keep || stage.workers < 2) continue;
    if (stage.keyed) {
      faults.push_back(fmt::format(
          "stage {}: order is keep, but its input is keyed, so every worker has items of its own; "
          "items of one key keep their order without it",
          stage.name));
    }
    if (graph.stages[i].options.streaming) {
      faults.push_back(fmt::format(
          "stage {}: order is keep and it is streaming, with {} workers; use 1 worker or no order",
          stage.name, stage.workers));
    }
  }
}

}  // namespace

Machine Machine::here() { return {.cores = std::max(1U, detail::usable_cpus())}; }

Plan plan(const Pipeline& pipeline, const Machine& machine,
          const std::vector<StageOverride>& overrides) {
  const Graph graph = overridden(pipeline.graph(), overrides);
  std::vector<std::string> faults = graph.check();
  if (!faults.empty()) throw PipelineError(std::move(faults));
  Plan plan{.pipeline = graph.name, .machine = machine, .stages = {}, .edges = {}};
  for (const StageDef& def : graph.stages) plan.stages.push_back(plan_stage(def));
  connect(graph, plan);
  check_order(graph, plan, faults);
  if (!faults.empty()) throw PipelineError(std::move(faults));
  plan_windows(plan);
  return plan;
}

}  // namespace sluice
