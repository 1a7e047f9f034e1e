// sluice/flow/endpoint.hpp: a place where application code feeds or drains an edge.
//
// (1) An inlet is the only producer of its stage's input edge; the stage passes the items on.
// (2) An outlet stands in for the worker of its stage: what it hands out is counted done.
// (3) Ends once; whoever ends it first tells the edge, and the run where the run waits for it.
// (4) An item passes and is counted under one lock, so that whoever looks at the counters of an ended
//     run after settle_counts() finds every item that has passed.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/edge.hpp>
#include <sluice/flow/port.hpp>
#include <sluice/flow/worker_state.hpp>
#include <sluice/os/mutex.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

namespace sluice::detail {

class Endpoint {
 public:
  /// Tells the run that an outlet has ended.
  class Listener {
   public:
    virtual void endpoint_ended() noexcept = 0;

   protected:
    ~Listener() = default;
  };

  Endpoint(EdgeBase& edge, WorkerState& state) : state_(&state) { counts_.edge = &edge; }
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  virtual ~Endpoint() = default;

  /// No more traffic through here; idempotent, any thread.
  virtual void end() noexcept = 0;

  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_relaxed); }
  /// Waits for items that are passing right now.
  void settle_counts() const noexcept { const MutexGuard lock(counting_); }

  [[nodiscard]] WorkerState& state() const noexcept { return *state_; }
  [[nodiscard]] const BranchCounts& branch() const noexcept { return counts_; }

 protected:
  /// True for the first caller.
  [[nodiscard]] bool begin_end() noexcept {
    return !ended_.exchange(true, std::memory_order_relaxed);  // a flag, it orders nothing else
  }
  mutable Mutex counting_;  // several threads may put or get; counters have one writer at a time
  BranchCounts counts_;

 private:
  WorkerState* state_;
  std::atomic<bool> ended_{false};
};

template <class T>
class InletPort final : public Endpoint {
 public:
  InletPort(EdgeBase& edge, WorkerState& state)
      : Endpoint(edge, state), edge_(static_cast<Edge<T>*>(&edge)) {
    edge_->add_producer();
  }

  PutStatus put(T&& item, const Deadline& deadline) {
    Queue<T>& queue = edge_->queue(0);
    const bool weighed = queue.weighs() || edge_->memory() != nullptr;
    const std::size_t weight = weighed ? sluice::weight_of(item) : 0;
    for (;;) {
      bool short_of_memory = false;
      const PutStatus status = try_put(queue, std::move(item), weight, short_of_memory);
      if (status != PutStatus::full) return status;
      const bool go_on = short_of_memory ? edge_->memory()->wait(queue, weight, deadline)
                                         : queue.wait_for_room(deadline, {}, weight);
      if (!go_on) return status;
    }
  }

  void end() noexcept override {
    if (begin_end()) edge_->producer_done();
  }

 private:
  PutStatus try_put(Queue<T>& queue, T&& item, std::size_t weight, bool& short_of_memory) {
    const MutexGuard lock(counting_);
    MemoryShare* const memory = edge_->memory();
    if (memory != nullptr) {
      short_of_memory = !queue.is_closed() && !memory->admits(queue, weight);
      if (short_of_memory) return PutStatus::full;
      memory->budget().charge(weight);
    }
    PutStatus status = PutStatus::full;
    try {
      status = queue.try_put_weighed(std::move(item), weight);
    } catch (...) {
      if (memory != nullptr) memory->budget().release(weight);
      throw;
    }
    if (status == PutStatus::ok) {
      counts_.counts.add(Count::emitted);
      counts_.counts.add(Count::put);
      if (memory != nullptr) counts_.counts.add(Count::charged, weight);
    } else if (memory != nullptr) {
      memory->budget().release(weight);
    }
    return status;
  }

  Edge<T>* edge_;
};

template <class T>
class OutletPort final : public Endpoint {
 public:
  OutletPort(EdgeBase& edge, WorkerState& state, Listener& listener)
      : Endpoint(edge, state), edge_(static_cast<Edge<T>*>(&edge)), listener_(&listener) {}

  GetResult<T> get(const Deadline& deadline) {
    Queue<T>& queue = edge_->queue(0);
    GetResult<T> got;  // returned where it was made: a second move might throw and lose the item
    for (;;) {
      take(queue, got);
      if (got.status() == GetStatus::closed) end();
      if (got.status() != GetStatus::empty || !queue.wait_for_items(deadline)) return got;
    }
  }

  void end() noexcept override {
    if (!begin_end()) return;
    // Drops, accounted, what was not read; nothing when it was read to the end.
    end_stage_early(state().stage());
    listener_->endpoint_ended();
  }

 private:
  void take(Queue<T>& queue, GetResult<T>& got) {
    const MutexGuard lock(counting_);
    std::size_t weight = 0;
    queue.try_get_weighed(got, weight);
    if (!got) return;
    if (MemoryShare* const memory = edge_->memory(); memory != nullptr) {
      if (kFixedWeight<T>) weight = sizeof(T);
      state().counts.add(Count::freed, weight);
      memory->lane_taken(queue);
      memory->budget().release(weight);
    }
    state().counts.add(Count::taken);
    state().counts.add(Count::completed);
    state().counts.add(Count::settled);
    queue.task_done();
  }

  Edge<T>* edge_;
  Listener* listener_;
};

}  // namespace sluice::detail
