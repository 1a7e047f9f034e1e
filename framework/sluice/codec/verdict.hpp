// sluice/codec/verdict.hpp: whether a type is portable, and which of its parts is the first that is
// not.
//
// The verdict is a type, so that compilers print the way to the offender. A type that contains
// itself (by way of a container) is judged by its other parts.
// Layer: codec. Not API, but for the names that messages show.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec/kinds.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sluice {

/// In messages: a pointer, reference, view, handle, union, function or opaque class.
template <class T>
struct NotPortable {};
/// In messages: what is wrong with this part of T (member, element, alternative), counted from 1.
template <std::size_t Number, class T, class Wrong>
struct Part {};
/// In messages: a member whose own type is a union, with or without a name.
struct Union;

}  // namespace sluice

namespace sluice::detail {

struct Portable {};

template <class T, class Seen>
constexpr auto verdict();

template <class T, class... Seen>
constexpr bool is_among(TypeList<Seen...>) {
  return (std::is_same_v<T, Seen> || ...);
}
template <class T, class... Seen>
constexpr auto with_seen(TypeList<Seen...>) {
  return TypeList<Seen..., T>();
}

template <class T, class Seen, std::size_t Number>
constexpr auto verdict_of_parts(TypeList<>) {
  return Portable();
}
template <class T, class Seen, std::size_t Number, class M, class... Rest>
constexpr auto verdict_of_parts(TypeList<M, Rest...>) {
  using Wrong = decltype(verdict<std::remove_cv_t<M>, Seen>());
  if constexpr (std::is_same_v<Wrong, Portable>) {
    return verdict_of_parts<T, Seen, Number + 1>(TypeList<Rest...>());
  } else {
    return Part<Number, T, Wrong>();
  }
}

template <template <class...> class C, class... Ts>
constexpr auto arguments(const C<Ts...>*) {
  return TypeList<Ts...>();
}

/// The types whose values a value of T is made of.
template <class T>
constexpr auto parts() {
  constexpr Kind kind = kKind<T>;
  if constexpr (kind == Kind::c_array) {
    return TypeList<std::remove_extent_t<T>>();
  } else if constexpr (kind == Kind::array || kind == Kind::optional || kind == Kind::sequence) {
    return TypeList<typename T::value_type>();
  } else if constexpr (kind == Kind::keyed) {
    if constexpr (Map<T>) {
      return TypeList<typename T::key_type, typename T::mapped_type>();
    } else {
      return TypeList<typename T::key_type>();
    }
  } else if constexpr (kind == Kind::tuple || kind == Kind::variant) {
    return arguments(static_cast<const T*>(nullptr));
  } else if constexpr (kind == Kind::duration) {
    return TypeList<typename T::rep>();
  } else if constexpr (kind == Kind::time_point) {
    return TypeList<typename T::duration>();
  } else if constexpr (kind == Kind::complex) {
    return TypeList<typename T::value_type, typename T::value_type>();
  } else if constexpr (kind == Kind::aggregate) {
    return MemberTypes<T>();
  } else {
    return TypeList<>();
  }
}

template <class... Ms>
constexpr bool has_arrays(TypeList<Ms...>) {
  return (std::is_array_v<Ms> || ...);
}
/// Whether an aggregate can be made of its members; with arrays among them, they are assigned.
template <class T, class... Ms>
constexpr bool can_be_made(TypeList<Ms...> members) {
  if constexpr (!(std::is_object_v<Ms> && ...)) {
    return true;  // the reference is the better reason
  } else if constexpr (has_arrays(TypeList<Ms...>())) {
    return std::is_default_constructible_v<T> &&
           ((std::is_array_v<Ms> || std::is_move_assignable_v<Ms>)&&...);
  } else {
    static_cast<void>(members);
    return requires { T{std::declval<Ms (&)()>()()...}; };
  }
}

template <class T>
inline constexpr bool kIsWithUnion = false;
template <class T>
  requires(std::is_class_v<T>&& std::is_aggregate_v<T> && !treat_as_raw<T> && !kIsStdArray<T> &&
           kUnionMember<T> != kUncountable)
inline constexpr bool kIsWithUnion<T> = true;

template <class T, class Seen>
constexpr auto verdict() {
  if constexpr (is_among<T>(Seen())) {
    return Portable();
  } else if constexpr (kKind<T> == Kind::none) {
    if constexpr (kIsWithUnion<T>) {
      return Part<kUnionMember<T> + 1, T, NotPortable<Union>>();
    } else {
      return NotPortable<T>();
    }
  } else {
    using Parts = decltype(parts<T>());
    if constexpr (kKind<T> == Kind::aggregate) {
      using Wrong = decltype(verdict_of_parts<T, decltype(with_seen<T>(Seen())), 1>(Parts()));
      if constexpr (std::is_same_v<Wrong, Portable> && !can_be_made<T>(Parts())) {
        return NotPortable<T>();
      } else {
        return Wrong();
      }
    } else {
      return verdict_of_parts<T, Seen, 1>(Parts());
    }
  }
}

/// An array is portable as a member only: as a value it would be handled as a pointer.
template <class T>
constexpr auto verdict_of_value() {
  if constexpr (std::is_array_v<T>) {
    return NotPortable<T>();
  } else {
    return verdict<T, TypeList<>>();
  }
}

/// T without cv.
template <class T>
using VerdictOf = decltype(verdict_of_value<T>());

}  // namespace sluice::detail
