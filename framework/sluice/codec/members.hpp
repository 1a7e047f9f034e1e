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

/// Returns  f(TypeList of the members' declared types, the members...).
template <class T, class F>
constexpr decltype(auto) with_members(T& value, F&& f) {
  constexpr std::size_t kCount = kMemberCount<T>;
  if constexpr (kCount == 1) {
    auto& [m0] = value;
    return f(TypeList<decltype(m0)>(), m0);
  } else if constexpr (kCount == 2) {
    auto& [m0, m1] = value;
    return f(TypeList<decltype(m0), decltype(m1)>(), m0, m1);
  } else if constexpr (kCount == 3) {
    auto& [m0, m1, m2] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2)>(), m0, m1, m2);
  } else if constexpr (kCount == 4) {
    auto& [m0, m1, m2, m3] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3)>(), m0, m1, m2, m3);
  } else if constexpr (kCount == 5) {
    auto& [m0, m1, m2, m3, m4] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4)>(), m0,
             m1, m2, m3, m4);
  } else if constexpr (kCount == 6) {
    auto& [m0, m1, m2, m3, m4, m5] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5)>(),
             m0, m1, m2, m3, m4, m5);
  } else if constexpr (kCount == 7) {
    auto& [m0, m1, m2, m3, m4, m5, m6] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6)>(),
             m0, m1, m2, m3, m4, m5, m6);
  } else if constexpr (kCount == 8) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7)>(),
             m0, m1, m2, m3, m4, m5, m6, m7);
  } else if constexpr (kCount == 9) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8);
  } else if constexpr (kCount == 10) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9);
  } else if constexpr (kCount == 11) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10] = value;
    return f(
        TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5),
                 decltype(m6), decltype(m7), decltype(m8), decltype(m9), decltype(m10)>(),
        m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10);
  } else if constexpr (kCount == 12) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11);
  } else if constexpr (kCount == 13) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12);
  } else if constexpr (kCount == 14) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12), decltype(m13)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13);
  } else if constexpr (kCount == 15) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12), decltype(m13), decltype(m14)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14);
  } else if constexpr (kCount == 16) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15] = value;
    return f(
        TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5),
                 decltype(m6), decltype(m7), decltype(m8), decltype(m9), decltype(m10),
                 decltype(m11), decltype(m12), decltype(m13), decltype(m14), decltype(m15)>(),
        m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15);
  } else if constexpr (kCount == 17) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12), decltype(m13), decltype(m14),
                      decltype(m15), decltype(m16)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16);
  } else if constexpr (kCount == 18) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12), decltype(m13), decltype(m14),
                      decltype(m15), decltype(m16), decltype(m17)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17);
  } else if constexpr (kCount == 19) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18] =
        value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12), decltype(m13), decltype(m14),
                      decltype(m15), decltype(m16), decltype(m17), decltype(m18)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18);
  } else if constexpr (kCount == 20) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
           m19] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12), decltype(m13), decltype(m14),
                      decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
             m19);
  } else if constexpr (kCount == 21) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19,
           m20] = value;
    return f(
        TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5),
                 decltype(m6), decltype(m7), decltype(m8), decltype(m9), decltype(m10),
                 decltype(m11), decltype(m12), decltype(m13), decltype(m14), decltype(m15),
                 decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20)>(),
        m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19,
        m20);
  } else if constexpr (kCount == 22) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19,
           m20, m21] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12), decltype(m13), decltype(m14),
                      decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19),
                      decltype(m20), decltype(m21)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
             m19, m20, m21);
  } else if constexpr (kCount == 23) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19,
           m20, m21, m22] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12), decltype(m13), decltype(m14),
                      decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19),
                      decltype(m20), decltype(m21), decltype(m22)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
             m19, m20, m21, m22);
  } else if constexpr (kCount == 24) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19,
           m20, m21, m22, m23] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12), decltype(m13), decltype(m14),
                      decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19),
                      decltype(m20), decltype(m21), decltype(m22), decltype(m23)>(),
             m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
             m19, m20, m21, m22, m23);
  } else {
    static_cast<void>(value);
    return f(TypeList<>());
  }
}

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
