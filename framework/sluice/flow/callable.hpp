// sluice/flow/callable.hpp: what can be known about a user's callable, and copies of it per worker.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/context.hpp>
#include <sluice/error.hpp>
#include <sluice/os/mutex.hpp>

#include <atomic>
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace sluice {

namespace detail {
template <class Make>
struct Factory {
  Make make;
};
}  // namespace detail

/// Gives each worker its own object: `make()` is called once per worker and run.
template <class Make>
  requires std::invocable<Make&>
[[nodiscard]] detail::Factory<Make> factory(Make make) { return {std::move(make)}; }

namespace detail {

/// Reads a member of an item, or calls one without arguments.
template <class R, class C>
class MemberReader {
 public:
  explicit MemberReader(R C::*member) : member_(member) {}
  decltype(auto) operator()(const C& item) const {
    if constexpr (std::is_member_object_pointer_v<R C::*>) {
      return (item.*member_);
    } else {
      return (item.*member_)();
    }
  }

 private:
  R C::*member_;
};

/// What a declaration keeps of a callable: a pointer to a member becomes a function of the item.
template <class F>
[[nodiscard]] auto as_function(F fn) {
  return fn;
}
template <class R, class C>
  requires std::invocable<R C::*, const C&>
[[nodiscard]] auto as_function(R C::*member) { return MemberReader<R, C>(member); }
template <class F>
using function_t = decltype(as_function(std::declval<F>()));

/// First parameter of a callable as declared; void when it can't be known (templates, overloads).
template <class F>
struct FirstParameter {
  using type = void;
};
template <class R, class A, class... More>
struct FirstParameter<R (*)(A, More...)> {
  using type = A;
};
template <class C, class R, class A, class... More>
struct FirstParameter<R (C::*)(A, More...)> {
  using type = A;
};
template <class C, class R, class A, class... More>
struct FirstParameter<R (C::*)(A, More...) const> {
  using type = A;
};
template <class C, class R, class A, class... More>
struct FirstParameter<R (C::*)(A, More...) noexcept> {
  using type = A;
};
template <class C, class R, class A, class... More>
struct FirstParameter<R (C::*)(A, More...) const noexcept> {
  using type = A;
};
template <class F>
  requires requires { &F::operator(); }
struct FirstParameter<F> : FirstParameter<decltype(&F::operator())> {};
template <class F>
  requires requires { &F::process; }
struct FirstParameter<F> : FirstParameter<decltype(&F::process)> {};

/// Second parameter of a lambda or function as declared; void when it can't be known.
template <class F>
struct SecondParameter {
  using type = void;
};
template <class R, class A, class B, class... More>
struct SecondParameter<R (*)(A, B, More...)> {
  using type = B;
};
template <class C, class R, class A, class B, class... More>
struct SecondParameter<R (C::*)(A, B, More...)> {
  using type = B;
};
template <class C, class R, class A, class B, class... More>
struct SecondParameter<R (C::*)(A, B, More...) const> {
  using type = B;
};
template <class F>
  requires requires { &F::operator(); }
struct SecondParameter<F> : SecondParameter<decltype(&F::operator())> {};

template <class F>
using first_parameter_t = typename FirstParameter<F>::type;

/// True when calling with a moved item is known to leave the item as it was.
template <class F, class In>
inline constexpr bool reads_only = std::is_same_v<first_parameter_t<F>, const In&> ||
                                   (std::is_trivially_copyable_v<In> &&
                                    std::is_object_v<first_parameter_t<F>>);

/// The type in an error message when the parameter is unknown.
struct SomethingElse;
template <class F>
using wanted_t = std::conditional_t<std::is_void_v<first_parameter_t<F>>, SomethingElse,
                                    std::remove_cvref_t<first_parameter_t<F>>>;

template <class F>
using wanted_second_t =
    std::conditional_t<std::is_void_v<typename SecondParameter<F>::type>, SomethingElse,
                       std::remove_cvref_t<typename SecondParameter<F>::type>>;

template <class Fn, class... Args>
concept CallableWith = std::invocable<Fn&, Args...> || std::invocable<Fn&, Args..., Context&>;

/// Calls with the context when the callable takes it.
template <class Fn, class... Args>
decltype(auto) call(Fn& fn, Context& context, Args&&... args) {
  if constexpr (std::invocable<Fn&, Args..., Context&>) {
    return fn(std::forward<Args>(args)..., context);
  } else {
    return fn(std::forward<Args>(args)...);
  }
}
template <class Fn, class... Args>
using call_result_t =
    decltype(call(std::declval<Fn&>(), std::declval<Context&>(), std::declval<Args>()...));

template <class Fn, class In>
[[nodiscard]] constexpr bool returns_nothing() {
  if constexpr (CallableWith<Fn, In>) return std::is_void_v<call_result_t<Fn, In>>;
  return false;
}
template <class Fn, class In>
inline constexpr bool without_result = returns_nothing<Fn, In>();

/// What a worker holds: the callable itself, or what its factory makes.
template <class F>
struct InstanceOf {
  using type = F;
};
template <class Make>
struct InstanceOf<Factory<Make>> {
  using type = std::invoke_result_t<Make&>;
};
template <class F>
using instance_t = typename InstanceOf<F>::type;

/// Hands a copy of the user's object to every worker of every run.
template <class F>
class Prototype {
 public:
  explicit Prototype(F object) : held_(std::make_unique<Held>(std::move(object))) {}

  static constexpr bool kMany = std::copy_constructible<F>;

  [[nodiscard]] F instance() {
    if constexpr (kMany) {
      return F(std::as_const(held_->object));
    } else {
      // Runs may start at the same time; one of them gets it.
      if (held_->taken.exchange(true, std::memory_order_relaxed)) {
        throw UsageError(
            "this pipeline can be run once only: a stage's callable can't be copied; "
            "give a factory()");
      }
      return F(std::move(held_->object));
    }
  }

 private:
  struct Held {
    explicit Held(F given) : object(std::move(given)) {}
    F object;
    std::atomic<bool> taken{false};
  };
  std::unique_ptr<Held> held_;
};

template <class Make>
class Prototype<Factory<Make>> {
 public:
  explicit Prototype(Factory<Make> factory)
      : make_(std::make_unique<Guarded>(std::move(factory.make))) {}

  static constexpr bool kMany = true;

  [[nodiscard]] instance_t<Factory<Make>> instance() {
    const MutexGuard lock(make_->mutex);  // runs may start at the same time
    return make_->make();
  }

 private:
  struct Guarded {
    explicit Guarded(Make m) : make(std::move(m)) {}
    Mutex mutex;
    Make make;
  };
  std::unique_ptr<Guarded> make_;
};

}  // namespace detail
}  // namespace sluice
