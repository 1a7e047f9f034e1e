// sluice/flow/feedback_loop.hpp: the stages of a cycle, and when nothing is on its way in them any more.
//
// A credit is one unfinished item on an edge of the loop. Outputs are accepted before their item is settled,
// so a loop whose edges have no unfinished item holds nothing anywhere, but for what a stage has absorbed
// (stages that gather are refused in a loop).
//
// (1) Exact. The loop has ended when all who feed it from outside have ended, and then two looks at all its
//     edges find nothing unfinished and between them nothing was put: at the moment between both looks no edge
//     had an unfinished item, and nobody can put one any more.
// (2) Not missed, by sync-point loop-quiet: whoever settles the last item of an edge, or ends a worker that
//     feeds the loop, looks afterwards. Settling, putting, ending and looking are all seq_cst, so the last one
//     of them sees that all is quiet.
// (3) Ending means closing the input edges of the feedback stages: they drain, end, and the rest of the loop
//     closes behind them as in any pipeline. What finish callbacks still emit into the loop is refused, and
//     counted.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/edge.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::detail {

class FeedbackLoop {
 public:
  /// An input edge of a stage in the loop. Add all before the run starts.
  /// `inside`: how many workers of the loop itself feed it.
  void add_edge(EdgeBase& edge, std::size_t inside) { edges_.push_back({&edge, inside}); }
  /// An input edge of a feedback stage, added as an edge, too.
  void add_back(EdgeBase& edge) { backs_.push_back(&edge); }

  /// Threads  any.
  void end_if_quiet() noexcept;

 private:
  struct LoopEdge {
    EdgeBase* edge;
    std::size_t inside;
  };
  [[nodiscard]] bool outside_ended() const noexcept;
  [[nodiscard]] std::optional<std::uint64_t> puts_if_quiet() const noexcept;

  std::vector<LoopEdge> edges_;
  std::vector<EdgeBase*> backs_;
};

}  // namespace sluice::detail
