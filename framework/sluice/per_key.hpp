// sluice/per_key.hpp: a stage with state of its own for every key, after key_by.
//
// (1) A key's items all come to one worker, in the order in which each producer emitted them; so its state
//     has one owner and needs no lock.
// (2) Each worker's states are finished in the order in which their keys first came.
// Layer: pipeline. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/flow/bodies.hpp>
#include <sluice/flow/copyable.hpp>
#include <sluice/flow/key_table.hpp>
#include <sluice/flow/maker.hpp>
#include <sluice/stage.hpp>
#include <sluice/stream.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace sluice {

/// False for every stream without a key.
template <class T>
inline constexpr bool has_key = false;

namespace detail {

/// Nothing comes out of a key's state when the input has ended.
struct NoFinish {};

/// Keys whose finish is called at once, so that a million don't lie in the overflow together.
inline constexpr std::size_t kKeysAtOnce = 256;

template <class Fn, class State, class Key, class In, class Out>
concept KeyedFunction = std::invocable < Fn&,
        State&, const Key&, In, Emitter<Out>
& > || std::invocable<Fn&, State&, const Key&, In, Emitter<Out>&, Context&> ||
    std::invocable<Fn&, State&, In, Emitter<Out>&> ||
    std::invocable<Fn&, State&, In, Emitter<Out>&, Context&>;

/// A state per key, and functions that share it.
template <class In, class KeyOf, class Output, class State, class Fn, class Finish>
class PerKeyBody {
 public:
  static constexpr bool kReadsOnly = false;
  static constexpr bool kKeepsState = true;
  using Key = std::remove_cvref_t<std::invoke_result_t<const KeyOf&, const In&>>;
  PerKeyBody(std::shared_ptr<const KeyOf> key_of, State initial, Fn fn, Finish finish)
      : key_of_(std::move(key_of)),
        initial_(std::move(initial)),
        fn_(std::move(fn)),
        finish_(std::move(finish)) {}

  void process(In&& item, Emitter<Output>& out, Context& context) {
    const std::size_t known = keys_.size();
    auto& entry = keys_.entry_of(Key((*key_of_)(std::as_const(item))),
                                 [this]() -> const State& { return initial_; });
    try {
      call_with(entry.state, std::as_const(entry.key), std::move(item), out, context);
    } catch (...) {
      if (keys_.size() > known) keys_.drop_last();  // a key that only a failed item had
      throw;
    }
  }
  bool finish(Emitter<Output>& out) {
    if constexpr (!std::same_as<Finish, NoFinish>) {
      for (std::size_t i = 0; i < kKeysAtOnce && finished_ < keys_.size(); ++i) {
        auto& entry = keys_.entry(finished_++);
        finish_(entry.state, std::as_const(entry.key), out);
      }
      return finished_ < keys_.size();
    }
    return false;
  }

 private:
  void call_with(State& state, const Key& key, In&& item, Emitter<Output>& out, Context& context) {
    using Emit = Emitter<Output>&;
    if constexpr (std::invocable<Fn&, State&, const Key&, In, Emit, Context&>) {
      fn_(state, key, std::move(item), out, context);
    } else if constexpr (std::invocable<Fn&, State&, const Key&, In, Emit>) {
      fn_(state, key, std::move(item), out);
    } else if constexpr (std::invocable<Fn&, State&, In, Emit, Context&>) {
      fn_(state, std::move(item), out, context);
    } else {
      fn_(state, std::move(item), out);
    }
  }

  std::shared_ptr<const KeyOf> key_of_;
  State initial_;
  Fn fn_;
  Finish finish_;
  KeyTable<Key, State> keys_;
  std::size_t finished_ = 0;
};

/// An object of a stage class per key.
template <class In, class KeyOf, class S>
class PerKeyClassBody {
 public:
  static constexpr bool kReadsOnly = false;
  static constexpr bool kKeepsState = true;
  using Key = std::remove_cvref_t<std::invoke_result_t<const KeyOf&, const In&>>;
  using Out = typename S::Out;
  PerKeyClassBody(std::shared_ptr<const KeyOf> key_of, S prototype)
      : key_of_(std::move(key_of)), prototype_(std::move(prototype)) {}

  void process(In&& item, Emitter<Out>& out, Context& context) {
    const std::size_t known = keys_.size();
    auto& entry = keys_.entry_of(Key((*key_of_)(std::as_const(item))),
                                 [this] { return std::make_unique<S>(prototype_); });
    try {
      if (keys_.size() > known) Starts<S>::start(*entry.state, context);
      entry.state->process(std::move(item), out);
    } catch (...) {
      if (keys_.size() > known) keys_.drop_last();
      throw;
    }
  }
  bool finish(Emitter<Out>& out) {
    for (std::size_t i = 0; i < kKeysAtOnce && finished_ < keys_.size(); ++i) {
      if (!finish_one(*keys_.entry(finished_).state, out)) ++finished_;
    }
    return finished_ < keys_.size();
  }

 private:
  // true: this object has more to emit.
  static bool finish_one(S& object, Emitter<Out>& out) {
    if constexpr (requires {
                    { object.finish(out) } -> std::same_as<bool>;
                  }) {
      return object.finish(out);
    } else if constexpr (requires { object.finish(out); }) {
      object.finish(out);
    }
    return false;
  }

  std::shared_ptr<const KeyOf> key_of_;
  S prototype_;
  KeyTable<Key, std::unique_ptr<S>> keys_;
  std::size_t finished_ = 0;
};

template <class Output, class State, class Fn, class Finish>
struct PerKeyFunctions {
  using Wanted = SomethingElse;
  using Out = Output;
  template <class T, class Key>
  static constexpr bool kAccepts = KeyedFunction<Fn, State, Key, T, Output>;
  template <class T, class KeyOf>
  using Body = PerKeyBody<T, KeyOf, Output, State, Fn, Finish>;

  template <class T, class KeyOf>
  [[nodiscard]] Body<T, KeyOf> body(const std::shared_ptr<const KeyOf>& key_of) const {
    return {key_of, initial, fn, finish};
  }

  State initial;
  Fn fn;
  Finish finish;
};

template <class S>
struct PerKeyClass {
  using Wanted = wanted_t<S>;
  using Out = typename S::Out;
  template <class T, class>
  static constexpr bool kAccepts = StageClassFor<S, T>;
  template <class T, class KeyOf>
  using Body = PerKeyClassBody<T, KeyOf, S>;

  template <class T, class KeyOf>
  [[nodiscard]] Body<T, KeyOf> body(const std::shared_ptr<const KeyOf>& key_of) const {
    return {key_of, prototype};
  }

  S prototype;
};

template <class What>
struct PerKeyDecl {
  using Wanted = typename What::Wanted;
  template <class>
  static constexpr bool kAccepts = false;  // without a key
  template <class, class>
  using KeyedOut = typename What::Out;

  template <class In, class KeyOf>
  [[nodiscard]] std::unique_ptr<StageMaker> keyed_maker(std::shared_ptr<const KeyOf> key_of) && {
    auto open = [key_of = std::move(key_of), what = std::move(what)](std::size_t) {
      return [=] { return what.template body<In, KeyOf>(key_of); };
    };
    return make_maker<In, typename What::Out>(std::move(open));
  }

  Declared base;
  What what;
};

template <class What>
[[nodiscard]] PerKeyDecl<What> per_key_decl(std::string name, StageOptions options, What what) {
  return {{.name = std::move(name), .kind = "per_key", .options = std::move(options)},
          std::move(what)};
}

}  // namespace detail

/// Calls `fn(State&, const Key&, In, Emitter<Out>&)` for every item with the state of its key, which begins
/// as a copy of `initial`. `fn` may leave out the key, and may take a Context& as its last parameter.
/// Stands behind key_by. A state that a throwing call has changed stays changed, also for a retry; but a key
/// whose first item was given up is forgotten.
template <class Out, detail::Copyable State, class Fn>
[[nodiscard]] auto per_key(std::string name, State initial, Fn fn, StageOptions options = {}) {
  using What = detail::PerKeyFunctions<Out, State, Fn, detail::NoFinish>;
  return detail::per_key_decl(std::move(name), std::move(options),
                              What{std::move(initial), std::move(fn), {}});
}
/// The same with `finish(State&, const Key&, Emitter<Out>&)`, called for every key once the input has ended.
template <class Out, detail::Copyable State, class Fn, class Finish>
  requires(!std::same_as<Finish, StageOptions>)
[[nodiscard]] auto per_key(std::string name, State initial, Fn fn, Finish finish,
                           StageOptions options = {}) {
  using What = detail::PerKeyFunctions<Out, State, Fn, Finish>;
  return detail::per_key_decl(std::move(name), std::move(options),
                              What{std::move(initial), std::move(fn), std::move(finish)});
}
/// A stage class, as for stage(), with an object for every key: a copy of `object`. start() is called before
/// a key's first item.
template <std::copy_constructible S>
  requires requires { typename S::Out; }
[[nodiscard]] auto per_key(std::string name, S object, StageOptions options = {}) {
  return detail::per_key_decl(std::move(name), std::move(options),
                              detail::PerKeyClass<S>{std::move(object)});
}

/// Connects a stage with a state per key.
template <class T, class KeyOf, class What>
  requires(What::template kAccepts<T, detail::key_of_t<T, KeyOf>>)
[[nodiscard]] auto operator|(KeyedStream<T, KeyOf> keyed, detail::PerKeyDecl<What> decl) {
  return detail::StreamAccess::attach_keyed<T>(std::move(keyed), std::move(decl));
}
template <class T, class What>
  requires(!std::same_as<T, detail::Unusable>)
Stream<detail::Unusable>
operator|(const Stream<T>&, detail::PerKeyDecl<What>) {
  static_assert(has_key<T>, "sluice: per_key needs key_by before it: stream | key_by(f) | per_key");
  throw UsageError("unreachable");
}

}  // namespace sluice
