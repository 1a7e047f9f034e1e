// sluice/flow/graph.cpp: building and checking a pipeline's graph.
// SPDX-License-Identifier: MIT
#include <sluice/flow/graph.hpp>

#include <sluice/stage.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::detail {

StageOptions stage_options(const SinkOptions& options) {
  return {.workers = options.workers,
          .carrier = options.carrier,
          .capacity = options.capacity,
          .capacity_bytes = options.capacity_bytes,
          .batch = options.batch,
          .blocking = options.blocking,
          .soft_timeout = options.soft_timeout,
          .process = options.process,
          .on_error = options.on_error};
}

StageOptions stage_options(const SourceOptions& options) {
  return {.carrier = options.carrier,
          .batch = options.batch,
          .blocking = options.blocking,
          .streaming = options.streaming,
          .on_error = options.on_error};
}

const char* to_string(Overflow overflow) noexcept {
  switch (overflow) {
    case Overflow::block:
      return "block";
    case Overflow::drop_newest:
      return "drop_newest";
    case Overflow::drop_oldest:
      return "drop_oldest";
  }
  return "unknown";
}

std::size_t Graph::add(StageDef def) {
  if (!def.name.empty()) def.name = prefix + def.name;
  stages.push_back(std::move(def));
  return stages.size() - 1;
}

std::size_t Graph::add_end(std::size_t stage, std::string what) {
  ends.push_back({stage, std::move(what), false});
  return ends.size() - 1;
}

Origin Graph::output_of(std::size_t stage) {
  return {.stage = stage, .end = add_end(stage, "its output")};
}

// Handles can be copied and found by name, so only here is it known that a stream of items that can't
// be copied has a second consumer.
void Graph::use(const Origin& origin, const ItemType& item) {
  OpenEnd& end = ends[origin.end];
  if (end.used && !end.what.empty() && !item.copyable) {
    faults.push_back(
        fmt::format("stage {}: {} carries {}, which can only be moved, and has more than one "
                    "consumer",
                    stages[origin.stage].name, end.what, item.key.name));
  }
  end.used = true;
}

void Graph::connect(const std::vector<Origin>& origins, std::size_t to, const ItemType& item,
                    const std::shared_ptr<const Selector>& key) {
  for (const Origin& origin : origins) {
    use(origin, item);
    std::string adaptors = origin.adaptors;
    if (key != nullptr) adaptors += adaptors.empty() ? "key_by" : ", key_by";
    const Overflow overflow = origin.policy == nullptr ? Overflow::block : origin.policy->overflow;
    connections.push_back({.from = origin.stage,
                           .to = to,
                           .selector = in_a_row(origin.selector, key),
                           .adaptors = std::move(adaptors),
                           .keyed = key != nullptr,
                           .overflow = overflow});
  }
}

std::vector<Origin> Graph::arm_of(std::vector<Origin> origins, std::size_t arm,
                                  const std::shared_ptr<const Selector>& selector) {
  const std::string label = fmt::format("route arm {}", arm);
  for (Origin& origin : origins) {
    origin.end = add_end(origin.stage, label);
    origin.selector = in_a_row(origin.selector, selector);
    origin.adaptors += (origin.adaptors.empty() ? "" : ", ") + label;
  }
  return origins;
}

std::vector<Origin> Graph::with_policy(std::vector<Origin> origins,
                                       const std::shared_ptr<const FullPolicy>& policy) {
  for (Origin& origin : origins) {
    if (origin.policy != nullptr) {
      faults.push_back(
          fmt::format("stage {}: its output has two policies for a full edge, {} and {}; give a "
                      "branch one",
                      stages[origin.stage].name, origin.policy->name, policy->name));
    }
    origin.policy = policy;
    origin.adaptors += (origin.adaptors.empty() ? "when_full " : ", when_full ") + policy->name;
  }
  if (!origins.empty() && !policy->fault.empty()) {
    faults.push_back(fmt::format("stage {}: its output can't be kept by when_full(spill()): {}",
                                 stages[origins.front().stage].name, policy->fault));
  }
  return origins;
}

std::vector<Origin> Graph::behind_stores(const std::vector<Origin>& origins,
                                         const std::string& consumer, const ItemType& item) {
  struct Made {
    const FullPolicy* policy;
    std::vector<Origin> origins;
  };
  std::vector<Made> stores;
  std::vector<Origin> seen;
  for (const Origin& origin : origins) {
    if (origin.policy == nullptr || origin.policy->store == nullptr) {
      seen.push_back(origin);
      continue;
    }
    const auto same = std::find_if(stores.begin(), stores.end(), [&](const Made& made) {
      return made.policy == origin.policy.get();
    });
    if (same == stores.end()) {
      stores.push_back({origin.policy.get(), {origin}});
    } else {
      same->origins.push_back(origin);
    }
  }
  for (std::size_t i = 0; i < stores.size(); ++i) {
    const std::size_t stage =
        add({.name = consumer + (i == 0 ? "/spill" : fmt::format("/spill-{}", i + 1)),
             .kind = "spill",
             .many = false,
             .many_reason = "what a branch spills has 1 worker, which keeps its order",
             .stores = true,
             .in = item.key,
             .out = item.key,
             .maker = stores[i].policy->store});
    connect(stores[i].origins, stage, item, nullptr);
    seen.push_back(output_of(stage));
  }
  return seen;
}

std::size_t Graph::find(const std::string& stage) const {
  std::size_t index = 0;
  while (index < stages.size() && stages[index].name != stage) ++index;
  return index;
}

namespace {

// Only what keeps nothing of its items may run where a death takes everything along.
std::string process_refusal(const StageDef& def) {
  if (def.role == StageRole::source) return "a source stays in the coordinating process";
  if (def.feedback) return "a feedback stays in the coordinating process";
  if (def.role == StageRole::inlet || def.role == StageRole::outlet) {
    return "application code is at its other end";
  }
  if (def.gathers) return "its outputs hold what several items brought, which would die with it";
  if (def.options.streaming) {
    return "it is streaming, and what a process emits is published with its item or not at all";
  }
  return def.maker == nullptr ? "" : def.maker->process_refusal();
}

void check_process(const StageDef& def, std::vector<std::string>& faults) {
  const ProcessOptions& options = def.options.process;
  if (const std::string why = process_refusal(def); !why.empty()) {
    faults.push_back(fmt::format(
        "stage {}: it can't run on carrier process: {}; use thread or pool", def.name, why));
  }
  if (options.attempts == 0) {
    faults.push_back(fmt::format("stage {}: process.attempts is 0; give at least 1", def.name));
  }
  if (options.timeout.count() < 0) {
    faults.push_back(fmt::format(
        "stage {}: process.timeout is negative; give a time, or leave it out for none", def.name));
  }
}

void check_options(const StageDef& def, std::vector<std::string>& faults) {
  const StageOptions& options = def.options;
  if (options.workers == 0) {
    faults.push_back(fmt::format("stage {}: workers is 0; give at least 1", def.name));
  }
  if (options.capacity == 0) {
    faults.push_back(fmt::format("stage {}: capacity is 0; give at least 1", def.name));
  }
  if (options.capacity_bytes == 0) {
    faults.push_back(fmt::format(
        "stage {}: capacity_bytes is 0; give at least 1, or leave it out for no such bound",
        def.name));
  }
  if (options.batch == 0) {
    faults.push_back(fmt::format("stage {}: batch is 0; give at least 1", def.name));
  }
  if (options.workers != kAuto && options.workers > 1 && !def.many) {
    faults.push_back(
        fmt::format("stage {}: workers is {}, but {}", def.name, options.workers, def.many_reason));
  }
  if (options.carrier == Carrier::process) check_process(def, faults);
  if (options.soft_timeout.count() < 0) {
    faults.push_back(fmt::format(
        "stage {}: soft_timeout is negative; give a time, or leave it out for none", def.name));
  }
  if (def.feedback && options.carrier == Carrier::thread) {
    faults.push_back(fmt::format(
        "stage {}: a feedback waits for items and for room at once, which only the pool can do",
        def.name));
  }
  if (def.stores && !def.feedback && options.carrier == Carrier::thread) {
    faults.push_back(
        fmt::format("stage {}: what is spilled waits for items and for room at once, which only "
                    "the pool can do",
                    def.name));
  }
  if (options.streaming && options.carrier == Carrier::pool) {
    faults.push_back(fmt::format(
        "stage {}: a streaming stage may block and can't run on the pool; use thread", def.name));
  }
  if (options.streaming && options.on_error.retries > 0) {
    faults.push_back(
        fmt::format("stage {}: a streaming stage can't be retried, its outputs are out; use "
                    "skip or dead_letter",
                    def.name));
  }
}

}  // namespace

NameScope::NameScope(Graph& graph, std::string_view name)
    : graph_(&graph), outer_(graph.prefix.size()) {
  if (name.empty() || name.find('/') != name.npos) {
    throw UsageError(fmt::format(
        "nest \"{}\": give a name, and without a slash; nested calls add the slashes", name));
  }
  graph.prefix.append(name).push_back('/');
}
NameScope::~NameScope() { graph_->prefix.resize(outer_); }

namespace {

// The stages that are reached from `stage` along connections, or against them.
std::vector<bool> reached(const Graph& graph, std::size_t stage, bool forward) {
  std::vector<bool> seen(graph.stages.size());
  std::vector<std::size_t> open{stage};
  while (!open.empty()) {
    const std::size_t at = open.back();
    open.pop_back();
    for (const Connection& connection : graph.connections) {
      const std::size_t here = forward ? connection.from : connection.to;
      const std::size_t there = forward ? connection.to : connection.from;
      if (here != at || seen[there]) continue;
      seen[there] = true;
      open.push_back(there);
    }
  }
  return seen;
}

void check_feedback(const Graph& graph, std::size_t stage, std::vector<std::string>& faults) {
  const std::string& name = graph.stages[stage].name;
  const bool fed = std::any_of(graph.connections.begin(), graph.connections.end(),
                               [&](const Connection& c) { return c.to == stage; });
  const std::vector<std::size_t> loop = graph.loop_of(stage);
  if (!fed) {
    faults.push_back(fmt::format(
        "feedback {}: nothing is put back; call put_back(), or leave the feedback out", name));
  } else if (loop.empty()) {
    faults.push_back(fmt::format(
        "feedback {}: what comes from it does not lead back to it; merge its items() into the "
        "stream whose stages put items back",
        name));
  }
  for (const std::size_t inside : loop) {
    const StageDef& def = graph.stages[inside];
    if (!def.gathers && !def.finishes) continue;
    faults.push_back(fmt::format(
        "stage {}: it {} inside the loop of feedback {}, which ends before that; do it behind the "
        "loop",
        def.name, def.gathers ? "gathers items" : "has a finish() that may emit", name));
  }
}

}  // namespace

std::vector<std::size_t> Graph::loop_of(std::size_t stage) const {
  const std::vector<bool> after = reached(*this, stage, true);
  const std::vector<bool> before = reached(*this, stage, false);
  std::vector<std::size_t> loop;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (after[i] && before[i]) loop.push_back(i);
  }
  return loop;
}

std::vector<std::string> Graph::check() const {
  std::vector<std::string> all = faults;
  if (stages.empty()) all.push_back("the pipeline has no stages; add a source");
  std::set<std::string> names;
  for (const StageDef& def : stages) {
    if (def.name.empty()) {
      all.push_back(fmt::format("a {} has no name; every stage needs one", def.kind));
    } else if (!names.insert(def.name).second) {
      all.push_back(fmt::format("stage {}: the name is used twice; names are unique", def.name));
    }
    check_options(def, all);
  }
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (stages[i].feedback) check_feedback(*this, i, all);
  }
  for (const OpenEnd& end : ends) {
    if (!end.used && !end.what.empty()) {
      all.push_back(fmt::format("stage {}: {} is not connected; add a stage or a sink",
                                stages[end.stage].name, end.what));
    }
  }
  return all;
}

}  // namespace sluice::detail
