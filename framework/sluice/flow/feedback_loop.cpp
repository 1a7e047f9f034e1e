// sluice/flow/feedback_loop.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/feedback_loop.hpp>

#include <sluice/flow/worker_state.hpp>

namespace sluice::detail {

void FeedbackLoop::exit_ended() noexcept {
  // Relaxed: only who comes last matters.
  if (exits_.fetch_sub(1, std::memory_order_relaxed) != 1) return;
  for (StageState* stage : stages_) end_stage_early(*stage);
}

void FeedbackLoop::end_if_quiet() noexcept {
  // sync-point loop-quiet: the look, which also sees all that those who ended have put.
  if (outside_.load(std::memory_order_seq_cst) != 0) return;
  const std::optional<std::uint64_t> first = puts_if_quiet();
  if (!first || puts_if_quiet() != first) return;
  for (EdgeBase* back : backs_) {
    for (std::size_t i = 0; i < back->lanes(); ++i) back->lane(i).close();
  }
}

// All puts so far, when every edge was found without an unfinished item.
std::optional<std::uint64_t> FeedbackLoop::puts_if_quiet() const noexcept {
  std::uint64_t sum = 0;
  for (EdgeBase* edge : edges_) {
    for (std::size_t i = 0; i < edge->lanes(); ++i) {
      std::uint64_t puts = 0;
      if (!edge->lane(i).quiet(puts)) return std::nullopt;
      sum += puts;
    }
  }
  return sum;
}

}  // namespace sluice::detail
