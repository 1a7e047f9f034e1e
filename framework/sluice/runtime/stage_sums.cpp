// sluice/runtime/stage_sums.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/stage_sums.hpp>

#include <sluice/runtime/run_state.hpp>

#include <algorithm>

namespace sluice::detail {

EdgeSums sum_queues(EdgeBase& edge) noexcept {
  EdgeSums sums;
  for (std::size_t i = 0; i < edge.lanes(); ++i) {
    const QueueCore& lane = edge.lane(i);
    sums.put += lane.put_count();
    sums.done += lane.done_count();
    sums.dropped += lane.dropped_count();
    sums.queued += lane.size();
    sums.high_water = std::max<std::uint64_t>(sums.high_water, lane.high_water());
    sums.queued_bytes += lane.size_bytes();
    sums.high_water_bytes = std::max<std::uint64_t>(sums.high_water_bytes, lane.high_water_bytes());
  }
  if (const std::size_t each = edge.fixed_weight(); each != 0) {
    sums.queued_bytes = sums.queued * each;
    sums.high_water_bytes = sums.high_water * each;
  }
  return sums;
}

std::uint64_t sum_stage(const RunState& run, std::size_t stage, Count count) noexcept {
  std::uint64_t sum = 0;
  const RunState::Range range = run.workers_of(stage);
  for (std::size_t i = range.first; i < range.last; ++i) {
    sum += run.workers()[i]->state.counts[count];
  }
  const auto& endpoint = run.endpoint_of(stage);
  if (endpoint != nullptr) sum += endpoint->state().counts[count];
  return sum;
}

std::uint64_t sum_into(const RunState& run, const EdgeBase& edge, Count count) noexcept {
  std::uint64_t sum = 0;
  for (const auto& worker : run.workers()) {
    for (std::size_t b = 0; b < worker->body->branches(); ++b) {
      const BranchCounts& branch = worker->body->branch(b);
      if (branch.edge == &edge) sum += branch.counts[count];
    }
  }
  for (const auto& endpoint : run.endpoints()) {
    if (endpoint != nullptr && endpoint->branch().edge == &edge) {
      sum += endpoint->branch().counts[count];
    }
  }
  return sum;
}

std::uint64_t sum_branch(const RunState& run, std::size_t connection, Count count) noexcept {
  const std::vector<Connection>& all = run.graph().connections;
  const std::size_t from = all[connection].from;
  const auto of_same = [from](const Connection& other) { return other.from == from; };
  const auto at = all.begin() + static_cast<std::ptrdiff_t>(connection);
  const auto place = static_cast<std::size_t>(std::count_if(all.begin(), at, of_same));
  const auto outputs = static_cast<std::size_t>(std::count_if(all.begin(), all.end(), of_same));
  std::uint64_t sum = 0;
  const RunState::Range range = run.workers_of(from);
  for (std::size_t i = range.first; i < range.last; ++i) {
    const StepBody& body = *run.workers()[i]->body;
    // A stage that keeps an order has ports with the same outputs in its window's slots.
    for (std::size_t b = place; b < body.branches(); b += outputs) {
      sum += body.branch(b).counts[count];
    }
  }
  return sum;
}

const StoreGauge* store_of(const RunState& run, std::size_t stage) noexcept {
  const RunState::Range range = run.workers_of(stage);
  return range.first == range.last ? nullptr : run.workers()[range.first]->body->store();
}

std::uint64_t sum_out_of(const RunState& run, std::size_t stage, Count count) noexcept {
  std::uint64_t sum = 0;
  const RunState::Range range = run.workers_of(stage);
  for (std::size_t i = range.first; i < range.last; ++i) {
    const StepBody& body = *run.workers()[i]->body;
    for (std::size_t b = 0; b < body.branches(); ++b) sum += body.branch(b).counts[count];
  }
  return sum;
}

}  // namespace sluice::detail
