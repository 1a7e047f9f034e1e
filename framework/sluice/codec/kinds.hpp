// sluice/codec/kinds.hpp: what kind of type T is to the codec.
//
// Containers are recognised by what they can do, so none has to be included; only a specialisation
// of a class template is taken for one, because a class derived from a container may hold more than
// its elements.
// Layer: codec. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec/custom.hpp>
#include <sluice/codec/members.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sluice::detail {

enum class Kind : unsigned char {
  none,  // not portable
  custom,
  raw,
  scalar,
  c_array,
  array,
  tuple,
  optional,
  variant,
  sequence,
  keyed,  // maps and sets
  duration,
  time_point,
  complex,
  path,
  aggregate
};

template <class T>
struct FirstArgument {
  struct type {};  // no class template of types: equal to nothing
};
template <template <class...> class C, class A, class... Rest>
struct FirstArgument<C<A, Rest...>> {
  using type = A;
};
template <class T>
using FirstArgumentOf = typename FirstArgument<T>::type;

template <class T>
inline constexpr bool kIsStdArray = false;
template <class V, std::size_t N>
inline constexpr bool kIsStdArray<std::array<V, N>> = true;
template <class T>
inline constexpr bool kIsTuple = false;
template <class... Ts>
inline constexpr bool kIsTuple<std::tuple<Ts...>> = true;
template <class A, class B>
inline constexpr bool kIsTuple<std::pair<A, B>> = true;
template <class T>
inline constexpr bool kIsOptional = false;
template <class V>
inline constexpr bool kIsOptional<std::optional<V>> = true;

/// An allocator, order or hash that holds nothing, so that a new one does what the old one did.
template <class P>
concept Stateless = std::is_empty_v<P> && std::default_initializable<P>;
template <class C>
concept StatelessAllocator = !requires {
  typename C::allocator_type;
}
|| Stateless<typename C::allocator_type>;

template <class C>
concept Container = std::default_initializable<C> && StatelessAllocator<C> &&
    requires(C& container, const C& constant) {
  typename C::value_type;
  container.clear();
  { constant.size() } -> std::convertible_to<std::size_t>;
  constant.begin() != constant.end();
};

/// vector, string, deque, list and what works like them.
template <class C>
concept Sequence = Container<C> && std::same_as < FirstArgumentOf<C>,
typename C::value_type > &&requires(C& container, typename C::value_type&& item) {
  container.push_back(std::move(item));
};

template <class C>
concept OrderedKeys = Stateless<typename C::key_compare>;
template <class C>
concept HashedKeys = Stateless<typename C::hasher> && Stateless<typename C::key_equal>;

/// Maps and sets, ordered and hashed, of single and of several keys.
template <class C>
concept Keyed = Container<C> && std::same_as < FirstArgumentOf<C>,
typename C::key_type >
    &&(OrderedKeys<C> || HashedKeys<C>)&&requires(C& container, typename C::value_type&& item) {
  container.emplace_hint(container.end(), std::move(item));
};
template <class C>
concept Map = Keyed<C> && requires {
  typename C::mapped_type;
};

template <class T>
concept Variant = requires(const T& value) {
  typename FirstArgument<T>::type;
  { value.index() } -> std::same_as<std::size_t>;
  { value.valueless_by_exception() } -> std::same_as<bool>;
};

template <class T>
concept ChronoDuration = requires(const T& value) {
  typename T::period;
  requires std::same_as < FirstArgumentOf<T>,
  typename T::rep > ;
  { value.count() } -> std::same_as<typename T::rep>;
};
template <class T>
concept ChronoTimePoint = requires(const T& value) {
  requires std::same_as < FirstArgumentOf<T>,
  typename T::clock > ;
  { value.time_since_epoch() } -> std::same_as<typename T::duration>;
};
template <class T>
concept Complex = requires(const T& value) {
  requires std::same_as < FirstArgumentOf<T>,
  typename T::value_type > ;
  { value.real() } -> std::same_as<typename T::value_type>;
  { value.imag() } -> std::same_as<typename T::value_type>;
  requires std::is_floating_point_v<typename T::value_type>;
};
template <class T>
concept Path = requires(const T& value) {
  T::preferred_separator;
  { value.native() } -> std::same_as<const typename T::string_type&>;
  requires std::constructible_from<T, typename T::string_type&&>;
};

/// T without cv.
template <class T>
constexpr Kind kind_of() {
  if constexpr (!std::is_object_v<T>) {
    return Kind::none;
  } else if constexpr (std::is_array_v<T>) {
    return std::extent_v<T> > 0 ? Kind::c_array : Kind::none;
  } else if constexpr (HasCodec<T>) {
    return Kind::custom;
  } else if constexpr (treat_as_raw<T>) {
    static_assert(std::is_trivially_copyable_v<T>,
                  "sluice: treat_as_raw<T> is for trivially copyable types; specialise "
                  "sluice::codec<T> instead");
    return Kind::raw;
  } else if constexpr (std::is_enum_v<T>) {
    return FixedEnum<T> || HasEnumBounds<T> ? Kind::scalar : Kind::none;
  } else if constexpr (std::is_arithmetic_v<T>) {
    return Kind::scalar;
  } else if constexpr (!std::is_class_v<T>) {
    return Kind::none;  // pointers of all sorts, unions
  } else if constexpr (kIsStdArray<T>) {
    return Kind::array;
  } else if constexpr (kIsTuple<T>) {
    return Kind::tuple;
  } else if constexpr (kIsOptional<T>) {
    return Kind::optional;
  } else if constexpr (Variant<T>) {
    return Kind::variant;
  } else if constexpr (Sequence<T>) {
    return Kind::sequence;
  } else if constexpr (Keyed<T>) {
    return Kind::keyed;
  } else if constexpr (ChronoDuration<T>) {
    return Kind::duration;
  } else if constexpr (ChronoTimePoint<T>) {
    return Kind::time_point;
  } else if constexpr (Complex<T>) {
    return Kind::complex;
  } else if constexpr (Path<T>) {
    return Kind::path;
  } else if constexpr (std::is_aggregate_v<T>) {
    return kMemberCount<T> == kUncountable ? Kind::none : Kind::aggregate;
  } else {
    return Kind::none;
  }
}

template <class T>
inline constexpr Kind kKind = kind_of<T>();

}  // namespace sluice::detail
