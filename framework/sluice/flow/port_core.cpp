// sluice/flow/port_core.cpp: the bookkeeping of a worker's branches.
// SPDX-License-Identifier: MIT
#include <sluice/flow/port_core.hpp>

#include <utility>

namespace sluice::detail {

PortCore::PortCore(std::span<const OutputBinding> bindings, WorkerState& worker)
    : worker_(&worker), open_branches_(bindings.size()) {
  branches_.reserve(bindings.size());
  for (const OutputBinding& binding : bindings) {
    branches_.push_back(std::make_unique<Branch>(binding));
  }
  charges_ = !branches_.empty() && branches_[0]->edge().memory() != nullptr;
  single_ = branches_.size() == 1 && branches_[0]->selector == nullptr && !charges_;
  can_be_direct_ = single_ && !worker.stage().streaming;
  allow_direct(true);
}

void PortCore::publish_direct_counts() noexcept {
  Tallies& counts = branches_[0]->counts.counts;
  const std::uint64_t emitted = std::exchange(emitted_directly_, 0);
  counts.add(Count::emitted, emitted);
  counts.add(Count::put, emitted - std::exchange(not_put_, 0));
}

void PortCore::close() noexcept {
  for (auto& branch : branches_) {
    branch->selector.reset();  // user code ends with its worker, not with the last look at it
    branch->edge().producer_done();
  }
}

void PortCore::not_put(PutStatus status, QueueCore& queue, std::size_t weight) noexcept {
  Branch& branch = *branches_[0];
  ++not_put_;
  leave_direct();
  if (status == PutStatus::full) {
    found_full(queue, branch, weight);
  } else {
    branch.counts.counts.add(Count::refused);
    end(branch);
  }
}

void PortCore::dropped_directly() noexcept {
  ++not_put_;
  branches_[0]->counts.counts.add(Count::dropped);
}

bool PortCore::several_full() const noexcept {
  std::size_t full = 0;
  for (const auto& branch : branches_) {
    if (branch->full.load(std::memory_order_relaxed) != nullptr) ++full;
  }
  return full > 1 || short_of_memory();
}

bool PortCore::short_of_memory() const noexcept {
  for (const auto& branch : branches_) {
    if (branch->waits_for_memory.load(std::memory_order_relaxed)) return true;
  }
  return false;
}

bool PortCore::any_room(bool closely) const noexcept {
  bool none_full = true;
  for (const auto& branch : branches_) {
    const QueueCore* const queue = branch->full.load(std::memory_order_relaxed);
    if (queue == nullptr) continue;
    none_full = false;
    if (queue->is_closed() || may_go_on(*branch, *queue, closely)) return true;
  }
  return none_full;  // then it is being changed right now
}

bool PortCore::may_go_on(const Branch& branch, const QueueCore& queue,
                         bool closely) const noexcept {
  if (branch.waits_for_memory.load(std::memory_order_relaxed)) {
    return branch.edge().memory()->may_resume(queue);
  }
  const std::size_t weight = branch.weight.load(std::memory_order_relaxed);
  return closely ? queue.may_have_room(weight) : queue.has_room_for(weight);
}

void PortCore::add_full_ns(std::int64_t ns) noexcept {
  for (auto& branch : branches_) {
    if (branch->full.load(std::memory_order_relaxed) != nullptr) branch->edge().add_full_ns(ns);
  }
}

void PortCore::decide(const void* output, std::size_t index) {
  choices_.clear();
  wanted(index) = 0;
  for (std::size_t b = 0; b < branches_.size(); ++b) {
    const Branch& branch = *branches_[b];
    const std::ptrdiff_t lane =
        branch.selector == nullptr ? 0
                                   : branch.selector->lane(output, branch.edge().lanes(), choices_);
    lane_of(index, b) = lane;
    if (lane != kElsewhere) ++wanted(index);
  }
}

void PortCore::commit_outputs(const void* outputs, std::size_t stride, std::size_t staged) {
  if (!single_) {
    lanes_.resize(staged * branches_.size());
    wanted_.resize(staged);
    for (std::size_t i = committed_; i < staged; ++i) {
      decide(static_cast<const std::byte*>(outputs) + i * stride, i);
    }
  }
  for (auto& branch : branches_) branch->counts.counts.add(Count::emitted, staged - committed_);
  if (charges_) charge_from(committed_);
  committed_ = staged;
}

// ---- memory ----------------------------------------------------------------------------------------

void PortCore::charge_from(std::size_t first) noexcept {
  std::size_t bytes = 0;
  for (std::size_t i = first; i < weights_.size(); ++i) bytes += weights_[i];
  branches_[0]->edge().memory()->budget().charge(bytes);
}

void PortCore::found_short(QueueCore& queue, Branch& branch) noexcept {
  found_full(queue, branch, 0);
  branch.edge().memory()->begin_wait();
  branch.waits_for_memory.store(true, std::memory_order_relaxed);
}

void PortCore::end_memory_wait(Branch& branch) noexcept {
  branch.waits_for_memory.store(false, std::memory_order_relaxed);
  branch.edge().memory()->end_wait();
}

void PortCore::charge_copy(std::size_t output) noexcept {
  branches_[0]->edge().memory()->budget().charge(weights_[output]);
}
void PortCore::uncharge_copy(std::size_t output) noexcept {
  branches_[0]->edge().memory()->budget().release(weights_[output]);
}

// ---- branches --------------------------------------------------------------------------------------

bool PortCore::put_failed(std::size_t index, PutStatus status, QueueCore& queue,
                          std::size_t weight) noexcept {
  Branch& branch = *branches_[index];
  if (status == PutStatus::full) {
    found_full(queue, branch, weight);
    return false;
  }
  end(branch);
  refuse_rest(index);
  return true;
}

void PortCore::end(Branch& branch) noexcept {
  if (!branch.ended) --open_branches_;
  branch.ended = true;
}

void PortCore::refuse_rest(std::size_t index) noexcept {
  Branch& branch = *branches_[index];
  for (; branch.accepted < committed_; ++branch.accepted) {
    const bool wanted = single_ || lane_of(branch.accepted, index) != kElsewhere;
    branch.counts.counts.add(wanted ? Count::refused : Count::elsewhere);
  }
}

void PortCore::forget_decisions() noexcept {
  if (charges_) weights_.resize(committed_);
  if (single_) return;
  lanes_.resize(committed_ * branches_.size());
  wanted_.resize(committed_);
}

void PortCore::forget_committed() noexcept {
  if (charges_) {  // what no edge has accepted
    std::size_t bytes = 0;
    for (const std::size_t weight : weights_) bytes += weight;
    branches_[0]->edge().memory()->budget().release(bytes);
    weights_.clear();
  }
  lanes_.clear();
  wanted_.clear();
  committed_ = 0;
  for (auto& branch : branches_) branch->accepted = 0;
  return_to_direct();
}

}  // namespace sluice::detail
