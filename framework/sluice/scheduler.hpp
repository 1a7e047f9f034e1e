// sluice/scheduler.hpp: decides how many workers each stage gets, on what, with which queues.
//
// The decision is a value: `describe` prints it, run() carries it out, a test can look at it.
// Layer: scheduler. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/graph.hpp>
#include <sluice/options.hpp>
#include <sluice/pipeline.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

/// What the scheduler knows of the machine.
struct Machine {
  std::size_t cores = 1;
  /// The processors this process may use.
  [[nodiscard]] static Machine here();
};

/// What the command line, or a program at run time, lays over a stage's own options.
struct StageOverride {
  std::string stage{};
  std::size_t workers = kAuto;
  std::size_t capacity = kAuto;        ///< no effect on a source
  std::size_t capacity_bytes = kAuto;  ///< no effect on a source
  std::size_t batch = kAuto;
  Carrier carrier = Carrier::automatic;
};

struct PlannedStage {
  std::string name{};
  std::string kind{};
  detail::StageRole role = detail::StageRole::transform;
  std::string in_type{};
  std::string out_type{};
  bool keyed = false;  ///< items are partitioned by key
  std::size_t workers = 1;
  Carrier carrier = Carrier::thread;
  Order order = Order::none;
  std::size_t window = 0;  ///< items of several workers that keep an order, in progress or finished
  std::size_t batch = 1;
  std::size_t depth = 0;  ///< longest way from a source
  std::string why{};      ///< what was chosen for unset options, and why
};

struct PlannedEdge {
  std::size_t to = 0;                   ///< index of the stage it feeds
  std::vector<std::size_t> from{};      ///< indices of the stages that feed it
  std::vector<std::string> adaptors{};  ///< per `from`: route, key_by
  std::string name{};                   ///< from->to
  std::size_t capacity = 0;             ///< items
  std::size_t lanes = 1;
  std::size_t capacity_bytes = 0;    ///< 0: no such bound
  detail::ItemWeight item_weight{};  ///< what bounds in bytes count for an item
};

struct Plan {
  std::string pipeline{};
  Machine machine{};
  std::vector<PlannedStage>
      stages{};                      ///< in the order of definition, sources before what they feed
  std::vector<PlannedEdge> edges{};  ///< one per stage with input, in the order of stages
  std::size_t memory = 0;            ///< bytes that all items of the run may hold together; 0: any

  /// Text for people: stages, edges, options, reasons.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string json() const;
  [[nodiscard]] std::string dot() const;  ///< for Graphviz
  [[nodiscard]] std::string mermaid() const;
};

/// Capacity of an edge when nothing else is said, in items.
inline constexpr std::size_t kDefaultCapacity = 1024;
/// And that of an edge to or from processes whose items are of a fixed size of at most kSmallItem bytes; so many
/// a process is lent at most, too. Its ends are three or four parties, so a sleep costs more than elsewhere.
inline constexpr std::size_t kSmallItemCapacity = 4096;
inline constexpr std::size_t kSmallItem = 64;

/// `memory` is RunOptions::memory. Throws PipelineError with all faults, those of the overrides included.
[[nodiscard]] Plan plan(const Pipeline& pipeline, const Machine& machine = Machine::here(),
                        const std::vector<StageOverride>& overrides = {},
                        std::size_t memory = kAuto);

}  // namespace sluice
