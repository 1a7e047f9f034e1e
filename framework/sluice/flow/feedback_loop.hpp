// sluice/flow/feedback_loop.hpp: the stages of a cycle, and when nothing is on its way in them any more.
//
// A credit is one unfinished item on an edge of the loop. Outputs are accepted before their item is settled,
// so a loop whose edges have no unfinished item holds nothing anywhere, but for what a stage has absorbed
// (stages that gather are refused in a loop).
//
// (1) Exact. The loop has ended when all workers that feed it from outside have ended, and then two looks at
//     all its edges find nothing unfinished and between them nothing was put: at the moment between both looks
//     no edge had an unfinished item, and nobody can put one any more.
// (2) Not missed, by sync-point loop-quiet: whoever settles the last item of an edge, drops what lies on it, or
//     ends a worker that feeds the loop, looks afterwards. Settling, ending and both looks are seq_cst, so the
//     last one of them sees that all is quiet.
// (3) Ending means closing the input edges of the feedback stages: they drain, end, and the rest of the loop
//     closes behind them as in any pipeline.
// (4) When nobody wants what leaves the loop any more, all its stages end early: each of them still has a
//     consumer, the next one in the circle, so none of them would notice by itself.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/edge.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::detail {

struct StageState;

class FeedbackLoop {
 public:
  // ---- while the run is wired ----------------------------------------------------------------------

  /// A stage of the loop, and its input edge.
  void add_stage(StageState& stage, EdgeBase& edge) {
    stages_.push_back(&stage);
    edges_.push_back(&edge);
  }
  /// The input edge of a feedback stage of the loop.
  void add_back(EdgeBase& edge) { backs_.push_back(&edge); }
  /// Workers outside that feed the loop.
  void add_outside(std::size_t workers) noexcept {
    outside_.fetch_add(workers, std::memory_order_relaxed);
  }
  /// A connection from a stage of the loop to one outside.
  void add_exit() noexcept { exits_.fetch_add(1, std::memory_order_relaxed); }

  // ---- during the run: any thread ------------------------------------------------------------------

  /// A worker that feeds the loop from outside has ended, all it emitted is put.
  void outside_ended() noexcept {
    outside_.fetch_sub(1, std::memory_order_seq_cst);  // sync-point loop-quiet
    end_if_quiet();
  }
  /// The consumer behind an exit has ended early.
  void exit_ended() noexcept;
  void end_if_quiet() noexcept;

 private:
  [[nodiscard]] std::optional<std::uint64_t> puts_if_quiet() const noexcept;

  std::vector<StageState*> stages_;
  std::vector<EdgeBase*> edges_;
  std::vector<EdgeBase*> backs_;
  std::atomic<std::size_t> outside_{0};
  std::atomic<std::size_t> exits_{0};
};

}  // namespace sluice::detail
