// sluice/codec/members.hpp: the members of an aggregate, without its author's help.
//
// An aggregate's initialisers are counted by trying braces with a value that converts to anything;
// a member that is a C array takes several of them. Structured bindings then name the members
// (codec/bindings.hpp). A binding is a hard error where the number is wrong or a union has no name,
// so whatever leaves a doubt about that makes the aggregate uncountable:
//   - a base class;
//   - a member that nothing converts to (a reference to what is not const, with a default);
//   - a union that is not opted in: whether it has a name can't be known.
// Members of a struct without a name, which is no C++, are not noticed.
// Layer: codec. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec/bindings.hpp>
#include <sluice/codec/custom.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace sluice::detail {

/// Converts to anything. Like the next ones, only ever named in unevaluated places.
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
/// Converts to what is referred to.
struct AnyLvalue {
  template <class T>
  operator T&() const;  // NOLINT
};
/// Converts to unions of which nobody said how they are encoded.
struct AnyUnion {
  template <class T>
    requires(std::is_union_v<T> && !treat_as_raw<T> && !HasCodec<T>)
  operator T() const;  // NOLINT
};

template <std::size_t>
using AnythingAt = Anything;

template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{AnythingAt<I>()...}; };
}
template <class T, class Between, std::size_t... I, std::size_t... J>
constexpr bool takes_around(std::index_sequence<I...>, std::index_sequence<J...>) {
  return requires { T{AnythingAt<I>()..., Between(), AnythingAt<J>()...}; };
}
template <class T, std::size_t... I, std::size_t... J>
constexpr bool takes_around_empty(std::index_sequence<I...>, std::index_sequence<J...>) {
  return requires { T{AnythingAt<I>()..., {}, AnythingAt<J>()...}; };
}
template <class T, std::size_t... I, std::size_t... J>
constexpr bool takes_around_8_empty(std::index_sequence<I...>, std::index_sequence<J...>) {
  return requires { T{AnythingAt<I>()..., {}, {}, {}, {}, {}, {}, {}, {}, AnythingAt<J>()...}; };
}

/// Of initialisers: more than members, because those of C arrays count singly.
inline constexpr std::size_t kMaxInitialisers = 128;
inline constexpr std::size_t kUncountable = ~std::size_t{0};

// ---- Initialisers -------------------------------------------------------------------------------
// T takes every number of them from the least, after which all members have defaults, to the most:
// up to the least one by one, on in strides that double, back by halves.

/// Requires  T takes Low of them, and not High.
template <class T, std::size_t Low, std::size_t High>
constexpr std::size_t most_between() {
  constexpr std::size_t kMiddle = Low + (High - Low) / 2;
  if constexpr (High - Low == 1) {
    return Low;
  } else if constexpr (takes<T>(std::make_index_sequence<kMiddle>())) {
    return most_between<T, kMiddle, High>();
  } else {
    return most_between<T, Low, kMiddle>();
  }
}
/// Requires  T takes Low of them.
template <class T, std::size_t Low, std::size_t Stride = 1>
constexpr std::size_t most_from() {
  if constexpr (Low > kMaxInitialisers) {
    return kUncountable;
  } else if constexpr (takes<T>(std::make_index_sequence<Low + Stride>())) {
    return most_from<T, Low + Stride, 2 * Stride>();
  } else {
    return most_between<T, Low, Low + Stride>();
  }
}
/// Returns  how many initialisers T takes at most, or kUncountable.
template <class T, std::size_t Least = 0>
constexpr std::size_t initialisers() {
  if constexpr (takes<T>(std::make_index_sequence<Least>())) {
    constexpr std::size_t kMost = most_from<T, Least>();
    if constexpr (kMost > kMaxInitialisers) {
      return kUncountable;
    } else if constexpr (takes_around_empty<T>(std::make_index_sequence<kMost>(), {}) ||
                         takes_around<T, AnyLvalue>(std::make_index_sequence<kMost>(), {})) {
      return kUncountable;  // there is a member that only these can initialise
    } else {
      return kMost;
    }
  } else if constexpr (Least < kMaxInitialisers) {
    return initialisers<T, Least + 1>();
  } else {
    return kUncountable;
  }
}

// ---- Members ------------------------------------------------------------------------------------

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

template <class T, std::size_t Count, std::size_t At>
constexpr bool are_8_single() {
  if constexpr (At + 8 > Count) {
    return false;
  } else {
    return takes_around_8_empty<T>(std::make_index_sequence<At>(),
                                   std::make_index_sequence<Count - At - 8>());
  }
}

/// Returns  the number of members that begin before the initialiser of index `End`.
template <class T, std::size_t Count, std::size_t End, std::size_t At = 0>
constexpr std::size_t members_before() {
  if constexpr (At >= End) {
    return 0;
  } else if constexpr (At + 8 <= End && are_8_single<T, Count, At>()) {
    return 8 + members_before<T, Count, End, At + 8>();
  } else {
    return 1 + members_before<T, Count, End, At + width_of<T, Count, At>()>();
  }
}

/// Returns  the index of the first initialiser that may be a union, or `Count`.
template <class T, std::size_t Count, std::size_t At = 0>
constexpr std::size_t first_union() {
  if constexpr (At == Count) {
    return Count;
  } else if constexpr (takes_around<T, AnyUnion>(std::make_index_sequence<At>(),
                                                 std::make_index_sequence<Count - At - 1>())) {
    return At;
  } else {
    return first_union<T, Count, At + 1>();
  }
}

struct MemberCount {
  std::size_t members = kUncountable;
  std::size_t union_at =
      kUncountable;  ///< index of the member that is a union, if it is one's fault
};

template <class T>
constexpr MemberCount count_members() {
  if constexpr (std::is_empty_v<T>) {
    return {.members = takes<T>(std::make_index_sequence<1>()) ? kUncountable : 0};
  } else if constexpr (requires { T{AnyBase<T>()}; }) {
    return {};
  } else {
    constexpr std::size_t kCount = initialisers<T>();
    if constexpr (kCount == kUncountable) {
      return {};
    } else if constexpr (takes_around_empty<T>(std::make_index_sequence<kCount>(),
                                               std::index_sequence<>())) {
      return {};  // one more: a member (std::any) that more than one conversion leads to ended the count
    } else {
      constexpr std::size_t kUnion = first_union<T, kCount>();
      constexpr std::size_t kMembers = members_before<T, kCount, kUnion>();
      if constexpr (kUnion < kCount) {
        return {.union_at = kMembers};
      } else {
        return {.members = kMembers > kMaxMembers ? kUncountable : kMembers};
      }
    }
  }
}

template <class T>
inline constexpr MemberCount kCounted = count_members<T>();

/// The number of members of an aggregate; kUncountable if it can't be known, or is too large.
template <class T>
inline constexpr std::size_t kMemberCount = kCounted<std::remove_cv_t<T>>.members;
/// The index of a member that is a union and so makes the aggregate uncountable, or kUncountable.
template <class T>
inline constexpr std::size_t kUnionMember = kCounted<std::remove_cv_t<T>>.union_at;

/// Returns  f(TypeList of the members' declared types, the members...).
template <class T, class F>
constexpr decltype(auto) with_members(T& value, F&& f) {
  return bind_members<kMemberCount<T>>(value, static_cast<F&&>(f));
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
