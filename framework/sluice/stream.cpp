// sluice/stream.cpp: the untyped part of connecting.
// SPDX-License-Identifier: MIT
#include <sluice/stream.hpp>

#include <fmt/format.h>

#include <utility>

namespace sluice::detail {
namespace {

StageRole role_of(const Declared& base) {
  if (base.has_output) return StageRole::transform;
  return base.kind == "outlet" ? StageRole::outlet : StageRole::sink;
}

StageDef define(Declared base, StageRole role, TypeKey in, TypeKey out,
                std::unique_ptr<StageMaker> maker) {
  return {.name = std::move(base.name),
          .kind = std::move(base.kind),
          .role = role,
          .options = std::move(base.options),
          .many = base.many,
          .many_reason = std::move(base.many_reason),
          .gathers = base.gathers,
          .finishes = base.finishes,
          .in = in,
          .out = out,
          .maker = std::move(maker)};
}

void check_retry(Graph& graph, const NewStage& stage) {
  if (stage.base.options.on_error.retries == 0 || stage.can_retry) return;
  graph.faults.push_back(fmt::format(
      "stage {}: retry needs an item that is still there, and {} can only be moved; take "
      "it by const reference",
      graph.prefix + stage.base.name, stage.in.key.name));
}

}  // namespace

const std::shared_ptr<Graph>& graph_of(const StreamEnds& ends) {
  if (ends.graph == nullptr) {
    throw PipelineError(
        {"a stream is used after it was moved from; keep the handle that the "
         "next stage returned, or use the stream before moving it"});
  }
  return ends.graph;
}

std::size_t add_stage(const StreamEnds& from, NewStage stage) {
  Graph& graph = *graph_of(from);
  check_retry(graph, stage);
  const StageRole role = role_of(stage.base);
  const std::vector<Origin> origins = graph.behind_stores(from.origins, stage.base.name, stage.in);
  const std::size_t index = graph.add(
      define(std::move(stage.base), role, stage.in.key, stage.out, std::move(stage.maker)));
  graph.connect(origins, index, stage.in, stage.key);
  return index;
}

std::size_t add_source(Graph& graph, Declared base, TypeKey out,
                       std::unique_ptr<StageMaker> maker) {
  return graph.add(
      define(std::move(base), StageRole::source, type_key<NoOutput>(), out, std::move(maker)));
}

StreamEnds ends_of(const std::shared_ptr<Graph>& graph, std::size_t stage) {
  return {graph, {graph->output_of(stage)}};
}

StreamEnds with_policy(const StreamEnds& from, const std::shared_ptr<const FullPolicy>& policy) {
  const std::shared_ptr<Graph>& graph = graph_of(from);
  return {graph, graph->with_policy(from.origins, policy)};
}

StreamEnds merged(StreamEnds first, const StreamEnds& second) {
  Graph& graph = *graph_of(first);
  if (graph_of(second).get() != &graph) {
    graph.faults.push_back("merge: the streams belong to different pipelines");
    return first;
  }
  first.origins.insert(first.origins.end(), second.origins.begin(), second.origins.end());
  return first;
}

}  // namespace sluice::detail
