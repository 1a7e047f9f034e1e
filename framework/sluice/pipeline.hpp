// sluice/pipeline.hpp: describes a pipeline: its sources, and through their streams all the rest.
//
// Describing has no effects: no file is opened, no thread or queue is made. So a description can be
// listed, drawn, checked and run any number of times, also at the same time.
// Layer: pipeline. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/bodies.hpp>
#include <sluice/flow/graph.hpp>
#include <sluice/stream.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

/// A pipeline under construction, and what is run.
///
/// Threads: build it on one thread; a built pipeline may be read and run by any number.
class Pipeline {
 public:
  explicit Pipeline(std::string name = "pipeline");

  /// A source: a callable without arguments that returns std::optional<T> (empty ends it), or a
  /// class with `using Out` and `bool next(Emitter<Out>&)` (false ends it), optionally with
  /// `start(Context&)` and `finish(Emitter<Out>&)`.
  template <class S>
  [[nodiscard]] auto source(std::string name, S object, SourceOptions options = {}) {
    using Object = detail::instance_t<S>;
    if constexpr (requires { typename Object::Out; }) {
      using Out = typename Object::Out;
      return add_source<Out, detail::SourceBody<Out, Object>>(std::move(name), std::move(object),
                                                              options);
    } else {
      using Result = std::remove_cvref_t<detail::call_result_t<Object>>;
      if constexpr (detail::IsOptional<Result>::value) {
        using Out = typename detail::IsOptional<Result>::value_type;
        return add_source<Out, detail::GeneratorBody<Out, Object>>(std::move(name),
                                                                   std::move(object), options);
      } else {
        static_assert(detail::IsOptional<Result>::value,
                      "sluice: a source function returns std::optional<T>; empty ends it");
        return Stream<detail::Unusable>(detail::StreamEnds{graph_, {}});
      }
    }
  }
  /// A source function that emits any number per call: `bool fn(Emitter<Out>&)`, false ends it.
  template <class Out, class F>
  [[nodiscard]] Stream<Out> source(std::string name, F fn, SourceOptions options = {}) {
    return add_source<Out, detail::SourceBody<Out, detail::instance_t<F>>>(std::move(name),
                                                                           std::move(fn), options);
  }

  /// A source that application code feeds while the pipeline runs: RunHandle::inlet<T>(name).
  /// `options.capacity` bounds what was put and not yet passed on.
  template <class T>
  [[nodiscard]] Stream<T> inlet(std::string name, StageOptions options = {}) {
    options.workers = 1;
    const std::size_t stage = graph_->add({.name = std::move(name),
                                           .kind = "inlet",
                                           .role = detail::StageRole::inlet,
                                           .options = std::move(options),
                                           .in = detail::type_key<T>(),
                                           .out = detail::type_key<T>(),
                                           .maker = std::make_shared<detail::InletMaker<T>>()});
    return Stream<T>(detail::ends_of(graph_, stage));
  }

  /// The output of a stage by its name, for pipelines put together at run time. A name that does
  /// not exist, or whose items are of another type, is a fault that validation reports.
  template <class T>
  [[nodiscard]] Stream<T> stream(const std::string& stage) {
    return Stream<T>(detail::StreamEnds{graph_, {checked_output(stage, detail::type_key<T>())}});
  }

  /// Calls `build` and returns what it returns. Stages added meanwhile are named `name/stage`, so a function
  /// that takes and returns streams can be used several times in a pipeline, and in another such function:
  ///
  ///     auto texts = p.nest("left", [&] { return read_all(p, left); });   // left/walk, left/read
  ///
  /// Options on the command line, reports and p.stream() use the whole name.
  /// Throws  UsageError for a name that is empty or has a slash; what `build` throws.
  template <class Build>
  decltype(auto) nest(std::string_view name, Build&& build) {
    const detail::NameScope scope(*graph_, name);
    return std::forward<Build>(build)();
  }

  [[nodiscard]] const std::string& name() const noexcept { return graph_->name; }
  /// All faults, one line each; empty when the pipeline can be run.
  [[nodiscard]] std::vector<std::string> faults() const { return graph_->check(); }
  /// The engine's view.
  [[nodiscard]] const detail::Graph& graph() const noexcept { return *graph_; }
  [[nodiscard]] const std::shared_ptr<detail::Graph>& shared_graph() const noexcept {
    return graph_;
  }

 private:
  template <class Out, class Body, class S>
  Stream<Out> add_source(std::string name, S object, const SourceOptions& options) {
    auto maker = detail::make_maker<NoOutput, Out>(detail::open_prototype<Body>(std::move(object)));
    const std::size_t stage = detail::add_source(
        *graph_, detail::declared<S>(std::move(name), "source", detail::stage_options(options)),
        detail::type_key<Out>(), std::move(maker));
    return Stream<Out>(detail::ends_of(graph_, stage));
  }

  [[nodiscard]] detail::Origin checked_output(const std::string& stage, detail::TypeKey wanted);

  std::shared_ptr<detail::Graph> graph_{};
};

}  // namespace sluice
