// sluice/flow/feedback_loop.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/feedback_loop.hpp>

#include <algorithm>

namespace sluice::detail {

void FeedbackLoop::end_if_quiet() noexcept {
  if (!outside_ended()) return;
  const std::optional<std::uint64_t> first = puts_if_quiet();
  if (!first || puts_if_quiet() != first) return;
  for (EdgeBase* back : backs_) {
    for (std::size_t i = 0; i < back->lanes(); ++i) back->lane(i).close();
  }
}

bool FeedbackLoop::outside_ended() const noexcept {
  return std::all_of(edges_.begin(), edges_.end(), [](const LoopEdge& loop_edge) {
    return loop_edge.edge->open_producers() <= loop_edge.inside;
  });
}

// All puts so far, when no edge has an unfinished item; each edge's puts are read before.
std::optional<std::uint64_t> FeedbackLoop::puts_if_quiet() const noexcept {
  std::uint64_t puts = 0;
  for (const LoopEdge& loop_edge : edges_) {
    for (std::size_t i = 0; i < loop_edge.edge->lanes(); ++i) {
      const QueueCore& lane = loop_edge.edge->lane(i);
      puts += lane.put_count_in_order();
      if (lane.unfinished() != 0) return std::nullopt;
    }
  }
  return puts;
}

}  // namespace sluice::detail
