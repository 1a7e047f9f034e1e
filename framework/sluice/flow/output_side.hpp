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
        emitter_(port_, context, setup.worker->stage().streaming),
        current_(&port_) {}
  OutputSide(const OutputSide&) = delete;
  OutputSide& operator=(const OutputSide&) = delete;

  [[nodiscard]] Emitter<Out>& emitter() noexcept { return emitter_; }
  [[nodiscard]] PortCore* core() noexcept { return &port_; }
  [[nodiscard]] OutPort<Out>& port() noexcept { return port_; }
  /// From now on outputs go to that port: the worker's own, or that of a slot.
  void select(OutPort<Out>& port) noexcept {
    current_ = &port;
    EmitterAccess::point(emitter_, port);
  }
  void select_own() noexcept { select(port_); }

  [[nodiscard]] bool direct() const noexcept { return current_->direct(); }
  void commit() { current_->commit(); }
  void give_back(Out& item) noexcept { current_->give_back(item); }
  void discard() noexcept { current_->discard(); }
  /// Of the worker's own port.
  [[nodiscard]] bool publish() { return port_.publish(); }
  void abandon() noexcept { port_.abandon(); }

 private:
  OutPort<Out> port_;
  Emitter<Out> emitter_;
  OutPort<Out>* current_;
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
