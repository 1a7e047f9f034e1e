// sluice/flow/storing_step.hpp: the worker that takes always and gives when there is room: of a feedback, and of
// an edge that spills.
//
// The one step that goes on taking while its outputs wait: so whoever puts an item never waits for long, a
// loop can't block itself however much an item fans out, and a slow branch does not hold back the others. What
// waits lies in a store of its own, which keeps the first items in memory and writes the rest to a file
// (spill_store.hpp). Where the store has a cap and is full, nothing is taken: the input edge fills, and its
// producers wait as on any edge.
//
// (1) Flush, then done: an item is settled when the next stage has accepted it, so what is stored counts as
//     unfinished.
// (2) got = completed + cancelled: what is offered is completed; what is in the batch or the store when the
//     run or the branch ends is counted there and cancelled.
// (3) Whether the store is full is written at the end of a step and read by whoever looks for work: with a full
//     store the worker waits for room downstream alone, and room in the store comes only from its own steps.
// Runs on the pool only: a thread of its own could not wait for items and for room at the same time.
// In a run with a memory budget an item keeps its charge while it is in memory: it is given back when the item
// goes to the file, or on to the port, which charges it as an output. Once the budget is used up, what can go
// to the file goes there. The two blocks that the file has in memory are not charged.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/item_vector.hpp>
#include <sluice/flow/maker.hpp>
#include <sluice/flow/port.hpp>
#include <sluice/flow/spill_store.hpp>
#include <sluice/flow/step_loop.hpp>
#include <sluice/flow/store_gauge.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace sluice::detail {

template <class T>
class StoringStep final : public StepLoop {
 public:
  StoringStep(const StepSetup& setup, const SpillOptions& options)
      : StepLoop(*setup.worker),
        memory_(setup.input->memory()),
        lane_(&static_cast<Edge<T>*>(setup.input)->queue(0)),
        port_(setup.outputs, *setup.worker),
        store_(std::in_place, options) {
    port_.allow_direct(false);
    set_port(&port_);
  }

  [[nodiscard]] QueueCore* input() const noexcept override { return lane_; }
  [[nodiscard]] Deadline wake_at() const noexcept override { return {}; }
  [[nodiscard]] bool stop_ends_wait() const noexcept override { return false; }
  [[nodiscard]] bool any_room(bool closely) const noexcept override {
    if (StepLoop::any_room(closely)) return true;
    if (gauge_.full()) return false;
    return closely ? lane_->may_have_items() && !lane_->drained() : lane_->has_items();
  }
  [[nodiscard]] const StoreGauge* store() const noexcept override { return &gauge_; }

 private:
  static constexpr std::size_t kGiven = 64;  // outputs offered at once

  void start_body() override {}
  bool finish_body() override { return false; }
  void end_body() noexcept override { end_store(); }
  bool publish_outputs() override { return port_.publish(); }
  void abandon_outputs() noexcept override { port_.abandon(); }
  bool runs_while_full() const noexcept override { return true; }

  StepResult run(StepFrame& frame) noexcept override {
    if (cancelled()) return abandon();
    if (ended_early()) return end_early();
    const bool took = take(frame);
    const bool gave = give();
    if (cancelled()) return abandon();
    const bool full = !store_->has_room();
    gauge_.set_full(full);
    store_->show(gauge_);
    if (took || gave || (next_ < batch_.size() && !full)) return StepResult::progressed;
    if (pending()) return StepResult::needs_room;
    return lane_->drained() ? finish() : StepResult::needs_input;
  }

  void delivered() noexcept override {
    if (!pending()) settle();
  }

  // What the store has no room for stays in the batch, and no more is taken.
  bool take(StepFrame& frame) noexcept {
    const std::size_t stored = frame.items;
    try {
      if (next_ == batch_.size() && store_->has_room()) get(frame.max_items);
      for (; next_ < batch_.size() && store_->has_room(); ++next_, ++frame.items) keep(next_);
    } catch (...) {
      fail_phase(worker(), "keeping an item");
    }
    return frame.items != stored;
  }

  // What was taken counts, also when the next one's move throws.
  void get(std::size_t max_items) {
    batch_.clear();
    next_ = 0;
    weights_.clear();
    try {
      if (lane_->weighs()) {
        const std::size_t most = worker().stage().batch_bytes;
        static_cast<void>(lane_->try_get_weighed(batch_, max_items,
                                                 most != 0 ? most : ~std::size_t{0}, weights_));
      } else {
        static_cast<void>(lane_->try_get_many(batch_, max_items));
      }
    } catch (...) {
      count_taken();
      throw;
    }
    count_taken();
  }

  void count_taken() noexcept {
    worker().counts.add(Count::taken, batch_.size());
    if (memory_ == nullptr) return;
    for (std::size_t i = 0; i < batch_.size(); ++i) held_bytes_ += charge_of(i);
    memory_->lane_taken(*lane_);
  }

  void keep(std::size_t at) {
    const bool to_file = memory_ != nullptr && !memory_->has_room();
    const bool in_file = store_->put(std::move(batch_[at]), to_file);
    if (memory_ == nullptr) return;
    if (in_file) {
      free(charge_of(at));
    } else {
      charges_.push(charge_of(at));
    }
  }

  [[nodiscard]] std::size_t charge_of(std::size_t at) const noexcept {
    if constexpr (kFixedWeight<T>) {
      return sizeof(T);
    } else {
      return weights_[at];
    }
  }
  void free(std::size_t charge) noexcept {
    held_bytes_ -= charge;
    worker().counts.add(Count::freed, charge);
    memory_->budget().release(charge);
  }
  // The oldest stored item goes to the port, which charges it. Returns  what it adds to what is charged.
  std::size_t give_oldest() {
    const bool in_memory = store_->next_is_in_memory();
    T item = store_->take();
    const std::size_t weight = memory_ == nullptr || in_memory ? 0 : sluice::weight_of(item);
    port_.stage(std::move(item));
    ++offered_;
    if (!in_memory || charges_.empty()) return weight;
    free(charges_.front());
    charges_.pop();
    return weight;
  }
  // What comes from the file is no more than this worker's share, or one item.
  void give_some() {
    const std::size_t most =
        worker().stage().batch_bytes != 0 ? worker().stage().batch_bytes : ~std::size_t{0};
    std::size_t added = 0;
    while (offered_ < kGiven && !store_->empty() && added < most) added += give_oldest();
  }

  // Items become outputs some at a time; the port holds what the next stage has no room for.
  bool give() noexcept {
    if (pending() || store_->empty()) return false;
    try {
      give_some();
      port_.commit();
    } catch (...) {
      port_.discard();
      worker().counts.add(Count::cancelled, std::exchange(offered_, 0));  // settled with the rest
      fail_phase(worker(), "taking an item from the store");
      return false;
    }
    worker().counts.add(Count::completed, offered_);
    if (publish()) settle();
    return true;
  }

  // What was offered is accepted.
  void settle() noexcept { settle(std::exchange(offered_, 0)); }
  void settle(std::size_t n) noexcept {
    if (n == 0) return;
    worker().counts.add(Count::settled, n);
    if constexpr (kAccounting) lane_->settle_taken(n);
    look_at_loop(worker().stage());
  }

  bool ended_early() const noexcept {
    return running() &&
           (worker().stage().enough.load(std::memory_order_relaxed) || !outputs_open());
  }
  StepResult end_early() noexcept {
    end_stage_early(worker().stage());
    abandon_outputs();
    drop_taken();
    return finish();
  }

  // What was taken and is not settled: offered items are completed, all others cancelled.
  void drop_taken() noexcept override {
    if (!store_.has_value()) return;
    worker().counts.add(Count::cancelled, store_->size() + (batch_.size() - next_));
    if (memory_ != nullptr) free(held_bytes_);
    settle(worker().counts[Count::taken] - worker().counts[Count::settled]);
    offered_ = 0;
    batch_.clear();
    next_ = 0;
    end_store();
  }

  // The file goes with it.
  void end_store() noexcept {
    if (store_.has_value()) store_->show(gauge_);
    store_.reset();
    gauge_.end();
  }

  MemoryShare* memory_;  // of the input edge; null when the run has no budget
  Queue<T>* lane_;
  OutPort<T> port_;
  std::optional<SpillStore<T>> store_;  // until the worker leaves
  ItemVector<T> batch_;
  std::size_t next_ = 0;     // of the batch: the first that is not stored
  std::size_t offered_ = 0;  // items whose outputs are in the port
  StoreGauge gauge_;
  ItemVector<std::size_t> weights_;  // of the batch's items, where they are weighed
  ItemFifo<std::size_t> charges_;    // of the stored items that are in memory
  std::size_t held_bytes_ = 0;       // the charges of all that was taken and is in memory
};

template <class T>
class StoringMaker final : public StageMaker {
 public:
  explicit StoringMaker(SpillOptions options) : options_(std::move(options)) {}

  [[nodiscard]] std::unique_ptr<EdgeBase> make_edge(EdgeSpec spec) const override {
    return std::make_unique<Edge<T>>(std::move(spec));
  }
  [[nodiscard]] ItemWeight weight() const noexcept override { return item_weight<T>(); }
  [[nodiscard]] std::unique_ptr<StageInstance> open(std::size_t) override {
    return std::make_unique<Instance>(options_);
  }

 private:
  class Instance final : public StageInstance {
   public:
    explicit Instance(SpillOptions options) : options_(std::move(options)) {}
    [[nodiscard]] std::unique_ptr<StepBody> make_step(const StepSetup& setup) override {
      return std::make_unique<StoringStep<T>>(setup, options_);
    }

   private:
    SpillOptions options_;
  };
  SpillOptions options_;
};

}  // namespace sluice::detail
