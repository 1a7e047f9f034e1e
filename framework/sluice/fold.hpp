// sluice/fold.hpp: how items become a state, for windows that keep no items.
//
// A value, as a stage is: nothing runs here. Each worker has a copy of its own.
// Layer: flow. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/callable.hpp>
#include <sluice/flow/copyable.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace sluice {
namespace detail {

/// No combine was given: states can't be merged.
struct NoCombine {};

/// What comes out is the state itself.
struct AsItIs {
  template <class State>
  [[nodiscard]] State operator()(State&& state) const {
    return std::move(state);
  }
};

/// False when the callable is known to take something else first than a State&.
template <class Fn, class State>
inline constexpr bool takes_state =
    std::is_void_v<first_parameter_t<Fn>> || std::convertible_to<State&, first_parameter_t<Fn>>;

template <class StateType, class StepFn, class Combine, class Finish>
struct Fold {
  using State = StateType;
  using Step = StepFn;
  using Value = std::remove_cvref_t<std::invoke_result_t<Finish&, State>>;
  static constexpr bool kMerges = !std::same_as<Combine, NoCombine>;

  /// What comes out of a window is `next(State&&)` instead of the state.
  template <class Next>
  [[nodiscard]] auto then(Next next) const {
    constexpr bool fits = std::invocable<Next&, State>;
    static_assert(fits, "sluice: fold: then() takes a function of the state");
    if constexpr (fits) {
      static_assert(!std::is_void_v<std::invoke_result_t<Next&, State>>,
                    "sluice: fold: the function given to then() needs a result");
      return Fold<State, Step, Combine, Next>{initial, step, combine, std::move(next)};
    } else {
      return *this;
    }
  }

  State initial;
  Step step;
  Combine combine;
  Finish finish;
};

template <class State, class Step, class Combine>
[[nodiscard]] auto make_fold(State initial, Step step, Combine combine) {
  static_assert(Copyable<State> && std::is_move_assignable_v<State>,
                "sluice: fold: the state must be copyable and assignable");
  static_assert(std::copy_constructible<Step> && std::copy_constructible<Combine>,
                "sluice: fold: each worker has a copy of the functions, so they must be copyable");
  static_assert(takes_state<Step, State>,
                "sluice: fold: the step takes another state than the initial one");
  return Fold<State, Step, Combine, AsItIs>{
      std::move(initial), std::move(step), std::move(combine), {}};
}

}  // namespace detail

/// Items as a state: `step(State&, In)` is called for each, beginning with a copy of `initial`. A step that
/// throws must leave the state as it was; then its item may be skipped or tried again.
///
///     stream | tumbling("sums", 10s, fold(0.0, [](double& sum, double x) { sum += x; }))
///
/// `.then(finish)` has `finish(State&&)` come out instead of the state.
template <class State, class Step>
[[nodiscard]] auto fold(State initial, Step step) {
  return detail::make_fold(std::move(initial), std::move(step), detail::NoCombine{});
}
/// The same with `combine(State& earlier, const State& later)`, which sliding windows need. To combine with
/// a copy of `initial` must change nothing.
template <class State, class Step, class Combine>
[[nodiscard]] auto fold(State initial, Step step, Combine combine) {
  static_assert(std::invocable<Combine&, State&, const State&>,
                "sluice: fold: combine takes (State&, const State&)");
  return detail::make_fold(std::move(initial), std::move(step), std::move(combine));
}

}  // namespace sluice
