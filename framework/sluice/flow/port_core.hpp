// sluice/flow/port_core.hpp: what a worker's output end knows without knowing what an output is.
//
// Branches, their counters, which of them have ended, and how far each is with the outputs that wait.
// port.hpp derives from it and moves the outputs.
// Per branch: emitted = put + refused + elsewhere + dropped. A branch that drops is never found full: an
// output that does not fit is dropped itself, or has the queue drop its oldest item.
// Owned by whoever holds the worker's claim.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/edge.hpp>
#include <sluice/flow/overflow.hpp>
#include <sluice/flow/selector.hpp>
#include <sluice/flow/worker_state.hpp>
#include <sluice/observe/tally.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sluice::detail {

/// One output of a stage connected to one edge.
struct OutputBinding {
  EdgeBase* edge = nullptr;
  std::shared_ptr<const Selector> selector{};  ///< null: everything to lane 0
  Overflow overflow = Overflow::block;
};

/// A worker's counters on one branch.
struct BranchCounts {
  EdgeBase* edge = nullptr;
  Tallies counts;
};

class PortCore {
 public:
  PortCore(const PortCore&) = delete;
  PortCore& operator=(const PortCore&) = delete;

  /// True while an output may go straight into the only edge: nothing waits, nothing has to be
  /// decided, and the edge has not ended. Then nothing is pending or uncommitted either.
  [[nodiscard]] bool direct() const noexcept { return direct_; }
  /// Whether outputs may go straight into the edge; false while others have to be delivered first.
  void allow_direct(bool allowed) noexcept {
    may_be_direct_ = can_be_direct_ && allowed;
    leave_direct();
    if (committed_ == 0) return_to_direct();
  }
  /// Outputs go to no edge: whoever owns the port takes them. Open, and never direct.
  void stand_alone() noexcept { open_branches_ = 1; }
  /// At the end of a step: what was put directly, where others can see it.
  void publish_counts() noexcept {
    if (emitted_directly_ != 0) publish_direct_counts();
  }
  /// Tells every edge that this worker puts no more.
  void close() noexcept;

  /// False once every branch has ended: nobody wants this stage's outputs any more.
  [[nodiscard]] bool open() const noexcept { return open_branches_ > 0; }
  /// Committed outputs that wait.
  [[nodiscard]] std::size_t waiting() const noexcept { return committed_; }
  /// Committed outputs wait for room.
  [[nodiscard]] bool pending() const noexcept { return committed_ > 0; }
  /// More than one edge keeps outputs waiting, or memory does, whose return no single edge tells.
  [[nodiscard]] bool several_full() const noexcept;
  [[nodiscard]] bool short_of_memory() const noexcept;
  /// See StepBody.
  [[nodiscard]] bool any_room(bool closely) const noexcept;
  void add_full_ns(std::int64_t ns) noexcept;
  /// The queue that was last found full.
  [[nodiscard]] QueueCore* full() const noexcept { return full_; }
  /// What the output weighs that it has no room for; 0 where that does not matter.
  [[nodiscard]] std::size_t full_weight() const noexcept { return full_weight_; }

  [[nodiscard]] std::size_t branches() const noexcept { return branches_.size(); }
  [[nodiscard]] const BranchCounts& counts(std::size_t branch) const noexcept {
    return branches_[branch]->counts;
  }

 protected:
  struct Branch {
    explicit Branch(const OutputBinding& binding)
        : selector(binding.selector), overflow(binding.overflow) {
      counts.edge = binding.edge;
    }
    [[nodiscard]] EdgeBase& edge() const noexcept { return *counts.edge; }
    [[nodiscard]] bool drops() const noexcept { return overflow != Overflow::block; }
    std::shared_ptr<const Selector> selector;
    Overflow overflow;
    std::size_t accepted = 0;  // committed outputs that this branch is done with
    bool ended = false;
    std::atomic<const QueueCore*> full{nullptr};  // of its queues, the one that keeps it waiting
    std::atomic<std::size_t> weight{0};           // of the output that waits
    std::atomic<bool> waits_for_memory{false};    // not for a slot: counted in the share's waiters
    BranchCounts counts;
  };

  PortCore(std::span<const OutputBinding> bindings, WorkerState& worker);
  ~PortCore() = default;

  /// An output went to the edge directly: it was accepted, or not_put() was called.
  void count_direct() noexcept {
    if constexpr (kAccounting) ++emitted_directly_;
  }
  /// The output that count_direct() is about to count was not accepted.
  void not_put(PutStatus status, QueueCore& queue, std::size_t weight) noexcept;
  /// The output that count_direct() is about to count was dropped.
  void dropped_directly() noexcept;
  /// Decides which lane of which branch wants the outputs that were not committed, and counts them as
  /// emitted. `outputs` is the first of `staged`, `stride` bytes apart. May throw what a key function
  /// or a predicate throws; then nothing of this item is committed.
  void commit_outputs(const void* outputs, std::size_t stride, std::size_t staged);
  /// Forgets what was decided about outputs that were not committed.
  void forget_decisions() noexcept;
  /// A put was not accepted: true when the branch has ended and is done with all outputs, false when it has to
  /// wait.
  [[nodiscard]] bool put_failed(std::size_t index, PutStatus status, QueueCore& queue,
                                std::size_t weight) noexcept;
  void found_full(QueueCore& queue, Branch& branch, std::size_t weight) noexcept {
    full_ = &queue;
    full_weight_ = weight;
    branch.weight.store(weight, std::memory_order_relaxed);
    branch.full.store(&queue, std::memory_order_relaxed);
  }
  /// Before outputs are offered again, or given up.
  void forget_full() noexcept {
    for (auto& branch : branches_) {
      branch->full.store(nullptr, std::memory_order_relaxed);
      if (branch->waits_for_memory.load(std::memory_order_relaxed)) end_memory_wait(*branch);
    }
  }

  // ---- a run with a memory budget (memory_budget.hpp) ----------------------------------------------

  [[nodiscard]] bool charges() const noexcept { return charges_; }
  /// Is there memory for an output to go on to that queue?
  [[nodiscard]] static bool admitted(const QueueCore& queue, const Branch& branch) noexcept {
    return branch.edge().memory()->admits(queue);
  }
  /// There is none, and the branch has to wait for it.
  void found_short(QueueCore& queue, Branch& branch) noexcept;
  /// An output that was charged here lies in the queue, and its charge with it.
  void hand_over(std::size_t output, Branch& branch) noexcept {
    branch.counts.counts.add(Count::charged, weights_[output]);
    weights_[output] = 0;
  }
  /// A copy of the output is charged before it is put.
  void charge_copy(std::size_t output) noexcept;
  void uncharge_copy(std::size_t output) noexcept;
  void end(Branch& branch) noexcept;
  /// The branch has ended: counts what waits for it as refused.
  void refuse_rest(std::size_t index) noexcept;
  /// Nothing waits any more.
  void forget_committed() noexcept;
  /// An output is staged; outputs that come after it have to queue behind it.
  void leave_direct() noexcept { direct_ = false; }
  /// Nothing is staged any more.
  void return_to_direct() noexcept { direct_ = may_be_direct_ && open_branches_ > 0; }

  [[nodiscard]] std::ptrdiff_t& lane_of(std::size_t output, std::size_t branch) noexcept {
    return lanes_[output * branches_.size() + branch];
  }
  /// How many branches still want an output.
  [[nodiscard]] std::uint32_t& wanted(std::size_t output) noexcept { return wanted_[output]; }

  WorkerState* worker_;
  std::vector<std::unique_ptr<Branch>> branches_{};
  std::size_t committed_ = 0;  // staged outputs that are counted as emitted
  bool single_ = false;        // one edge, and nothing to decide per output
  bool charges_ = false;
  // Per staged output what it weighs; of the committed ones what this port has charged for it.
  std::vector<std::size_t> weights_{};

 private:
  void publish_direct_counts() noexcept;
  void end_memory_wait(Branch& branch) noexcept;
  [[nodiscard]] bool may_go_on(const Branch& branch, const QueueCore& queue,
                               bool closely) const noexcept;
  void charge_from(std::size_t first) noexcept;
  void decide(const void* output, std::size_t index);

  // Not used by a port with one plain edge.
  std::vector<std::ptrdiff_t> lanes_{};  // per output and branch
  std::vector<std::uint32_t> wanted_{};  // per output
  RouteChoices choices_{};               // of the output that decide() looks at

  bool can_be_direct_ = false;
  bool may_be_direct_ = false;  // and nothing else has to be delivered first
  bool direct_ = false;
  std::uint64_t emitted_directly_ = 0;  // in this step
  std::uint64_t not_put_ = 0;           // of these; after each, the port is direct no longer
  std::size_t open_branches_ = 0;
  QueueCore* full_ = nullptr;
  std::size_t full_weight_ = 0;
};

}  // namespace sluice::detail
