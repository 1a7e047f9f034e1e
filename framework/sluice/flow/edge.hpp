// sluice/flow/edge.hpp: one queue between stages, as the run sees it.
//
// (1) An edge is drained by one stage and fed by one or more; it closes when its last producer is
//     done, so close flows forward.
// (2) A keyed edge has one lane (a queue) per worker of its consumer; the edge's capacity is divided
//     among the lanes, at least one slot each.
// (3) A stage with a thread of its own and little work that found an edge full goes on when it is half
//     empty, or after a while (QueueCore::wait_for_refill). All others go on with the first free slot:
//     also who feeds a short edge, where little would be saved, or a keyed one, where outputs for one
//     worker wait behind those for another, and all of a pipeline in which an application may wait for
//     one output before it puts the next.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/observe/tally.hpp>
#include <sluice/queue.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::detail {

/// What the plan decided about an edge.
struct EdgeSpec {
  std::string name{};
  std::size_t capacity = 0;
  std::size_t lanes = 1;
  bool unbounded = false;
  bool refilled_by_halves = false;
};

class EdgeBase {
 public:
  explicit EdgeBase(EdgeSpec spec) : spec_(std::move(spec)) {}
  EdgeBase(const EdgeBase&) = delete;
  EdgeBase& operator=(const EdgeBase&) = delete;
  virtual ~EdgeBase() = default;

  [[nodiscard]] virtual QueueCore& lane(std::size_t index) noexcept = 0;
  /// Drops and settles what is queued, refuses everything further. Threads  any.
  void cancel() noexcept {
    const std::uint64_t dropped = cancel_lanes();
    // Relaxed: exact once the run has ended, as every counter of the ledger.
    if (!omitted(Count::cleared, dropped)) cleared_.fetch_add(dropped, std::memory_order_relaxed);
  }
  /// Items that cancel() dropped.
  [[nodiscard]] std::uint64_t cleared() const noexcept {
    return cleared_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] const EdgeSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] std::size_t lanes() const noexcept { return spec_.lanes; }

  /// Called while the run is wired, once per producing worker.
  void add_producer() noexcept { open_producers_.fetch_add(1, std::memory_order_relaxed); }
  /// Called once by each producer after its last output was accepted; the last one closes.
  void producer_done() noexcept {
    // sync-point edge-producers (both sides): the last one sees all puts of the others before it closes.
    if (open_producers_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    for (std::size_t i = 0; i < lanes(); ++i) lane(i).close();
  }

  /// Adds a time for which a producer waited for room here.
  void add_full_ns(std::int64_t ns) noexcept { full_ns_.fetch_add(ns, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t full_ns() const noexcept {
    return full_ns_.load(std::memory_order_relaxed);
  }

 private:
  /// Cancels every lane; returns how many items were dropped.
  virtual std::uint64_t cancel_lanes() noexcept = 0;

  EdgeSpec spec_;
  std::atomic<std::size_t> open_producers_{0};
  std::atomic<std::uint64_t> cleared_{0};
  std::atomic<std::int64_t> full_ns_{0};
};

template <class T>
class Edge final : public EdgeBase {
 public:
  explicit Edge(EdgeSpec spec) : EdgeBase(std::move(spec)) {
    const EdgeSpec& agreed = this->spec();
    const std::size_t share = agreed.capacity / agreed.lanes;
    lanes_.reserve(agreed.lanes);
    for (std::size_t i = 0; i < agreed.lanes; ++i) {
      if (agreed.unbounded) {
        lanes_.push_back(std::make_unique<Queue<T>>(unbounded));
      } else {
        lanes_.push_back(std::make_unique<Queue<T>>(share > 0 ? share : std::size_t{1}));
      }
      if (agreed.refilled_by_halves) lanes_.back()->set_refill(agreed.capacity / 2);
    }
  }

  [[nodiscard]] QueueCore& lane(std::size_t index) noexcept override { return *lanes_[index]; }
  [[nodiscard]] Queue<T>& queue(std::size_t index) noexcept { return *lanes_[index]; }

 private:
  std::uint64_t cancel_lanes() noexcept override {
    std::uint64_t dropped = 0;
    for (auto& lane : lanes_) dropped += lane->cancel();
    return dropped;
  }

  std::vector<std::unique_ptr<Queue<T>>> lanes_{};
};

}  // namespace sluice::detail
