// sluice/pipeline.cpp: the untyped part of the builder.
// SPDX-License-Identifier: MIT
#include <sluice/pipeline.hpp>

#include <fmt/format.h>

namespace sluice {

Pipeline::Pipeline(std::string name) : graph_(std::make_shared<detail::Graph>()) {
  graph_->name = std::move(name);
}

// A wrong name or type is kept as a fault; the stream returned in its place hangs on a stage that
// does not exist for the plan, since a pipeline with faults is never planned.
detail::Origin Pipeline::checked_output(const std::string& stage, detail::TypeKey wanted) {
  const std::size_t index = graph_->find(stage);
  if (index == graph_->stages.size()) {
    graph_->faults.push_back(fmt::format("stream {}: there is no stage of that name", stage));
  } else if (graph_->stages[index].out == detail::type_key<NoOutput>()) {
    graph_->faults.push_back(fmt::format("stream {}: that stage has no output", stage));
  } else if (!(graph_->stages[index].out == wanted)) {
    graph_->faults.push_back(fmt::format("stream {}: it carries {}, not {}", stage,
                                         graph_->stages[index].out.name, wanted.name));
  } else {
    std::size_t end = 0;  // a stage with output has one from the start, before those of routes
    while (graph_->ends[end].stage != index) ++end;
    return {.stage = index, .end = end};
  }
  return {.stage = 0, .end = graph_->add_end(0, {})};
}

}  // namespace sluice
