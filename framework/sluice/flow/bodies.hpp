// sluice/flow/bodies.hpp: the user's callables in the one form that a step knows.
//
// A body has process(In&&, Emitter<Out>&, Context&) or next(Emitter<Out>&, Context&), and may have
// start(Context&), finish(Emitter<Out>&), due() and on_time(Emitter<Out>&, Context&),
// allowance(now) and ready_at().
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/flow/callable.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace sluice {

/// What a sink may return: more, or enough (its branch ends, the rest is dropped and accounted).
enum class Demand : unsigned char { more, enough };

namespace detail {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {
  using value_type = T;
};

/// For bodies that keep user objects: start() and finish() are passed on where they exist.
template <class S>
struct Starts {
  static void start(S& object, Context& context) {
    if constexpr (requires { object.start(context); }) object.start(context);
  }
};

/// The class says that its objects keep something from one item to the next (stage.hpp).
template <class S>
inline constexpr bool kSaysItKeepsState = false;
template <class S>
  requires requires { bool{S::keeps_state}; }
inline constexpr bool kSaysItKeepsState<S> = S::keeps_state;

template <class In, class Out, class Fn>
class MapBody {
 public:
  static constexpr bool kKeepsState = kSaysItKeepsState<Fn>;
  static constexpr bool kReadsOnly = reads_only<Fn, In>;
  explicit MapBody(Fn fn) : fn_(std::move(fn)) {}

  void start(Context& context) { Starts<Fn>::start(fn_, context); }
  void process(In&& item, Emitter<Out>& out, Context& context) {
    EmitterAccess::emit_final<Out>(out, Out(call(fn_, context, std::move(item))));
  }

 private:
  Fn fn_;
};

/// A function with an optional result: nothing is a filtered item.
template <class In, class Out, class Fn>
class OptionalMapBody {
 public:
  static constexpr bool kKeepsState = kSaysItKeepsState<Fn>;
  static constexpr bool kReadsOnly = reads_only<Fn, In>;
  explicit OptionalMapBody(Fn fn) : fn_(std::move(fn)) {}

  void start(Context& context) { Starts<Fn>::start(fn_, context); }
  void process(In&& item, Emitter<Out>& out, Context& context) {
    std::optional<Out> result = call(fn_, context, std::move(item));
    if (result.has_value()) {
      EmitterAccess::emit_final<Out>(out, std::move(*result));
    } else {
      ContextAccess::count_filtered(context);
    }
  }

 private:
  Fn fn_;
};

template <class T, class Predicate>
class FilterBody {
 public:
  static constexpr bool kKeepsState = kSaysItKeepsState<Predicate>;
  // A passed item is moved on, and comes back (kPassesOn) when what decides where it goes throws.
  static constexpr bool kReadsOnly = std::is_nothrow_move_constructible_v<T>;
  static constexpr bool kPassesOn = kReadsOnly;
  explicit FilterBody(Predicate keep) : keep_(std::move(keep)) {}

  void start(Context& context) { Starts<Predicate>::start(keep_, context); }
  void process(T&& item, Emitter<T>& out, Context& context) {
    if (call(keep_, context, std::as_const(item))) {
      EmitterAccess::emit_final<T>(out, std::move(item));
    } else {
      ContextAccess::count_filtered(context);
    }
  }

 private:
  Predicate keep_;
};

template <class In, class Out, class Fn>
class FlatMapBody {
 public:
  static constexpr bool kKeepsState = kSaysItKeepsState<Fn>;
  static constexpr bool kReadsOnly = reads_only<Fn, In>;
  explicit FlatMapBody(Fn fn) : fn_(std::move(fn)) {}

  void start(Context& context) { Starts<Fn>::start(fn_, context); }
  void process(In&& item, Emitter<Out>& out, Context&) { fn_(std::move(item), out); }

 private:
  Fn fn_;
};

/// A class with `using Out` and process(In, Emitter<Out>&).
template <class In, class S>
class ClassBody {
 public:
  using Out = typename S::Out;
  static constexpr bool kReadsOnly = reads_only<S, In>;
  static constexpr bool kKeepsState =
      kSaysItKeepsState<S> || requires(S & stage, Emitter<Out>& out) {
    stage.finish(out);
  };
  explicit ClassBody(S stage) : stage_(std::make_unique<S>(std::move(stage))) {}

  void start(Context& context) { Starts<S>::start(*stage_, context); }
  void process(In&& item, Emitter<Out>& out, Context&) { stage_->process(std::move(item), out); }
  // true: call again, there is more to emit.
  bool finish(Emitter<Out>& out) {
    if constexpr (requires {
                    { stage_->finish(out) } -> std::same_as<bool>;
                  }) {
      return stage_->finish(out);
    } else if constexpr (requires { stage_->finish(out); }) {
      stage_->finish(out);
    }
    return false;
  }

 private:
  std::unique_ptr<S> stage_;  // a stage may hand out pointers to itself; it never moves
};

template <class In, class Fn>
class SinkBody {
 public:
  static constexpr bool kKeepsState = kSaysItKeepsState<Fn>;
  static constexpr bool kReadsOnly = reads_only<Fn, In>;
  explicit SinkBody(Fn fn) : fn_(std::move(fn)) {}

  void start(Context& context) { Starts<Fn>::start(fn_, context); }
  void process(In&& item, Emitter<NoOutput>&, Context& context) {
    if constexpr (std::same_as<call_result_t<Fn, In>, Demand>) {
      if (call(fn_, context, std::move(item)) == Demand::enough) context.enough();
    } else {
      static_cast<void>(call(fn_, context, std::move(item)));
    }
  }

 private:
  Fn fn_;
};

/// A class with process(In), optional start(Context&) and finish().
template <class In, class S>
class SinkClassBody {
 public:
  static constexpr bool kReadsOnly = reads_only<S, In>;
  static constexpr bool kKeepsState = kSaysItKeepsState<S> || requires(S & sink) { sink.finish(); };
  explicit SinkClassBody(S sink) : sink_(std::make_unique<S>(std::move(sink))) {}

  void start(Context& context) { Starts<S>::start(*sink_, context); }
  void process(In&& item, Emitter<NoOutput>&, Context& context) {
    if constexpr (requires {
                    { sink_->process(std::move(item)) } -> std::same_as<Demand>;
                  }) {
      if (sink_->process(std::move(item)) == Demand::enough) context.enough();
    } else {
      sink_->process(std::move(item));
    }
  }
  void finish(Emitter<NoOutput>&) {
    if constexpr (requires { sink_->finish(); }) sink_->finish();
  }

 private:
  std::unique_ptr<S> sink_;
};

/// A callable without arguments that returns an optional: nothing ends the source.
template <class Out, class Fn>
class GeneratorBody {
 public:
  explicit GeneratorBody(Fn fn) : fn_(std::move(fn)) {}
  bool next(Emitter<Out>& out, Context& context) {
    std::optional<Out> item = call(fn_, context);
    if (!item.has_value()) return false;
    EmitterAccess::emit_final<Out>(out, std::move(*item));
    return true;
  }

 private:
  Fn fn_;
};

/// A class with `using Out` and bool next(Emitter<Out>&), or a callable bool(Emitter<Out>&).
template <class Output, class S>
class SourceBody {
 public:
  explicit SourceBody(S source) : source_(std::make_unique<S>(std::move(source))) {}

  void start(Context& context) { Starts<S>::start(*source_, context); }
  bool next(Emitter<Output>& out, Context&) {
    if constexpr (requires { source_->next(out); }) {
      return source_->next(out);
    } else {
      return (*source_)(out);
    }
  }
  void finish(Emitter<Output>& out) {
    if constexpr (requires { source_->finish(out); }) source_->finish(out);
  }

 private:
  std::unique_ptr<S> source_;
};

}  // namespace detail
}  // namespace sluice
