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
using detail::Overflow;
using detail::StageDef;
using detail::StageRole;

// Items per step at most; the worker takes fewer as its service time grows (runtime/worker.cpp).
constexpr std::size_t kThreadBatch = 64;
constexpr std::size_t kPoolBatch = 256;
// Leases of a worker process at most; it holds fewer as its service time grows (flow/remote_loop.cpp).
constexpr std::size_t kProcessBatch = 1024;

bool has_input(StageRole role) { return role != StageRole::source; }

void override_stage(StageDef& def, const StageOverride& over) {
  if (over.workers != kAuto) def.options.workers = over.workers;
  if (over.capacity != kAuto) def.options.capacity = over.capacity;
  if (over.capacity_bytes != kAuto) def.options.capacity_bytes = over.capacity_bytes;
  if (over.batch != kAuto) def.options.batch = over.batch;
  if (over.carrier != Carrier::automatic) def.options.carrier = over.carrier;
}

void check_override(const StageDef& def, const StageOverride& over,
                    std::vector<std::string>& faults) {
  const bool single = def.role == StageRole::source || def.role == StageRole::inlet || def.stores;
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
  if (def.stores) {
    why += fmt::format("pool: a {} takes items while it waits for room; ", def.kind);
    return Carrier::pool;
  }
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

// Without side effects and state, a stage's work may be shared by all cores and its order kept.
bool may_multiply(const StageDef& def, bool keyed) {
  return def.options.workers == kAuto && def.options.pure && def.many && !def.gathers &&
         !def.options.streaming && !keyed && def.role == StageRole::transform;
}

Order effective_order(const StageDef& def, bool multiplied) {
  const Order wanted = def.options.order;
  if (wanted == Order::automatic) return multiplied ? Order::keep : Order::none;
  return wanted;
}

void choose_workers(const StageDef& def, bool keyed, const Machine& machine, PlannedStage& stage,
                    std::string& why) {
  const bool multiplied = may_multiply(def, keyed);
  stage.workers = def.options.workers;
  if (multiplied) {
    stage.workers = machine.cores;
    why += fmt::format("{} workers: it is pure, one per core; ", stage.workers);
  } else if (def.options.workers == kAuto) {
    stage.workers = 1;
    why += "1 worker unless told otherwise; ";
  }
  stage.order = effective_order(def, multiplied);
  if (stage.workers > 1 && stage.order == Order::none) why += "order none: several workers; ";
}

PlannedStage plan_stage(const StageDef& def, bool keyed, const Machine& machine) {
  PlannedStage stage{.name = def.name,
                     .kind = def.kind,
                     .role = def.role,
                     .in_type = std::string(def.in.name),
                     .out_type = std::string(def.out.name),
                     .keyed = keyed};
  std::string why;
  stage.carrier = choose_carrier(def, why);
  choose_workers(def, keyed, machine, stage, why);
  stage.batch = def.options.batch;
  if (stage.batch == kAuto) {
    stage.batch = stage.carrier == Carrier::pool      ? kPoolBatch
                  : stage.carrier == Carrier::process ? kProcessBatch
                                                      : kThreadBatch;
  }
  if (!why.empty()) why.resize(why.size() - 2);
  stage.why = std::move(why);
  return stage;
}

bool is_small(const detail::ItemWeight& item) {
  return item.fixed && item.size > 0 && item.size <= kSmallItem;
}

// Of the edge's ends all are planned.
void choose_capacity(const StageDef& def, Plan& plan, PlannedEdge& edge) {
  const auto in_process = [&plan](std::size_t stage) {
    return plan.stages[stage].carrier == Carrier::process;
  };
  const bool meets_process =
      in_process(edge.to) || std::any_of(edge.from.begin(), edge.from.end(), in_process);
  const bool longer = meets_process && is_small(edge.item_weight);
  if (def.options.capacity != kAuto) {
    edge.capacity = def.options.capacity;
  } else {
    edge.capacity = longer ? kSmallItemCapacity : kDefaultCapacity;
  }
  if (longer && in_process(edge.to) && def.options.batch == kAuto) {
    plan.stages[edge.to].batch =
        std::max(kProcessBatch, std::min(edge.capacity, kSmallItemCapacity));
  }
}

bool is_keyed(const Graph& graph, std::size_t stage) {
  return std::any_of(graph.connections.begin(), graph.connections.end(),
                     [&](const Connection& c) { return c.to == stage && c.keyed; });
}

void connect(const Graph& graph, Plan& plan) {
  for (std::size_t to = 0; to < graph.stages.size(); ++to) {
    const StageDef& def = graph.stages[to];
    if (!has_input(def.role)) continue;
    PlannedEdge edge{.to = to};
    if (def.options.capacity_bytes != kAuto) edge.capacity_bytes = def.options.capacity_bytes;
    if (def.maker != nullptr) edge.item_weight = def.maker->weight();
    std::vector<std::string> names;
    for (const Connection& connection : graph.connections) {
      if (connection.to != to) continue;
      edge.from.push_back(connection.from);
      edge.adaptors.push_back(connection.adaptors);
      names.push_back(graph.stages[connection.from].name);
      PlannedStage& stage = plan.stages[to];
      stage.depth = std::max(stage.depth, plan.stages[connection.from].depth + 1);
    }
    if (def.role == StageRole::inlet) names.emplace_back("application");
    edge.name = fmt::format("{}->{}", fmt::join(names, "+"), def.name);
    choose_capacity(def, plan, edge);
    if (plan.stages[to].keyed) {
      edge.lanes = plan.stages[to].workers;
      edge.capacity = std::max(edge.capacity, edge.lanes);
    }
    plan.edges.push_back(std::move(edge));
  }
}

bool reorders(const PlannedStage& stage) { return stage.order == Order::keep && stage.workers > 1; }

bool feeds(const PlannedEdge& edge, std::size_t stage) {
  return std::count(edge.from.begin(), edge.from.end(), stage) > 0;
}

// A window takes half of the shortest edge behind its stage, and an item per worker at least. What waits
// for its turn waits for that edge: the window's slots are taken from its capacity.
void plan_window(Plan& plan, std::size_t index) {
  constexpr std::size_t kMost = 1024;
  PlannedStage& stage = plan.stages[index];
  std::size_t window = kMost;
  for (const PlannedEdge& edge : plan.edges) {
    if (feeds(edge, index)) window = std::min(window, edge.capacity / 2);
  }
  stage.window = std::max(window, stage.workers);
  for (PlannedEdge& edge : plan.edges) {
    if (!feeds(edge, index) || edge.capacity == unbounded) continue;
    const std::size_t left = edge.capacity - std::min(edge.capacity, stage.window);
    edge.capacity = std::max(left, edge.lanes);
  }
  stage.why += fmt::format("{}window of {}, taken from the capacity behind it",
                           stage.why.empty() ? "" : "; ", stage.window);
}

void plan_windows(Plan& plan) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    if (reorders(plan.stages[i])) plan_window(plan, i);
  }
}

void check_order(const Graph& graph, const Plan& plan, std::vector<std::string>& faults) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const PlannedStage& stage = plan.stages[i];
    if (stage.order == Order::per_key && !stage.keyed && stage.workers > 1) {
      faults.push_back(fmt::format(
          "stage {}: order is per_key, but its input has no key; put key_by before it, or keep the "
          "order of all items",
          stage.name));
    }
    if (!reorders(stage)) continue;
    if (stage.role == StageRole::sink) {
      faults.push_back(
          fmt::format("stage {}: order is keep, but it has no outputs; with {} workers its items "
                      "are used in no "
                      "order, with 1 in theirs",
                      stage.name, stage.workers));
    }
    if (stage.keyed) {
      faults.push_back(fmt::format(
          "stage {}: order is keep, but its input is keyed, so every worker has items of its own; "
          "order per_key keeps what can be kept",
          stage.name));
    }
    if (graph.stages[i].gathers) {
      faults.push_back(fmt::format(
          "stage {}: order is keep, but each of its {} workers gathers items of its own; use 1 "
          "worker or no order",
          stage.name, stage.workers));
    }
    if (graph.stages[i].options.streaming) {
      faults.push_back(fmt::format(
          "stage {}: order is keep and it is streaming, with {} workers; use 1 worker or no order",
          stage.name, stage.workers));
    }
  }
}

// Dropping what is queued takes the decision from other branches, and numbers from the items.
void check_overflow(const Graph& graph, const Plan& plan, std::vector<std::string>& faults) {
  for (const PlannedEdge& edge : plan.edges) {
    const PlannedStage& stage = plan.stages[edge.to];
    bool drops_oldest = false;
    const Connection* other = nullptr;
    for (const Connection& connection : graph.connections) {
      if (connection.to != edge.to) continue;
      if (connection.overflow == Overflow::drop_oldest) {
        drops_oldest = true;
      } else {
        other = &connection;
      }
    }
    if (!drops_oldest) continue;
    if (other != nullptr) {
      faults.push_back(
          fmt::format("stage {}: drop_oldest would drop items of {}, whose branch is {}; give all "
                      "branches into "
                      "it drop_oldest, or this one drop_newest",
                      stage.name, graph.stages[other->from].name, to_string(other->overflow)));
    }
    if (reorders(stage)) {
      faults.push_back(
          fmt::format("stage {}: drop_oldest makes gaps in the order that its {} workers keep; use "
                      "drop_newest, "
                      "1 worker, or no order",
                      stage.name, stage.workers));
    }
  }
}

}  // namespace

Machine Machine::here() { return {.cores = std::max(1U, detail::usable_cpus())}; }

Plan plan(const Pipeline& pipeline, const Machine& machine,
          const std::vector<StageOverride>& overrides, std::size_t memory) {
  const Graph graph = overridden(pipeline.graph(), overrides);
  std::vector<std::string> faults = graph.check();
  if (memory == 0) {
    faults.emplace_back("the memory budget is 0 bytes; give at least 1, or leave it out for none");
  }
  if (!faults.empty()) throw PipelineError(std::move(faults));
  Plan plan{.pipeline = graph.name, .machine = machine, .stages = {}, .edges = {}};
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    plan.stages.push_back(plan_stage(graph.stages[i], is_keyed(graph, i), machine));
  }
  connect(graph, plan);
  check_order(graph, plan, faults);
  check_overflow(graph, plan, faults);
  if (!faults.empty()) throw PipelineError(std::move(faults));
  plan_windows(plan);
  if (memory != kAuto) plan.memory = memory;
  return plan;
}

}  // namespace sluice
