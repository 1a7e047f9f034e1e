// sluice/flow/source_step.hpp: the typed part of a source: its body and its outputs.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/output_side.hpp>
#include <sluice/flow/source_loop.hpp>
#include <sluice/flow/stage_step.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace sluice::detail {

template <class Out, class Body>
class SourceStep final : public SourceLoop {
 public:
  SourceStep(const StepSetup& setup, Body body)
      : SourceLoop(*setup.worker),
        context_(*setup.worker),
        out_(setup, context_),
        body_(std::in_place, std::move(body)) {
    set_port(out_.core());
  }

 private:
  void start_body() override {
    if constexpr (BodyWithStart<Body>) body_->start(context_);
  }
  bool finish_body() override { return finish_body_of(*body_, out_); }
  void end_body() noexcept override { body_.reset(); }
  bool publish_outputs() override { return out_.publish(); }
  void abandon_outputs() noexcept override { out_.abandon(); }

  std::size_t pull(std::size_t max) noexcept override {
    std::size_t calls = 0;
    for (; calls < max && go_on(); ++calls) {
      begin_call();
      bool more = true;
      try {
        more = body_->next(out_.emitter(), context_);
        if (!out_.direct()) out_.commit();
        end_call(more);
      } catch (...) {
        out_.discard();
        fail_call();
        if (!more) end_source();
      }
      if (!out_.direct()) deliver();
    }
    return calls;
  }

  Context context_;
  OutputSide<Out> out_;
  std::optional<Body> body_;  // until the worker leaves
};

}  // namespace sluice::detail
