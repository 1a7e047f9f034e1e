// sluice/codec/members.hpp: the members of an aggregate, without its author's help.
//
// An aggregate's initialisers are counted by trying braces with a value that converts to anything;
// a member that is a C array takes several of them. Structured bindings then name the members. Not
// for aggregates with base classes.
// Layer: codec. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace sluice::detail {

template <class... Ts>
struct TypeList {};

/// Converts to anything; only ever named in unevaluated places.
struct Anything {
  template <class T>
  operator T() const;  // NOLINT: implicit is the point
};
/// Converts to the base classes of T only.
template <class T>
struct AnyBase {
  template <class B>
    requires(std::is_base_of_v<B, T> && !std::is_same_v<B, T>)
  operator B() const;  // NOLINT
};

template <std::size_t>
using AnythingAt = Anything;

template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{AnythingAt<I>()...}; };
}
template <class T, std::size_t... I, std::size_t... J>
constexpr bool takes_around_empty(std::index_sequence<I...>, std::index_sequence<J...>) {
  return requires { T{AnythingAt<I>()..., {}, AnythingAt<J>()...}; };
}

inline constexpr std::size_t kMaxMembers = 24;
/// Of initialisers: more than members, because those of C arrays count singly.
inline constexpr std::size_t kMaxInitialisers = 72;
inline constexpr std::size_t kUncountable = ~std::size_t{0};

/// Returns  how many initialisers T takes at most, or kUncountable.
template <class T, std::size_t N = kMaxInitialisers + 1>
constexpr std::size_t initialisers() {
  if constexpr (takes<T>(std::make_index_sequence<N>())) {
    return N > kMaxInitialisers ? kUncountable : N;
  } else if constexpr (N > 0) {
    return initialisers<T, N - 1>();
  } else {
    return kUncountable;
  }
}

/// Returns  how many initialisers of `Count` the member takes that begins at the one of index `At`.
template <class T, std::size_t Count, std::size_t At, std::size_t Width = 1>
constexpr std::size_t width_of() {
  if constexpr (At + Width > Count) {
    return 1;  // has no default value, so it is no array of many
  } else if constexpr (takes_around_empty<T>(std::make_index_sequence<At>(),
                                             std::make_index_sequence<Count - At - Width>())) {
    return Width;
  } else {
    return width_of<T, Count, At, Width + 1>();
  }
}

template <class T, std::size_t Count, std::size_t At = 0>
constexpr std::size_t members_from() {
  if constexpr (At >= Count) {
    return 0;
  } else {
    return 1 + members_from<T, Count, At + width_of<T, Count, At>()>();
  }
}

/// Returns  the number of members of an aggregate; kUncountable if it has too many, a reference to
///          what is not const, a base class, or a member (std::any) that more than one conversion leads to.
template <class T>
constexpr std::size_t count_members() {
  if constexpr (std::is_empty_v<T>) {
    return takes<T>(std::make_index_sequence<1>()) ? kUncountable : 0;
  } else if constexpr (requires { T{AnyBase<T>()}; }) {
    return kUncountable;
  } else {
    constexpr std::size_t count = initialisers<T>();
    if constexpr (count == kUncountable) {
      return kUncountable;
    } else if constexpr (takes_around_empty<T>(std::make_index_sequence<count>(),
                                               std::index_sequence<>())) {
      return kUncountable;  // one more: a member that can't be made from anything ended the count
    } else {
      constexpr std::size_t members = members_from<T, count>();
      return members > kMaxMembers ? kUncountable : members;
    }
  }
}

template <class T>
inline constexpr std::size_t kMemberCount = count_members<std::remove_cv_t<T>>();

// The names m0, m1, ... of so many members, and their declared types. Macros, because structured bindings have to
// be spelt; this way they are one line each for who includes this.
#define SLUICE_NAMES_1 m0
#define SLUICE_TYPES_1 decltype(m0)
#define SLUICE_NAMES_2 SLUICE_NAMES_1, m1
#define SLUICE_TYPES_2 SLUICE_TYPES_1, decltype(m1)
#define SLUICE_NAMES_3 SLUICE_NAMES_2, m2
#define SLUICE_TYPES_3 SLUICE_TYPES_2, decltype(m2)
#define SLUICE_NAMES_4 SLUICE_NAMES_3, m3
#define SLUICE_TYPES_4 SLUICE_TYPES_3, decltype(m3)
#define SLUICE_NAMES_5 SLUICE_NAMES_4, m4
#define SLUICE_TYPES_5 SLUICE_TYPES_4, decltype(m4)
#define SLUICE_NAMES_6 SLUICE_NAMES_5, m5
#define SLUICE_TYPES_6 SLUICE_TYPES_5, decltype(m5)
#define SLUICE_NAMES_7 SLUICE_NAMES_6, m6
#define SLUICE_TYPES_7 SLUICE_TYPES_6, decltype(m6)
#define SLUICE_NAMES_8 SLUICE_NAMES_7, m7
#define SLUICE_TYPES_8 SLUICE_TYPES_7, decltype(m7)
#define SLUICE_NAMES_9 SLUICE_NAMES_8, m8
#define SLUICE_TYPES_9 SLUICE_TYPES_8, decltype(m8)
#define SLUICE_NAMES_10 SLUICE_NAMES_9, m9
#define SLUICE_TYPES_10 SLUICE_TYPES_9, decltype(m9)
#define SLUICE_NAMES_11 SLUICE_NAMES_10, m10
#define SLUICE_TYPES_11 SLUICE_TYPES_10, decltype(m10)
#define SLUICE_NAMES_12 SLUICE_NAMES_11, m11
#define SLUICE_TYPES_12 SLUICE_TYPES_11, decltype(m11)
#define SLUICE_NAMES_13 SLUICE_NAMES_12, m12
#define SLUICE_TYPES_13 SLUICE_TYPES_12, decltype(m12)
#define SLUICE_NAMES_14 SLUICE_NAMES_13, m13
#define SLUICE_TYPES_14 SLUICE_TYPES_13, decltype(m13)
#define SLUICE_NAMES_15 SLUICE_NAMES_14, m14
#define SLUICE_TYPES_15 SLUICE_TYPES_14, decltype(m14)
#define SLUICE_NAMES_16 SLUICE_NAMES_15, m15
#define SLUICE_TYPES_16 SLUICE_TYPES_15, decltype(m15)
#define SLUICE_NAMES_17 SLUICE_NAMES_16, m16
#define SLUICE_TYPES_17 SLUICE_TYPES_16, decltype(m16)
#define SLUICE_NAMES_18 SLUICE_NAMES_17, m17
#define SLUICE_TYPES_18 SLUICE_TYPES_17, decltype(m17)
#define SLUICE_NAMES_19 SLUICE_NAMES_18, m18
#define SLUICE_TYPES_19 SLUICE_TYPES_18, decltype(m18)
#define SLUICE_NAMES_20 SLUICE_NAMES_19, m19
#define SLUICE_TYPES_20 SLUICE_TYPES_19, decltype(m19)
#define SLUICE_NAMES_21 SLUICE_NAMES_20, m20
#define SLUICE_TYPES_21 SLUICE_TYPES_20, decltype(m20)
#define SLUICE_NAMES_22 SLUICE_NAMES_21, m21
#define SLUICE_TYPES_22 SLUICE_TYPES_21, decltype(m21)
#define SLUICE_NAMES_23 SLUICE_NAMES_22, m22
#define SLUICE_TYPES_23 SLUICE_TYPES_22, decltype(m22)
#define SLUICE_NAMES_24 SLUICE_NAMES_23, m23
#define SLUICE_TYPES_24 SLUICE_TYPES_23, decltype(m23)
#define SLUICE_WITH_MEMBERS(count)      \
  auto& [SLUICE_NAMES_##count] = value; \
  return f(TypeList<SLUICE_TYPES_##count>(), SLUICE_NAMES_##count)

/// Returns  f(TypeList of the members' declared types, the members...).
template <class T, class F>
constexpr decltype(auto) with_members(T& value, F&& f) {
  constexpr std::size_t kCount = kMemberCount<T>;
  if constexpr (kCount == 1) {
    SLUICE_WITH_MEMBERS(1);
  } else if constexpr (kCount == 2) {
    SLUICE_WITH_MEMBERS(2);
  } else if constexpr (kCount == 3) {
    SLUICE_WITH_MEMBERS(3);
  } else if constexpr (kCount == 4) {
    SLUICE_WITH_MEMBERS(4);
  } else if constexpr (kCount == 5) {
    SLUICE_WITH_MEMBERS(5);
  } else if constexpr (kCount == 6) {
    SLUICE_WITH_MEMBERS(6);
  } else if constexpr (kCount == 7) {
    SLUICE_WITH_MEMBERS(7);
  } else if constexpr (kCount == 8) {
    SLUICE_WITH_MEMBERS(8);
  } else if constexpr (kCount == 9) {
    SLUICE_WITH_MEMBERS(9);
  } else if constexpr (kCount == 10) {
    SLUICE_WITH_MEMBERS(10);
  } else if constexpr (kCount == 11) {
    SLUICE_WITH_MEMBERS(11);
  } else if constexpr (kCount == 12) {
    SLUICE_WITH_MEMBERS(12);
  } else if constexpr (kCount == 13) {
    SLUICE_WITH_MEMBERS(13);
  } else if constexpr (kCount == 14) {
    SLUICE_WITH_MEMBERS(14);
  } else if constexpr (kCount == 15) {
    SLUICE_WITH_MEMBERS(15);
  } else if constexpr (kCount == 16) {
    SLUICE_WITH_MEMBERS(16);
  } else if constexpr (kCount == 17) {
    SLUICE_WITH_MEMBERS(17);
  } else if constexpr (kCount == 18) {
    SLUICE_WITH_MEMBERS(18);
  } else if constexpr (kCount == 19) {
    SLUICE_WITH_MEMBERS(19);
  } else if constexpr (kCount == 20) {
    SLUICE_WITH_MEMBERS(20);
  } else if constexpr (kCount == 21) {
    SLUICE_WITH_MEMBERS(21);
  } else if constexpr (kCount == 22) {
    SLUICE_WITH_MEMBERS(22);
  } else if constexpr (kCount == 23) {
    SLUICE_WITH_MEMBERS(23);
  } else if constexpr (kCount == 24) {
    SLUICE_WITH_MEMBERS(24);
  } else {
    static_cast<void>(value);
    return f(TypeList<>());
  }
}

#undef SLUICE_WITH_MEMBERS
#undef SLUICE_NAMES_1
#undef SLUICE_TYPES_1
#undef SLUICE_NAMES_2
#undef SLUICE_TYPES_2
#undef SLUICE_NAMES_3
#undef SLUICE_TYPES_3
#undef SLUICE_NAMES_4
#undef SLUICE_TYPES_4
#undef SLUICE_NAMES_5
#undef SLUICE_TYPES_5
#undef SLUICE_NAMES_6
#undef SLUICE_TYPES_6
#undef SLUICE_NAMES_7
#undef SLUICE_TYPES_7
#undef SLUICE_NAMES_8
#undef SLUICE_TYPES_8
#undef SLUICE_NAMES_9
#undef SLUICE_TYPES_9
#undef SLUICE_NAMES_10
#undef SLUICE_TYPES_10
#undef SLUICE_NAMES_11
#undef SLUICE_TYPES_11
#undef SLUICE_NAMES_12
#undef SLUICE_TYPES_12
#undef SLUICE_NAMES_13
#undef SLUICE_TYPES_13
#undef SLUICE_NAMES_14
#undef SLUICE_TYPES_14
#undef SLUICE_NAMES_15
#undef SLUICE_TYPES_15
#undef SLUICE_NAMES_16
#undef SLUICE_TYPES_16
#undef SLUICE_NAMES_17
#undef SLUICE_TYPES_17
#undef SLUICE_NAMES_18
#undef SLUICE_TYPES_18
#undef SLUICE_NAMES_19
#undef SLUICE_TYPES_19
#undef SLUICE_NAMES_20
#undef SLUICE_TYPES_20
#undef SLUICE_NAMES_21
#undef SLUICE_TYPES_21
#undef SLUICE_NAMES_22
#undef SLUICE_TYPES_22
#undef SLUICE_NAMES_23
#undef SLUICE_TYPES_23
#undef SLUICE_NAMES_24
#undef SLUICE_TYPES_24

struct TypesOfMembers {
  template <class... Ts>
  constexpr auto operator()(TypeList<Ts...>, const auto&...) const {
    return TypeList<std::remove_cv_t<Ts>...>();
  }
};

/// The declared types of the members, without const; a reference stays one.
template <class T>
using MemberTypes = decltype(with_members(std::declval<const T&>(), TypesOfMembers()));

}  // namespace sluice::detail
