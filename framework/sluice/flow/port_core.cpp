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
  single_ = branches_.size() == 1 && branches_[0]->selector == nullptr;
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

void PortCore::not_put(PutStatus status, QueueCore& queue) noexcept {
  Branch& branch = *branches_[0];
  ++not_put_;
  leave_direct();
  if (status == PutStatus::full) {
    found_full(queue, branch);
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
  return full > 1;
}

bool PortCore::any_room(bool closely) const noexcept {
  bool none_full = true;
  for (const auto& branch : branches_) {
    const QueueCore* const queue = branch->full.load(std::memory_order_relaxed);
    if (queue == nullptr) continue;
    none_full = false;
    if ((closely ? queue->may_have_room() : queue->has_room()) || queue->is_closed()) return true;
  }
  return none_full;  // then it is being changed right now
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
  committed_ = staged;
}

bool PortCore::put_failed(std::size_t index, PutStatus status, QueueCore& queue) noexcept {
  Branch& branch = *branches_[index];
  if (status == PutStatus::full) {
    found_full(queue, branch);
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
  if (single_) return;
  lanes_.resize(committed_ * branches_.size());
  wanted_.resize(committed_);
}

void PortCore::forget_committed() noexcept {
  lanes_.clear();
  wanted_.clear();
  committed_ = 0;
  for (auto& branch : branches_) branch->accepted = 0;
  return_to_direct();
}

}  // namespace sluice::detail
