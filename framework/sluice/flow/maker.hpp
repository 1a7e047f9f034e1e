// sluice/flow/maker.hpp: makes a stage's edges and steps; the one typed thing a pipeline holds.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/callable.hpp>
#include <sluice/flow/endpoint.hpp>
#include <sluice/flow/item_server.hpp>
#include <sluice/flow/remote_step.hpp>
#include <sluice/flow/remote_worker.hpp>
#include <sluice/flow/source_step.hpp>
#include <sluice/flow/stage_step.hpp>
#include <sluice/flow/step.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace sluice::detail {

/// How items of a type are weighed, for the plan.
struct ItemWeight {
  std::size_t size = 0;  ///< what each weighs at least
  bool fixed = true;     ///< and at most
  bool in_full = true;   ///< all that one may own is seen (weight.hpp)
};
template <class T>
[[nodiscard]] constexpr ItemWeight item_weight() noexcept {
  return {sizeof(T), kFixedWeight<T>, is_weighed_in_full_v<T>};
}

/// A stage during one run: holds what its workers share.
class StageInstance {
 public:
  StageInstance() = default;
  StageInstance(const StageInstance&) = delete;
  StageInstance& operator=(const StageInstance&) = delete;
  virtual ~StageInstance() = default;
  [[nodiscard]] virtual std::unique_ptr<StepBody> make_step(const StepSetup& setup) = 0;
  /// The step of a worker whose function runs in a process; null when the stage can't run in one.
  [[nodiscard]] virtual std::unique_ptr<StepBody> make_remote_step(const StepSetup&,
                                                                   RemoteWorker&) {
    return nullptr;
  }
  /// The other end of that, in the process. Has the user's object. Null as above.
  [[nodiscard]] virtual std::unique_ptr<ItemServer> make_server(WorkerState&) { return nullptr; }
};

class StageMaker {
 public:
  StageMaker() = default;
  StageMaker(const StageMaker&) = delete;
  StageMaker& operator=(const StageMaker&) = delete;
  virtual ~StageMaker() = default;

  /// The input edge; null for sources.
  [[nodiscard]] virtual std::unique_ptr<EdgeBase> make_edge(EdgeSpec spec) const = 0;
  /// Why the stage can't run in a process; empty when it can.
  [[nodiscard]] virtual std::string process_refusal() const {
    return "it belongs to the coordinating process";
  }
  /// Of the items of the input edge.
  [[nodiscard]] virtual ItemWeight weight() const noexcept { return {}; }
  /// Begins a run. Throws UsageError when the user's object can't be had a second time.
  [[nodiscard]] virtual std::unique_ptr<StageInstance> open(std::size_t workers) = 0;
  /// The application's end of an inlet's or an outlet's edge; null for stages.
  [[nodiscard]] virtual std::unique_ptr<Endpoint> make_endpoint(EdgeBase&, WorkerState&,
                                                                Endpoint::Listener&) const {
    return nullptr;
  }
};

/// A body that any process may have a copy of, since nothing of an item stays in it.
template <class Body, class Out>
inline constexpr bool kStateless = !BodyWithTimer<Body, Out> && !PacedBody<Body> &&
                                   !BodyThatHoldsItems<Body> && !BodyThatKeepsState<Body>;

template <class In, class Out, class Body>
[[nodiscard]] consteval bool can_be_remote() {
  if constexpr (std::is_same_v<In, NoOutput>) {
    return false;
  } else {
    return portable<In> && kPortableOutput<Out> && kStateless<Body, Out>;
  }
}

template <class In, class Out, class Body>
[[nodiscard]] std::string process_refusal_of() {
  if constexpr (std::is_same_v<In, NoOutput>) {
    return "it is a source, and sources stay in the coordinating process";
  } else if constexpr (!kStateless<Body, Out>) {
    return "it keeps something of its items (a finish(), a timer, a state), which would die with "
           "the "
           "process";
  } else if constexpr (!portable<In>) {
    return "its input can't leave this process: " + portability_fault<In>();
  } else if constexpr (!kPortableOutput<Out>) {
    return "its output can't leave its process: " + portability_fault<Out>();
  }
  return {};
}

/// `Open` is called with the number of workers and returns a callable that makes one worker's body.
template <class In, class Out, class Open>
class TypedMaker final : public StageMaker {
 public:
  explicit TypedMaker(Open open) : open_(std::move(open)) {}

  [[nodiscard]] std::unique_ptr<EdgeBase> make_edge(EdgeSpec spec) const override {
    if constexpr (std::is_same_v<In, NoOutput>) {
      return nullptr;
    } else {
      return std::make_unique<Edge<In>>(std::move(spec));
    }
  }
  [[nodiscard]] ItemWeight weight() const noexcept override { return item_weight<In>(); }

  [[nodiscard]] std::unique_ptr<StageInstance> open(std::size_t workers) override {
    return std::make_unique<Instance>(open_(workers));
  }
  [[nodiscard]] std::string process_refusal() const override {
    return process_refusal_of<In, Out, Body>();
  }

 private:
  using MakeBody = decltype(std::declval<Open&>()(std::size_t{}));
  using Body = decltype(std::declval<MakeBody&>()());

  class Instance final : public StageInstance {
   public:
    explicit Instance(MakeBody make) : make_(std::move(make)) {}
    [[nodiscard]] std::unique_ptr<StepBody> make_step(const StepSetup& setup) override {
      if constexpr (std::is_same_v<In, NoOutput>) {
        return std::make_unique<SourceStep<Out, Body>>(setup, make_());
      } else {
        return std::make_unique<StageStep<In, Out, Body>>(setup, make_(), window(setup));
      }
    }

    [[nodiscard]] std::unique_ptr<StepBody> make_remote_step(const StepSetup& setup,
                                                             RemoteWorker& remote) override {
      if constexpr (can_be_remote<In, Out, Body>()) {
        return std::make_unique<RemoteStep<In, Out>>(setup, remote, window(setup));
      } else {
        return StageInstance::make_remote_step(setup, remote);
      }
    }
    [[nodiscard]] std::unique_ptr<ItemServer> make_server(WorkerState& worker) override {
      if constexpr (can_be_remote<In, Out, Body>()) {
        return std::make_unique<BodyServer<In, Out, Body>>(worker, make_());
      } else {
        return StageInstance::make_server(worker);
      }
    }

   private:
    [[nodiscard]] auto window(const StepSetup& setup) {
      using Window = typename StageStep<In, Out, Body>::Window;
      std::shared_ptr<Window> mine;
      if constexpr (!std::is_same_v<Out, NoOutput>) {
        const std::size_t size = setup.worker->stage().window;
        if (size != 0 && window_ == nullptr) {
          window_ = std::make_shared<Window>(size, setup.outputs, *setup.worker,
                                             setup.input->lane(setup.lane));
        }
        mine = std::static_pointer_cast<Window>(window_);
      }
      return mine;
    }

    MakeBody make_;
    std::shared_ptr<void> window_;  // of the stage's type, where it keeps an order
  };

  Open open_;
};

template <class In, class Out, class Open>
[[nodiscard]] std::unique_ptr<StageMaker> make_maker(Open open) {
  return std::make_unique<TypedMaker<In, Out, Open>>(std::move(open));
}

/// An inlet is a stage that passes on what application code has put into its edge.
template <class T>
class InletMaker final : public StageMaker {
 public:
  [[nodiscard]] std::unique_ptr<EdgeBase> make_edge(EdgeSpec spec) const override {
    return std::make_unique<Edge<T>>(std::move(spec));
  }
  [[nodiscard]] ItemWeight weight() const noexcept override { return item_weight<T>(); }
  [[nodiscard]] std::unique_ptr<StageInstance> open(std::size_t) override {
    return std::make_unique<Instance>();
  }
  [[nodiscard]] std::unique_ptr<Endpoint> make_endpoint(EdgeBase& edge, WorkerState& state,
                                                        Endpoint::Listener&) const override {
    return std::make_unique<InletPort<T>>(edge, state);
  }

 private:
  struct PassOn {
    static constexpr bool kReadsOnly = false;
    void process(T&& item, Emitter<T>& out, Context&) {
      EmitterAccess::emit_final<T>(out, std::move(item));
    }
  };
  class Instance final : public StageInstance {
   public:
    [[nodiscard]] std::unique_ptr<StepBody> make_step(const StepSetup& setup) override {
      return std::make_unique<StageStep<T, T, PassOn>>(setup, PassOn{});
    }
  };
};

/// An outlet has an edge and no worker: application code takes from it.
template <class T>
class OutletMaker final : public StageMaker {
 public:
  [[nodiscard]] std::unique_ptr<EdgeBase> make_edge(EdgeSpec spec) const override {
    return std::make_unique<Edge<T>>(std::move(spec));
  }
  [[nodiscard]] ItemWeight weight() const noexcept override { return item_weight<T>(); }
  [[nodiscard]] std::unique_ptr<StageInstance> open(std::size_t) override { return nullptr; }
  [[nodiscard]] std::unique_ptr<Endpoint> make_endpoint(
      EdgeBase& edge, WorkerState& state, Endpoint::Listener& listener) const override {
    return std::make_unique<OutletPort<T>>(edge, state, listener);
  }
};

/// The usual Open: every worker gets Body(instance of the prototype).
template <class Body, class F>
[[nodiscard]] auto open_prototype(F object) {
  return [prototype = Prototype<F>(std::move(object))](std::size_t) mutable {
    return [&prototype] { return Body(prototype.instance()); };
  };
}

}  // namespace sluice::detail
