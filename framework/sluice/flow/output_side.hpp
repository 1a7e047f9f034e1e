// sluice/flow/output_side.hpp: port and emitter of a worker, or their absence in a sink.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/flow/port.hpp>
#include <sluice/flow/step.hpp>

namespace sluice::detail {

template <class Out>
class OutputSide {
 public:
  OutputSide(const StepSetup& setup, Context& context)
      : port_(setup.outputs, *setup.worker),
        emitter_(port_, context, setup.worker->stage().streaming) {}

  [[nodiscard]] Emitter<Out>& emitter() noexcept { return emitter_; }
  [[nodiscard]] PortCore* core() noexcept { return &port_; }
  [[nodiscard]] bool direct() const noexcept { return port_.direct(); }
  [[nodiscard]] bool pending() const noexcept { return port_.pending(); }
  [[nodiscard]] bool open() const noexcept { return port_.open(); }
  void commit() { port_.commit(); }
  void give_back(Out& item) noexcept { port_.give_back(item); }
  void discard() noexcept { port_.discard(); }
  [[nodiscard]] bool publish() { return port_.publish(); }
  void abandon() noexcept { port_.abandon(); }

 private:
  OutPort<Out> port_;
  Emitter<Out> emitter_;
};

template <>
class OutputSide<NoOutput> {
 public:
  OutputSide(const StepSetup&, Context& context) : emitter_(context) {}

  [[nodiscard]] Emitter<NoOutput>& emitter() noexcept { return emitter_; }
  [[nodiscard]] PortCore* core() noexcept { return nullptr; }
  [[nodiscard]] bool direct() const noexcept { return true; }
  [[nodiscard]] bool pending() const noexcept { return false; }
  [[nodiscard]] bool open() const noexcept { return true; }
  void commit() noexcept {}
  void discard() noexcept {}
  [[nodiscard]] bool publish() noexcept { return true; }
  void abandon() noexcept {}

 private:
  Emitter<NoOutput> emitter_;
};

}  // namespace sluice::detail
