// sluice/flow/port.hpp: the output end of one worker: stages, commits and publishes outputs.
//
// (1) Outputs of one item are staged until its callback has returned; a throw discards them.
// (2) commit() decides where each output goes and counts it as emitted; publish() offers it to the
//     edges without blocking. What does not fit stays here, in order, and the worker is not stepped
//     on until publish() has succeeded: that is the stage's bounded overflow.
// (3) Per branch: emitted = put + refused + elsewhere.
// (4) An output is moved into the last branch that wants it and copied into the others.
// Owned by whoever holds the worker's claim.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/copyable.hpp>
#include <sluice/flow/edge.hpp>
#include <sluice/flow/item_vector.hpp>
#include <sluice/flow/selector.hpp>
#include <sluice/flow/worker_state.hpp>
#include <sluice/observe/tally.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::detail {

/// One output of a stage connected to one edge.
struct OutputBinding {
  EdgeBase* edge = nullptr;
  std::shared_ptr<const SelectorBase> selector{};  ///< null: everything to lane 0
};

/// A worker's counters on one branch.
struct BranchCounts {
  EdgeBase* edge = nullptr;
  Tallies counts;
};

template <class T>
class OutPort {
 public:
  OutPort(std::span<const OutputBinding> bindings, WorkerState& worker) : worker_(&worker) {
    branches_.reserve(bindings.size());
    for (const OutputBinding& binding : bindings) {
      branches_.push_back(std::make_unique<Branch>(binding));
    }
    open_branches_ = branches_.size();
    if (branches_.size() == 1 && branches_[0]->selector == nullptr) {
      single_ = &branches_[0]->edge->queue(0);
    }
  }

  /// Adds an output of the item in progress.
  void stage(T&& item) { staged_.push_back(std::move(item)); }

  /// The only output of an item whose callback has returned: goes straight into the edge when
  /// there is one edge and nothing waits.
  void emit_final(T&& item) {
    if (single_ == nullptr || !staged_.empty()) {
      stage(std::move(item));
      return;
    }
    const PutStatus status = single_->try_put(std::move(item));
    if (status != PutStatus::ok) return not_put(status, std::move(item));
    if constexpr (kAccounting) {
      ++emitted_directly_;
      ++put_directly_;
    }
  }

  /// At the end of a step: what emit_final() has counted, where others can see it.
  void publish_counts() noexcept {
    if (emitted_directly_ == 0) return;
    Tallies& counts = branches_[0]->counts.counts;
    counts.add(Count::emitted, std::exchange(emitted_directly_, 0));
    counts.add(Count::put, std::exchange(put_directly_, 0));
  }

  /// True when outputs were staged since the last commit().
  [[nodiscard]] bool uncommitted() const noexcept { return staged_.size() != committed_; }

  /// The callback returned: its outputs are decided and counted. May throw what a key function or
  /// a predicate throws; then nothing of this item is committed.
  void commit() {
    if (!uncommitted()) return;
    if (single_ == nullptr) decide();
    for (auto& branch : branches_) {
      branch->counts.counts.add(Count::emitted, staged_.size() - committed_);
    }
    committed_ = staged_.size();
  }

  /// The callback threw: forgets what it emitted.
  void discard() noexcept {
    staged_.shrink_to(committed_);
    lanes_.resize(committed_ * branches_.size());
    wanted_.resize(committed_);
  }

  /// Offers what is committed to the edges; true when nothing is left. Never blocks.
  /// Throws what moving or copying an output throws; what was not accepted is then still here.
  [[nodiscard]] bool publish() {
    if (staged_.empty()) return true;
    const bool all = single_ != nullptr ? publish_single() : publish_branches();
    if (all) clear();
    return all;
  }

  /// Gives up what is left (the run was cancelled or failed): counted as refused.
  void abandon() noexcept {
    for (auto& branch : branches_) {
      refuse_rest(*branch);
      end(*branch);
    }
    clear();
  }

  /// Tells every edge that this worker puts no more.
  void close() noexcept {
    for (auto& branch : branches_) {
      branch->selector = nullptr;  // user code ends with its worker, not with the last look at it
      branch->keep_alive.reset();
      branch->edge->producer_done();
    }
  }

  [[nodiscard]] bool pending() const noexcept { return !staged_.empty(); }
  /// False once every branch has ended: nobody wants this stage's outputs any more.
  [[nodiscard]] bool open() const noexcept { return open_branches_ > 0; }
  /// The queue that publish() found full.
  [[nodiscard]] QueueCore* full() const noexcept { return full_; }
  [[nodiscard]] EdgeBase* full_edge() const noexcept { return full_edge_; }

  [[nodiscard]] std::size_t branches() const noexcept { return branches_.size(); }
  [[nodiscard]] const BranchCounts& counts(std::size_t branch) const noexcept {
    return branches_[branch]->counts;
  }

  /// For streaming stages: returns when all is accepted or the run was cancelled. Blocks.
  void publish_blocking() {
    commit();
    while (!worker_->control().cancelled()) {
      if (publish()) return;
      worker_->emit_wait().wait_for_room(*full_, *full_edge_);
    }
    abandon();
  }

 private:
  struct Branch {
    explicit Branch(const OutputBinding& binding)
        : edge(static_cast<Edge<T>*>(binding.edge)),
          selector(static_cast<const Selector<T>*>(binding.selector.get())),
          keep_alive(binding.selector) {
      counts.edge = edge;
    }
    Edge<T>* edge;
    const Selector<T>* selector;
    std::shared_ptr<const SelectorBase> keep_alive;
    std::size_t accepted = 0;  // outputs of staged_ that this branch is done with
    bool ended = false;
    BranchCounts counts;
  };

  void not_put(PutStatus status, T&& item) {
    if (status == PutStatus::full) {
      staged_.push_back(std::move(item));
      committed_ = 1;
      found_full(single_, *branches_[0]);
    } else {
      branches_[0]->counts.counts.add(Count::refused);
      end(*branches_[0]);
    }
    branches_[0]->counts.counts.add(Count::emitted);
  }

  // Which lane of which branch wants each newly staged output.
  void decide() {
    const std::size_t width = branches_.size();
    lanes_.resize(staged_.size() * width);
    wanted_.resize(staged_.size());
    for (std::size_t i = committed_; i < staged_.size(); ++i) {
      wanted_[i] = 0;
      choices_.clear();
      for (std::size_t b = 0; b < width; ++b) {
        const Branch& branch = *branches_[b];
        const std::ptrdiff_t lane =
            branch.selector == nullptr
                ? 0
                : branch.selector->lane(std::as_const(staged_[i]), branch.edge->lanes(), choices_);
        lanes_[i * width + b] = lane;
        if (lane != kElsewhere) ++wanted_[i];
      }
    }
  }

  bool publish_single() {
    Branch& branch = *branches_[0];
    if (branch.ended) {
      refuse_rest(branch);
      return true;
    }
    if constexpr (std::is_nothrow_move_constructible_v<T>) {
      auto rest = std::span<T>(staged_.data(), staged_.size()).subspan(branch.accepted);
      const PutManyResult put = single_->try_put_many(rest);
      branch.accepted += put.accepted;
      branch.counts.counts.add(Count::put, put.accepted);
      return after_put(branch, put.status, single_);
    } else {
      while (branch.accepted < staged_.size()) {
        const PutStatus status = single_->try_put(std::move(staged_[branch.accepted]));
        if (status != PutStatus::ok) return after_put(branch, status, single_);
        ++branch.accepted;
        branch.counts.counts.add(Count::put);
      }
      return true;
    }
  }

  bool after_put(Branch& branch, PutStatus status, QueueCore* queue) noexcept {
    if (branch.accepted == staged_.size()) return true;
    if (status == PutStatus::full) {
      found_full(queue, branch);
      return false;
    }
    end(branch);
    refuse_rest(branch);
    return true;
  }

  bool publish_branches() {
    bool all = true;
    for (std::size_t b = 0; b < branches_.size(); ++b) all = advance(b) && all;
    return all;
  }

  bool advance(std::size_t index) {
    Branch& branch = *branches_[index];
    while (branch.accepted < staged_.size()) {
      const std::size_t at = branch.accepted;
      const std::ptrdiff_t lane = lanes_[at * branches_.size() + index];
      if (lane == kElsewhere) {
        branch.counts.counts.add(Count::elsewhere);
      } else if (branch.ended) {
        branch.counts.counts.add(Count::refused);
        --wanted_[at];
      } else {
        Queue<T>& queue = branch.edge->queue(static_cast<std::size_t>(lane));
        const PutStatus status = offer(queue, at);
        if (status == PutStatus::full) {
          found_full(&queue, branch);
          return false;
        }
        if (status != PutStatus::ok) {
          end(branch);
          continue;  // counted as refused on the next turn
        }
        branch.counts.counts.add(Count::put);
        --wanted_[at];
      }
      ++branch.accepted;
    }
    return true;
  }

  PutStatus offer(Queue<T>& queue, std::size_t at) {
    if constexpr (Copyable<T>) {
      if (wanted_[at] > 1) {
        if (!queue.has_room()) {
          return queue.is_closed() ? PutStatus::closed : PutStatus::full;  // spares the copy
        }
        return queue.try_put(std::as_const(staged_[at]));
      }
    }
    return queue.try_put(std::move(staged_[at]));
  }

  void found_full(QueueCore* queue, const Branch& branch) noexcept {
    full_ = queue;
    full_edge_ = branch.edge;
  }

  void end(Branch& branch) noexcept {
    if (!branch.ended) --open_branches_;
    branch.ended = true;
  }

  void refuse_rest(Branch& branch) noexcept {
    const auto index = static_cast<std::size_t>(index_of(branch));
    for (; branch.accepted < committed_; ++branch.accepted) {
      const bool wanted =
          single_ != nullptr || lanes_[branch.accepted * branches_.size() + index] != kElsewhere;
      branch.counts.counts.add(wanted ? Count::refused : Count::elsewhere);
    }
  }

  std::size_t index_of(const Branch& branch) const noexcept {
    std::size_t index = 0;
    while (branches_[index].get() != &branch) ++index;
    return index;
  }

  void clear() noexcept {
    staged_.clear();
    lanes_.clear();
    wanted_.clear();
    committed_ = 0;
    for (auto& branch : branches_) branch->accepted = 0;
    if (staged_.capacity() > kKeepCapacity) staged_.release();
  }

  static constexpr std::size_t kKeepCapacity = 1U << 16;

  WorkerState* worker_;
  std::vector<std::unique_ptr<Branch>> branches_{};
  std::uint64_t emitted_directly_ = 0;  // in this step, by emit_final()
  std::uint64_t put_directly_ = 0;
  Queue<T>* single_ = nullptr;  // the only edge, when nothing has to be decided per output
  ItemVector<T> staged_;
  std::size_t committed_ = 0;            // outputs of staged_ that are counted as emitted
  std::vector<std::ptrdiff_t> lanes_{};  // per output and branch
  std::vector<std::uint32_t> wanted_{};  // branches that still want an output
  RouteChoices choices_{};               // of the output that decide() looks at
  std::size_t open_branches_ = 0;
  QueueCore* full_ = nullptr;  // what publish() last found full
  EdgeBase* full_edge_ = nullptr;
};

}  // namespace sluice::detail
