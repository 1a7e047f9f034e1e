// sluice/flow/output_side.hpp: port and emitter of a worker, or their absence in a sink.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/flow/port.hpp>
#include <sluice/flow/step.hpp>

#include <cstddef>

namespace sluice::detail {

template <class Out>
class OutputSide {
 public:
  OutputSide(const StepSetup& setup, Context& context)
      : port_(setup.outputs, *setup.worker),
        emitter_(port_, context, setup.worker->stage().streaming) {}

  [[nodiscard]] Emitter<Out>& emitter() noexcept { return emitter_; }
  void publish_counts() noexcept { port_.publish_counts(); }
  [[nodiscard]] bool uncommitted() const noexcept { return port_.uncommitted(); }
  void commit() { port_.commit(); }
  void discard() noexcept { port_.discard(); }
  [[nodiscard]] bool publish() { return port_.publish(); }
  [[nodiscard]] bool pending() const noexcept { return port_.pending(); }
  void abandon() noexcept { port_.abandon(); }
  void close() noexcept { port_.close(); }
  [[nodiscard]] bool open() const noexcept { return port_.open(); }
  [[nodiscard]] QueueCore* full() const noexcept { return port_.full(); }
  [[nodiscard]] EdgeBase* full_edge() const noexcept { return port_.full_edge(); }
  [[nodiscard]] std::size_t branches() const noexcept { return port_.branches(); }
  [[nodiscard]] const BranchCounts& branch(std::size_t index) const noexcept {
    return port_.counts(index);
  }

 private:
  OutPort<Out> port_;
  Emitter<Out> emitter_;
};

template <>
class OutputSide<NoOutput> {
 public:
  OutputSide(const StepSetup&, Context& context) : emitter_(context) {}

  [[nodiscard]] Emitter<NoOutput>& emitter() noexcept { return emitter_; }
  void publish_counts() noexcept {}
  [[nodiscard]] bool uncommitted() const noexcept { return false; }
  void commit() noexcept {}
  void discard() noexcept {}
  [[nodiscard]] bool publish() noexcept { return true; }
  [[nodiscard]] bool pending() const noexcept { return false; }
  void abandon() noexcept {}
  void close() noexcept {}
  [[nodiscard]] bool open() const noexcept { return true; }
  [[nodiscard]] QueueCore* full() const noexcept { return nullptr; }
  [[nodiscard]] EdgeBase* full_edge() const noexcept { return nullptr; }
  [[nodiscard]] std::size_t branches() const noexcept { return 0; }
  [[nodiscard]] const BranchCounts& branch(std::size_t) const noexcept {
    static const BranchCounts none;
    return none;
  }

 private:
  Emitter<NoOutput> emitter_;
};

}  // namespace sluice::detail
