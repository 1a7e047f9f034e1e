// sluice/stage.hpp: the stages a user can write, each a value that `stream | stage` connects.
//
// A declaration names itself, holds the user's callable and options, and knows for an input type
// whether it fits and what comes out. Nothing runs here.
// Layer: stage. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/bodies.hpp>
#include <sluice/flow/maker.hpp>
#include <sluice/options.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace sluice {

/// False, with both types in its name, when a stage does not accept what a stream carries.
template <class Got, class Wanted>
inline constexpr bool stage_accepts = false;

namespace detail {

/// What every declaration carries.
struct Declared {
  std::string name{};
  std::string kind{};
  StageOptions options{};
  bool many = true;           ///< more than one worker is possible
  std::string many_reason{};  ///< why not
  bool has_output = true;
  bool gathers = false;   ///< an output holds what several items brought
  bool finishes = false;  ///< it may emit when its input has ended
};

template <class F>
[[nodiscard]] Declared declared(std::string name, std::string kind, StageOptions options) {
  return {.name = std::move(name),
          .kind = std::move(kind),
          .options = std::move(options),
          .many = Prototype<F>::kMany,
          .many_reason = "its callable can't be copied; give a factory()"};
}

[[nodiscard]] StageOptions stage_options(const SinkOptions& options);
[[nodiscard]] StageOptions stage_options(const SourceOptions& options);

template <class F>
struct MapDecl {
  using Wanted = wanted_t<instance_t<F>>;
  template <class In>
  static constexpr bool kWithoutResult = without_result<instance_t<F>, In>;
  template <class In>
  static constexpr bool kAccepts = CallableWith<instance_t<F>, In> && !kWithoutResult<In>;
  template <class In>
  static constexpr bool kReadsOnly = reads_only<instance_t<F>, In>;
  template <class In>
  static auto out_of() {
    using Result = std::remove_cvref_t<call_result_t<instance_t<F>, In>>;
    if constexpr (IsOptional<Result>::value && !kPassOptional) {
      return std::type_identity<typename IsOptional<Result>::value_type>{};
    } else {
      return std::type_identity<Result>{};
    }
  }
  template <class In>
  using Out = typename decltype(out_of<In>())::type;

  template <class In>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    using Fn = instance_t<F>;
    using Result = std::remove_cvref_t<call_result_t<Fn, In>>;
    if constexpr (std::same_as<Result, Out<In>>) {
      return make_maker<In, Out<In>>(open_prototype<MapBody<In, Out<In>, Fn>>(std::move(object)));
    } else {
      return make_maker<In, Out<In>>(
          open_prototype<OptionalMapBody<In, Out<In>, Fn>>(std::move(object)));
    }
  }

  static constexpr bool kPassOptional = false;
  Declared base;
  F object;
};

template <class F>
struct MapOptionalDecl {
  using Wanted = wanted_t<instance_t<F>>;
  template <class In>
  static constexpr bool kWithoutResult = without_result<instance_t<F>, In>;
  template <class In>
  static constexpr bool kAccepts = CallableWith<instance_t<F>, In> && !kWithoutResult<In>;
  template <class In>
  static constexpr bool kReadsOnly = reads_only<instance_t<F>, In>;
  template <class In>
  using Out = std::remove_cvref_t<call_result_t<instance_t<F>, In>>;
  template <class In>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    return make_maker<In, Out<In>>(
        open_prototype<MapBody<In, Out<In>, instance_t<F>>>(std::move(object)));
  }
  Declared base;
  F object;
};

template <class F>
struct FilterDecl {
  using Wanted = wanted_t<instance_t<F>>;
  template <class In>
  static constexpr bool kAccepts = CallableWith<instance_t<F>, const In&>;
  template <class In>
  static constexpr bool kReadsOnly = FilterBody<In, instance_t<F>>::kReadsOnly;
  template <class In>
  using Out = In;
  template <class In>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    return make_maker<In, In>(open_prototype<FilterBody<In, instance_t<F>>>(std::move(object)));
  }
  Declared base;
  F object;
};

template <class Output, class F>
struct FlatMapDecl {
  using Wanted = wanted_t<instance_t<F>>;
  template <class In>
  static constexpr bool kAccepts = std::invocable<instance_t<F>&, In, Emitter<Output>&>;
  template <class In>
  static constexpr bool kReadsOnly = reads_only<instance_t<F>, In>;
  template <class>
  using Out = Output;
  template <class In>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    return make_maker<In, Output>(
        open_prototype<FlatMapBody<In, Output, instance_t<F>>>(std::move(object)));
  }
  Declared base;
  F object;
};

template <class S, class In>
concept StageClassFor = requires(S& stage, In item, Emitter<typename S::Out>& out) {
  stage.process(std::move(item), out);
};
template <class S, class In>
concept SinkClassFor = requires(S& sink, In item) {
  sink.process(std::move(item));
};

template <class S>
concept MayEmitLast = requires(S& object, Emitter<typename S::Out>& out) {
  object.finish(out);
};

template <class F>
struct ClassDecl {
  using S = instance_t<F>;
  using Wanted = wanted_t<S>;
  template <class In>
  static constexpr bool kAccepts = StageClassFor<S, In>;
  template <class In>
  static constexpr bool kReadsOnly = reads_only<S, In>;
  template <class>
  using Out = typename S::Out;
  template <class In>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    return make_maker<In, typename S::Out>(open_prototype<ClassBody<In, S>>(std::move(object)));
  }
  Declared base;
  F object;
};

template <class F>
struct SinkDecl {
  using S = instance_t<F>;
  using Wanted = wanted_t<S>;
  template <class In>
  static constexpr bool kAccepts = CallableWith<S, In> || SinkClassFor<S, In>;
  template <class In>
  static constexpr bool kReadsOnly = reads_only<S, In>;
  template <class>
  using Out = NoOutput;
  template <class In>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    if constexpr (CallableWith<S, In>) {
      return make_maker<In, NoOutput>(open_prototype<SinkBody<In, S>>(std::move(object)));
    } else {
      return make_maker<In, NoOutput>(open_prototype<SinkClassBody<In, S>>(std::move(object)));
    }
  }
  Declared base;
  F object;
};

template <class T>
struct OutletDecl {
  using Wanted = T;
  template <class In>
  static constexpr bool kAccepts = std::same_as<T, In>;
  template <class>
  using Out = NoOutput;
  template <class>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    return std::make_unique<OutletMaker<T>>();
  }
  Declared base;
};

}  // namespace detail

/// One output per input: `fn(In)`, `fn(In, Context&)`, or a member of the item (`&Hit::page`, also a const
/// function). A std::optional result filters: an empty one is counted as filtered, a full one passes its value
/// on. As everywhere, an object's `start(Context&)` is called once by each worker, before its first item.
template <class F>
[[nodiscard]] auto map(std::string name, F fn, StageOptions options = {}) {
  using Function = detail::function_t<F>;
  return detail::MapDecl<Function>{
      detail::declared<Function>(std::move(name), "map", std::move(options)),
      detail::as_function(std::move(fn))};
}

/// Like map, but a std::optional result is an output like any other.
template <class F>
[[nodiscard]] auto map_optional(std::string name, F fn, StageOptions options = {}) {
  using Function = detail::function_t<F>;
  return detail::MapOptionalDecl<Function>{
      detail::declared<Function>(std::move(name), "map", std::move(options)),
      detail::as_function(std::move(fn))};
}

/// Passes on the items for which `keep(const In&)` is true; the others are counted as filtered.
template <class F>
[[nodiscard]] auto filter(std::string name, F keep, StageOptions options = {}) {
  using Function = detail::function_t<F>;
  return detail::FilterDecl<Function>{
      detail::declared<Function>(std::move(name), "filter", std::move(options)),
      detail::as_function(std::move(keep))};
}

/// Any number of outputs per input: `fn(In, Emitter<Out>&)`.
template <class Out, class F>
[[nodiscard]] auto flat_map(std::string name, F fn, StageOptions options = {}) {
  return detail::FlatMapDecl<Out, F>{
      detail::declared<F>(std::move(name), "flat_map", std::move(options)), std::move(fn)};
}

/// A class with `using Out`, `process(In, Emitter<Out>&)` and optionally `start(Context&)` and
/// `finish(Emitter<Out>&)`; a finish that returns true is called again once its outputs fitted.
/// Each worker has an object of its own: a copy of `object`, or what its factory() makes.
///
/// What an object keeps from one item to the next would die with a worker process. A class with a
/// finish() is known to keep something; any other callable that does, of whatever stage, is to say
/// `static constexpr bool keeps_state = true;`, and is refused on Carrier::process.
template <class S>
[[nodiscard]] auto stage(std::string name, S object, StageOptions options = {}) {
  detail::Declared base = detail::declared<S>(std::move(name), "stage", std::move(options));
  base.finishes = detail::MayEmitLast<detail::instance_t<S>>;
  return detail::ClassDecl<S>{std::move(base), std::move(object)};
}

/// The end of a branch: `fn(In)`, `fn(In, Context&)`, or a class with `process(In)` and optionally
/// `start(Context&)` and `finish()`. May return Demand; Demand::enough ends the branch early.
template <class F>
[[nodiscard]] auto sink(std::string name, F fn, SinkOptions options = {}) {
  detail::SinkDecl<F> decl{
      detail::declared<F>(std::move(name), "sink", detail::stage_options(options)), std::move(fn)};
  decl.base.has_output = false;
  return decl;
}

/// The end of a branch that application code reads while the pipeline runs:
/// RunHandle::outlet<T>(name). `options.capacity` bounds what waits there.
template <class T>
[[nodiscard]] auto outlet(std::string name, SinkOptions options = {}) {
  options.workers = 1;
  return detail::OutletDecl<T>{{.name = std::move(name),
                                .kind = "outlet",
                                .options = detail::stage_options(options),
                                .many = false,
                                .many_reason = "an outlet is read by application code",
                                .has_output = false}};
}

}  // namespace sluice
