// sluice/flow/order_window.hpp: the slots of an ordered stage: a port for each number in the window.
//
// A worker emits an item's outputs straight into the port of the item's slot and commits them there, so
// what a key or a predicate throws is its own item's failure. Who holds the turn publishes the ports in
// the order of their numbers.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/order_gate.hpp>
#include <sluice/flow/port.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::detail {

template <class Out>
class OrderWindow final : public OrderGate {
 public:
  OrderWindow(std::size_t window, std::span<const OutputBinding> outputs, WorkerState& worker,
              QueueCore& input)
      : OrderGate(window, worker.stage().workers, worker.control(), input, memory_of(outputs)) {
    slots_.reserve(window);
    for (std::size_t i = 0; i < window; ++i) {
      slots_.push_back(std::make_unique<OutPort<Out>>(outputs, worker, kKeptPerSlot));
    }
  }

  [[nodiscard]] OutPort<Out>& slot(std::uint64_t number) noexcept {
    return *slots_[number % slots_.size()];
  }
  [[nodiscard]] const std::vector<std::unique_ptr<OutPort<Out>>>& slots() const noexcept {
    return slots_;
  }

 private:
  static constexpr std::size_t kKeptPerSlot = 16;

  // The most careful one of the edges behind.
  [[nodiscard]] static MemoryShare* memory_of(std::span<const OutputBinding> outputs) noexcept {
    MemoryShare* least = nullptr;
    for (const OutputBinding& output : outputs) {
      MemoryShare* const share = output.edge->memory();
      if (share != nullptr && (least == nullptr || share->limit() < least->limit())) least = share;
    }
    return least;
  }

  std::vector<std::unique_ptr<OutPort<Out>>> slots_;
};

}  // namespace sluice::detail
