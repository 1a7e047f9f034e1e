// sluice/reduce.hpp: folds items into state and emits it when the input has ended.
//
// (1) After key_by: one state per key, held by the key's worker; emits (key, state), per worker in the
//     order in which the keys first came.
// (2) Without key_by and with one worker: one state; emits it, also when there was no item.
// (3) Without key_by and with several workers: one state a worker; the last worker to finish has
//     them combined and emits the result. Needs a `combine`.
// Layer: stage. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/bodies.hpp>
#include <sluice/flow/copyable.hpp>
#include <sluice/flow/key_table.hpp>
#include <sluice/flow/maker.hpp>
#include <sluice/fold.hpp>
#include <sluice/os/mutex.hpp>
#include <sluice/stage.hpp>
#include <sluice/stream.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace sluice {
namespace detail {

/// One state per worker; the last one to finish emits.
template <class State, class Combine>
struct Gathered {
  Gathered(std::size_t workers, Combine combine_states)
      : open(workers), combine(std::move(combine_states)) {}

  /// Adds a worker's state; the last call returns the whole.
  std::optional<State> add(State&& state) {
    const MutexGuard lock(mutex);
    if (!whole.has_value()) {
      whole.emplace(std::move(state));
    } else if constexpr (!std::same_as<Combine, NoCombine>) {
      combine(*whole, std::move(state));
    }
    return --open == 0 ? std::move(whole) : std::nullopt;
  }

  Mutex mutex;
  std::size_t open;
  Combine combine;
  std::optional<State> whole;
};

template <class In, class State, class Fold, class Combine>
class FoldBody {
 public:
  static constexpr bool kReadsOnly = false;
  static constexpr bool kKeepsState = true;
  FoldBody(State state, Fold fold, std::shared_ptr<Gathered<State, Combine>> gathered)
      : state_(std::move(state)), fold_(std::move(fold)), gathered_(std::move(gathered)) {}

  void process(In&& item, Emitter<State>&, Context&) { fold_(state_, std::move(item)); }
  void finish(Emitter<State>& out) {
    std::optional<State> whole = gathered_->add(std::move(state_));
    if (whole.has_value()) out.emit(std::move(*whole));
  }

 private:
  State state_;
  Fold fold_;
  std::shared_ptr<Gathered<State, Combine>> gathered_;
};

template <class In, class KeyOf, class State, class Fold>
class KeyedFoldBody {
 public:
  static constexpr bool kReadsOnly = false;
  static constexpr bool kKeepsState = true;
  using Key = std::remove_cvref_t<std::invoke_result_t<const KeyOf&, const In&>>;
  using Out = std::pair<Key, State>;
  KeyedFoldBody(std::shared_ptr<const KeyOf> key_of, State initial, Fold fold)
      : key_of_(std::move(key_of)), initial_(std::move(initial)), fold_(std::move(fold)) {}

  void process(In&& item, Emitter<Out>&, Context&) {
    const std::size_t known = states_.size();
    State& state = states_.at(Key((*key_of_)(std::as_const(item))), initial_);
    try {
      fold_(state, std::move(item));
    } catch (...) {
      if (states_.size() > known) states_.drop_last();  // a key that only a failed item had
      throw;
    }
  }
  // A bounded part at a time, so that a million keys don't have to lie in the overflow at once.
  bool finish(Emitter<Out>& out) {
    for (std::size_t i = 0; i < kPart && emitted_ < states_.size(); ++i) {
      auto& entry = states_.entry(emitted_++);
      out.emit(Out(std::move(entry.key), std::move(entry.state)));
    }
    return emitted_ < states_.size();
  }

 private:
  static constexpr std::size_t kPart = 256;
  std::shared_ptr<const KeyOf> key_of_;
  State initial_;
  Fold fold_;
  KeyTable<Key, State> states_;
  std::size_t emitted_ = 0;
};

template <class State, class Fold, class Combine>
struct ReduceDecl {
  using Wanted = wanted_second_t<Fold>;
  template <class In>
  static constexpr bool kAccepts = std::invocable<Fold&, State&, In>;
  template <class>
  using Out = State;
  template <class, class Key>
  using KeyedOut = std::pair<Key, State>;

  template <class In>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    auto open = [initial = std::move(initial), fold = std::move(fold),
                 combine = std::move(combine)](std::size_t workers) {
      auto gathered = std::make_shared<Gathered<State, Combine>>(workers, combine);
      return [=] { return FoldBody<In, State, Fold, Combine>(initial, fold, gathered); };
    };
    return make_maker<In, State>(std::move(open));
  }

  template <class In, class KeyOf>
  [[nodiscard]] std::unique_ptr<StageMaker> keyed_maker(std::shared_ptr<const KeyOf> key_of) && {
    using Body = KeyedFoldBody<In, KeyOf, State, Fold>;
    auto open = [key_of = std::move(key_of), initial = std::move(initial), fold = std::move(fold)](
                    std::size_t) { return [=] { return Body(key_of, initial, fold); }; };
    return make_maker<In, typename Body::Out>(std::move(open));
  }

  Declared base;
  State initial;
  Fold fold;
  Combine combine;
};

}  // namespace detail

/// Folds every item into a state by `fold(State&, In)`, starting from a copy of `initial`.
///
/// After key_by it holds one state per key and emits std::pair<Key, State> for each; else it emits
/// one State. More than one worker without key_by needs the form with `combine`.
template <detail::Copyable State, class Fold>
[[nodiscard]] auto reduce(std::string name, State initial, Fold fold, StageOptions options = {}) {
  return detail::ReduceDecl<State, Fold, detail::NoCombine>{
      {.name = std::move(name),
       .kind = "reduce",
       .options = std::move(options),
       .many = false,
       .many_reason = "its states can't be merged; use key_by, or give a combine",
       .gathers = true},
      std::move(initial),
      std::move(fold),
      {}};
}

/// The same with `combine(State&, State&&)`, which merges the states of several workers.
template <detail::Copyable State, class Fold, class Combine>
  requires std::invocable<Combine&, State&, State&&>
[[nodiscard]] auto reduce(std::string name, State initial, Fold fold, Combine combine,
                          StageOptions options = {}) {
  return detail::ReduceDecl<State, Fold, Combine>{
      {.name = std::move(name), .kind = "reduce", .options = std::move(options)},
      std::move(initial),
      std::move(fold),
      std::move(combine)};
}

/// Keyed reduce: emits (key, state) pairs.
template <class T, class KeyOf, class State, class Fold, class Combine>
  requires std::invocable<Fold&, State&, T>
[[nodiscard]] auto operator|(KeyedStream<T, KeyOf> keyed,
                             detail::ReduceDecl<State, Fold, Combine> decl) {
  decl.base.many = true;
  return detail::StreamAccess::attach_keyed<T>(std::move(keyed), std::move(decl));
}

}  // namespace sluice
