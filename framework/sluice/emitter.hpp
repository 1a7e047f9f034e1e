// sluice/emitter.hpp: the output end of a stage, as its user code sees it.
// Layer: stage. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/context.hpp>
#include <sluice/flow/port.hpp>

#include <utility>

namespace sluice {

namespace detail {
struct EmitterAccess;
}

/// Takes the outputs of a stage. Given to flat_map functions, class stages and sources.
///
/// Outputs of one item are staged until the callback returns: a throw discards them, so a retry or
/// a dead letter never leaks half an item. Once the callback has returned they are visible to the
/// next stage at once, even if this one then computes for an hour.
/// Blocks   never; except in a `.streaming` stage, where emit waits for room downstream and an
///          output is visible as soon as emit has returned.
/// Threads  only from the callback it was given to.
template <class Out>
class Emitter {
 public:
  Emitter(detail::OutPort<Out>& port, Context& context, bool streaming) noexcept
      : port_(&port), context_(&context), streaming_(streaming) {}

  /// Emits one output. Throws what moving it throws, and std::bad_alloc.
  void emit(Out output) {
    port_->stage(std::move(output));
    if (streaming_) port_->publish_blocking();
  }

  /// False once nobody downstream wants more, or, in a source, once the run is stopping: then
  /// return from next().
  [[nodiscard]] bool open() const noexcept {
    return port_->open() && !detail::is_stopped_source(*context_);
  }

  /// The worker's context.
  [[nodiscard]] Context& context() const noexcept { return *context_; }

 private:
  friend struct detail::EmitterAccess;

  detail::OutPort<Out>* port_;
  Context* context_;
  bool streaming_;
};

/// The output type of stages without output.
struct NoOutput {};

/// A stage without output has nothing to emit to.
template <>
class Emitter<NoOutput> {
 public:
  explicit Emitter(Context& context) noexcept : context_(&context) {}
  [[nodiscard]] Context& context() const noexcept { return *context_; }

 private:
  Context* context_;
};

namespace detail {

/// For the ready-made bodies: an output that is the callback's last act needs no staging.
struct EmitterAccess {
  template <class Out>
  static void point(Emitter<Out>& emitter, OutPort<Out>& port) noexcept {
    emitter.port_ = &port;
  }
  template <class Out>
  [[gnu::always_inline]] static void emit_final(Emitter<Out>& emitter, Out&& output) {
    if (emitter.port_->direct()) [[likely]] {
      emitter.port_->put_direct(std::move(output));
    } else {
      emitter.port_->stage(std::move(output));
      if (emitter.streaming_) emitter.port_->publish_blocking();
    }
  }
};

}  // namespace detail
}  // namespace sluice
