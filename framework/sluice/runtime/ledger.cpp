// sluice/runtime/ledger.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/ledger.hpp>

#include <sluice/runtime/run_state.hpp>
#include <sluice/runtime/stage_sums.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>
#include <string>

namespace sluice::detail {
namespace {

class Checker {
 public:
  explicit Checker(const RunState& run) : run_(run) {}

  LedgerReport check() {
    for (const auto& endpoint : run_.endpoints()) {
      if (endpoint != nullptr) endpoint->settle_counts();
    }
    for (std::size_t stage = 0; stage < run_.graph().stages.size(); ++stage) {
      if (run_.edge_into(stage) != nullptr) {
        check_edge(stage);
        check_stage(stage);
      }
      check_branches(stage);
    }
    if (run_.memory() != nullptr) check_memory();
    report_.balanced = report_.faults.empty();
    return std::move(report_);
  }

 private:
  template <class Number>
  void expect(Number left, Number right, const std::string& where, const char* identity) {
    if (left == right) return;
    report_.faults.push_back(
        fmt::format("{}: {} does not hold: {} is not {}", where, identity, left, right));
  }

  void check_edge(std::size_t stage) {
    EdgeBase& edge = *run_.edge_into(stage);
    const EdgeSums queues = sum_queues(edge);
    const std::uint64_t put = sum_into(run_, edge, Count::put);
    const std::uint64_t got = sum_stage(run_, stage, Count::taken);
    const std::string where = "edge " + edge.spec().name;
    expect(put, got + queues.dropped + queues.queued, where, "put = got + dropped + queued");
    expect(queues.dropped, sum_into(run_, edge, Count::displaced) + edge.cleared(), where,
           "dropped = displaced + cleared");
    expect(got, queues.done, where, "got = done + in flight");
    expect(sum_stage(run_, stage, Count::settled), queues.done, where, "settled = done");
  }

  void check_stage(std::size_t stage) {
    const auto sum = [&](Count count) { return sum_stage(run_, stage, count); };
    expect(sum(Count::taken),
           sum(Count::completed) + sum(Count::skipped) + sum(Count::dead) + sum(Count::failed) +
               sum(Count::cancelled),
           "stage " + run_.graph().stages[stage].name,
           "got = completed + skipped + dead + failed + cancelled");
  }

  void check_branches(std::size_t stage) {
    const RunState::Range range = run_.workers_of(stage);
    for (std::size_t i = range.first; i < range.last; ++i) {
      const StepBody& body = *run_.workers()[i]->body;
      for (std::size_t b = 0; b < body.branches(); ++b) check_branch(stage, body.branch(b));
    }
    if (run_.graph().stages[stage].role == StageRole::inlet) {
      check_branch(stage, run_.endpoint_of(stage)->branch());
    }
  }

  void check_branch(std::size_t stage, const BranchCounts& branch) {
    const Tallies& counts = branch.counts;
    expect(counts[Count::emitted],
           counts[Count::put] + counts[Count::refused] + counts[Count::elsewhere] +
               counts[Count::dropped],
           fmt::format("stage {} into edge {}", run_.graph().stages[stage].name,
                       branch.edge->spec().name),
           "emitted = put + refused + elsewhere + dropped");
  }

  // Every byte that was charged was given back: by the one who owned it, which the edges' sums tell, and in all.
  void check_memory() {
    for (std::size_t stage = 0; stage < run_.graph().stages.size(); ++stage) {
      const EdgeBase* const edge = run_.edge_into(stage);
      if (edge == nullptr) continue;
      expect(sum_into(run_, *edge, Count::charged),
             sum_stage(run_, stage, Count::freed) + edge->dropped_bytes(),
             "edge " + edge->spec().name, "bytes put = bytes freed + bytes dropped");
    }
    expect(run_.memory()->charged(), std::int64_t{0}, "the memory budget", "charged = freed");
  }

  const RunState& run_;
  LedgerReport report_;
};

}  // namespace

LedgerReport check_ledger(const RunState& run) { return Checker(run).check(); }

void require_balance(const RunState& run) {
  const LedgerReport ledger = check_ledger(run);
  if (ledger.balanced) return;
  throw std::logic_error(fmt::format("pipeline {}: the ledger does not balance: {}",
                                     run.graph().name, fmt::join(ledger.faults, "; ")));
}

}  // namespace sluice::detail
