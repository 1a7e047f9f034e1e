// sluice/flow/remote_step.hpp: the typed part of a worker whose function runs in a process.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec.hpp>
#include <sluice/flow/item_fifo.hpp>
#include <sluice/flow/item_vector.hpp>
#include <sluice/flow/order_window.hpp>
#include <sluice/flow/output_side.hpp>
#include <sluice/flow/payload.hpp>
#include <sluice/flow/remote_loop.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace sluice::detail {

template <class In, class Out>
class RemoteStep final : public RemoteLoop {
 public:
  using Window = std::conditional_t<std::is_same_v<Out, NoOutput>, OrderGate, OrderWindow<Out>>;

  RemoteStep(const StepSetup& setup, RemoteWorker& remote, std::shared_ptr<Window> window)
      : RemoteLoop(*setup.worker, setup.input->lane(setup.lane), remote, setup.batch),
        lane_(&static_cast<Edge<In>*>(setup.input)->queue(setup.lane)),
        window_(std::move(window)),
        context_(*setup.worker),
        out_(setup, context_) {
    set_port(out_.core());
    set_gate(window_.get());
  }

  [[nodiscard]] std::size_t branches() const noexcept override {
    return StageLoop::branches() + slots() * StageLoop::branches();
  }
  [[nodiscard]] const BranchCounts& branch(std::size_t index) const noexcept override {
    const std::size_t own = StageLoop::branches();
    if constexpr (!std::is_same_v<Out, NoOutput>) {
      if (index >= own) {
        return window_->slots()[(index - own) / own]->counts((index - own) % own);
      }
    }
    return StageLoop::branch(index);
  }

 private:
  static constexpr bool kSink = std::is_same_v<Out, NoOutput>;

  struct Aside final : SetAside {
    explicit Aside(In&& what) : item(std::move(what)) {}
    In item;
  };

  // ---- items ---------------------------------------------------------------------------------------

  // No more than what is left of this worker's share, but one item.
  GetManyResult get_items(std::size_t max) {
    const std::size_t most = bytes_left();
    if constexpr (kFixedWeight<In>) {
      const std::size_t fit = most / sizeof(In) > 0 ? most / sizeof(In) : 1;
      return lane_->try_get_many(items_, fit < max ? fit : max);
    } else {
      weights_.clear();
      if (!lane_->weighs()) return lane_->try_get_many(items_, max);
      return lane_->try_get_weighed(items_, max, most, weights_);
    }
  }
  std::size_t weight_of_taken(std::size_t index) const noexcept override {
    if constexpr (kFixedWeight<In>) {
      return sizeof(In);
    } else {
      return index < weights_.size() ? weights_[index] : 0;
    }
  }
  Taken take_batch(std::size_t max) noexcept override {
    Taken taken;
    const std::size_t before = items_.size();
    try {
      const GetManyResult got = get_items(max);
      taken = {.first = got.first, .status = got.status};
    } catch (...) {
      fail_phase(worker(), "taking an item");
      taken.status = GetStatus::stopped;
    }
    taken.count = items_.size() - before;
    return taken;
  }
  void discard_batch() noexcept override {
    while (!items_.empty()) items_.pop();
  }
  std::size_t items_held() const noexcept override { return items_.size(); }
  void encode_item(std::size_t index, Bytes& to, BlockSink* blocks) override {
    encode(items_.at(index), to, blocks);
  }
  void drop_first_item() noexcept override { items_.pop(); }
  std::unique_ptr<SetAside> set_first_aside() override {
    return std::make_unique<Aside>(std::move(items_.front()));
  }
  void readmit(SetAside& item) override {
    items_.push_back(std::move(static_cast<Aside&>(item).item));
  }

  Verdict judge_first(unsigned attempt) noexcept override {
    const std::uint64_t item = next_number();
    if constexpr (Tellable<In>) {
      const PayloadOf<In> payload(items_.front());
      return judge_failure(worker(), {.item = item, .attempt = attempt, .payload = &payload});
    } else {
      return judge_failure(worker(), {.item = item, .attempt = attempt});
    }
  }
  void tell_first(DeadLetter& letter) noexcept override {
    if constexpr (Tellable<In>) tell(letter, PayloadOf<In>(items_.front()));
  }

  // ---- outputs -------------------------------------------------------------------------------------

  void begin_outputs(std::uint64_t number) noexcept override {
    if constexpr (!kSink) {
      if (gate() == nullptr) return;
      OutPort<Out>& port = window_->slot(number);
      port.allow_direct(begin_number(number));
      out_.select(port);
    }
  }
  void stage_output(std::span<const std::byte> bytes, BlockSource* blocks) override {
    if constexpr (kSink) {
      throw DecodeError(0, "sink", "a sink has no outputs");
    } else {
      out_.emitter().emit(decode<Out>(bytes, blocks));
    }
  }
  void commit_outputs() override { out_.commit(); }
  void discard_outputs() noexcept override { out_.discard(); }
  void end_outputs() noexcept override {
    if constexpr (!kSink) {
      if (gate() != nullptr) out_.select_own();
    }
  }

  bool publish_outputs() override { return delivers_from_own() ? out_.publish() : deliver_turn(); }
  void abandon_outputs() noexcept override { out_.abandon(); }

  std::size_t slots() const noexcept {
    if constexpr (kSink) {
      return 0;
    } else {
      return window_ == nullptr || worker().worker() != 0 ? 0 : window_->slots().size();
    }
  }
  PortCore& slot_of(std::uint64_t number) noexcept override {
    if constexpr (kSink) {
      return *own_port();
    } else {
      return window_->slot(number);
    }
  }
  bool publish_slot(std::uint64_t number) override {
    if constexpr (kSink) {
      return true;
    } else {
      return window_->slot(number).publish();
    }
  }
  void abandon_slot(std::uint64_t number) noexcept override {
    if constexpr (!kSink) window_->slot(number).abandon();
  }
  void abandon_slots() noexcept override {
    if constexpr (!kSink) {
      for (const auto& slot : window_->slots()) slot->abandon();
    }
  }

  Queue<In>* lane_;
  std::shared_ptr<Window> window_;
  Context context_;
  OutputSide<Out> out_;
  ItemFifo<In> items_;
  ItemVector<std::size_t> weights_;  // of the last take's items, where they are weighed
};

}  // namespace sluice::detail
