// sluice/weight.hpp: how many bytes of memory an item holds.
//
// Types are recognised by what they can do, so no container has to be included. A block on the heap counts as
// many bytes as glibc's allocator takes for it. What a trivially destructible type points to is not its own.
// Layer: queue. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec/members.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sluice {

/// Specialise it for a type that can't be looked into (private members, handles, shared ownership):
///
///   template <>
///   struct sluice::weigher<Image> {
///     static std::size_t held_bytes(const Image& image) noexcept { return image.pixels() * 4; }
///   };
///
/// held_bytes() returns the bytes that the item owns outside of itself; sizeof(Image) is added to them.
template <class T>
struct weigher;

namespace detail {

enum class Weighing : unsigned char {
  fixed,  // owns nothing: sizeof(T)
  custom,
  c_array,
  array,
  tuple,
  optional,
  variant,
  owner,  // a unique_ptr to one object
  path,
  container,
  aggregate,
  opaque,  // may own anything: sizeof(T), and nobody knows what else
};

template <class T>
concept HasWeigher = requires(const T& item) {
  { weigher<T>::held_bytes(item) } -> std::convertible_to<std::size_t>;
};

template <class E>
concept Complete = requires {
  sizeof(E);
};
template <class T>
inline constexpr bool kOwnsOne = false;
template <class E>
inline constexpr bool kOwnsOne<std::unique_ptr<E>> =
    std::is_object_v<E> && !std::is_array_v<E> && Complete<E>;

template <class T>
inline constexpr bool kIsRow = false;
template <class V, std::size_t N>
inline constexpr bool kIsRow<std::array<V, N>> = true;
template <class T>
inline constexpr bool kMayHaveOne = false;
template <class V>
inline constexpr bool kMayHaveOne<std::optional<V>> = true;
template <class T>
inline constexpr bool kHasSeveral = false;
template <class... Ts>
inline constexpr bool kHasSeveral<std::tuple<Ts...>> = true;
template <class A, class B>
inline constexpr bool kHasSeveral<std::pair<A, B>> = true;
template <class T>
concept HasOneOf = requires(const T& item) {
  { item.index() } -> std::same_as<std::size_t>;
  { item.valueless_by_exception() } -> std::same_as<bool>;
};
template <class T>
concept HasNative = requires(const T& item) {
  { item.native() } -> std::same_as<const typename T::string_type&>;
};

template <class C>
concept Weighable = requires(const C& items) {
  typename C::value_type;
  { items.size() } -> std::convertible_to<std::size_t>;
  items.begin() != items.end();
};
template <class C>
concept HasCapacity = requires(const C& items) {
  { items.capacity() } -> std::convertible_to<std::size_t>;
};
/// Its items lie one behind the other in a block that has room for capacity() of them.
template <class C>
concept InOneBlock = HasCapacity<C> && requires(const C& items) {
  { items.data() } -> std::convertible_to<const typename C::value_type*>;
};
template <class C>
concept InBits = HasCapacity<C> && std::same_as<typename C::value_type, bool>;
template <class C>
concept InHashedNodes = requires(const C& items) {
  { items.bucket_count() } -> std::convertible_to<std::size_t>;
};
template <class C>
concept InSortedNodes = requires {
  typename C::key_compare;
};
template <class C>
concept InChunks = requires(const C& items) {
  items[0];
};

/// T without cv.
template <class T>
constexpr Weighing weighing_of() {
  if constexpr (HasWeigher<T>) {
    return Weighing::custom;
  } else if constexpr (std::is_trivially_destructible_v<T>) {
    return Weighing::fixed;
  } else if constexpr (std::is_array_v<T>) {
    return Weighing::c_array;
  } else if constexpr (!std::is_class_v<T>) {
    return Weighing::opaque;  // unions
  } else if constexpr (kIsRow<T>) {
    return Weighing::array;
  } else if constexpr (kHasSeveral<T>) {
    return Weighing::tuple;
  } else if constexpr (kMayHaveOne<T>) {
    return Weighing::optional;
  } else if constexpr (HasOneOf<T>) {
    return Weighing::variant;
  } else if constexpr (kOwnsOne<T>) {
    return Weighing::owner;
  } else if constexpr (HasNative<T>) {
    return Weighing::path;
  } else if constexpr (Weighable<T>) {
    return Weighing::container;
  } else if constexpr (std::is_aggregate_v<T>) {
    return kMemberCount<T> == kUncountable ? Weighing::opaque : Weighing::aggregate;
  } else {
    return Weighing::opaque;
  }
}
template <class T>
inline constexpr Weighing kWeighing = weighing_of<std::remove_cv_t<T>>();

// ---- whether all of an item is seen ----------------------------------------------------------------

template <template <class...> class C, class... Ts>
constexpr TypeList<Ts...> types_in(const C<Ts...>*) {
  return {};
}
template <class T, class... Seen>
constexpr bool was_seen(TypeList<Seen...>) {
  return (std::is_same_v<T, Seen> || ...);
}
template <class T, class... Seen>
constexpr TypeList<Seen..., T> and_seen(TypeList<Seen...>) {
  return {};
}

/// The types of what T is made of.
template <class T>
constexpr auto weighed_parts() {
  if constexpr (kWeighing<T> == Weighing::c_array) {
    return TypeList<std::remove_extent_t<T>>();
  } else if constexpr (kWeighing<T> == Weighing::array || kWeighing<T> == Weighing::optional ||
                       kWeighing<T> == Weighing::container) {
    return TypeList<typename T::value_type>();
  } else if constexpr (kWeighing<T> == Weighing::tuple || kWeighing<T> == Weighing::variant) {
    return types_in(static_cast<const T*>(nullptr));
  } else if constexpr (kWeighing<T> == Weighing::owner) {
    return TypeList<typename T::element_type>();
  } else if constexpr (kWeighing<T> == Weighing::aggregate) {
    return MemberTypes<T>();
  } else {
    return TypeList<>();
  }
}

template <class T, class Seen>
constexpr bool sees_all_of();

template <class Seen, class... Parts>
constexpr bool sees_all_parts(TypeList<Parts...>) {
  return (sees_all_of<std::remove_cv_t<Parts>, Seen>() && ...);
}
template <class T, class Seen>
constexpr bool sees_all_of() {
  if constexpr (!std::is_object_v<T> || was_seen<T>(Seen())) {
    return true;  // a reference owns nothing; a type that contains itself is judged by its other parts
  } else if constexpr (kWeighing<T> == Weighing::opaque) {
    return false;
  } else if constexpr (kWeighing<T> == Weighing::owner) {
    using E = typename T::element_type;  // what a derived class holds is not known
    return !(std::is_polymorphic_v<E> && !std::is_final_v<E>)&&sees_all_of<E, Seen>();
  } else {
    return sees_all_parts<decltype(and_seen<T>(Seen()))>(weighed_parts<T>());
  }
}

// ---- what an item owns ---------------------------------------------------------------------------

/// What glibc takes for a block of `bytes`: eight more, in steps of 16, at least 32.
[[nodiscard]] constexpr std::size_t block_bytes(std::size_t bytes) noexcept {
  if (bytes == 0) return 0;
  const std::size_t taken = (bytes + 8 + 15) / 16 * 16;
  return taken < 32 ? 32 : taken;
}

template <class T>
[[nodiscard]] std::size_t held_bytes_of(const T& item) noexcept;

/// The blocks of a container, without what its elements own.
template <class C>
[[nodiscard]] std::size_t blocks_of(const C& items) noexcept {
  using V = typename C::value_type;
  constexpr std::size_t kPointer = sizeof(void*);
  const auto size = static_cast<std::size_t>(items.size());
  if constexpr (InOneBlock<C>) {
    const auto* const data = reinterpret_cast<const std::byte*>(items.data());
    const auto* const self = reinterpret_cast<const std::byte*>(std::addressof(items));
    if (data == nullptr || (data >= self && data < self + sizeof(C))) return 0;  // a short string
    constexpr std::size_t kEnd = requires { items.c_str(); }
    ? sizeof(V) : 0;
    return block_bytes(static_cast<std::size_t>(items.capacity()) * sizeof(V) + kEnd);
  } else if constexpr (InBits<C>) {
    return block_bytes((static_cast<std::size_t>(items.capacity()) + 7) / 8);
  } else if constexpr (InHashedNodes<C>) {
    return size * block_bytes(sizeof(V) + 2 * kPointer) +
           block_bytes(static_cast<std::size_t>(items.bucket_count()) * kPointer);
  } else if constexpr (InSortedNodes<C>) {
    return size * block_bytes(sizeof(V) + 4 * kPointer);
  } else if constexpr (InChunks<C>) {
    constexpr std::size_t kChunk = sizeof(V) > 512 ? sizeof(V) : 512;
    return (size * sizeof(V) / kChunk + 1) * (block_bytes(kChunk) + kPointer);
  } else {
    return size * block_bytes(sizeof(V) + 2 * kPointer);  // lists
  }
}

template <class T>
[[nodiscard]] std::size_t held_by_elements(const T& items) noexcept {
  std::size_t held = 0;
  if constexpr (kWeighing<std::remove_cvref_t<decltype(*std::begin(items))>> != Weighing::fixed) {
    for (const auto& element : items) held += held_bytes_of(element);
  }
  return held;
}

template <class T, std::size_t... I>
[[nodiscard]] std::size_t held_by_tuple(const T& items, std::index_sequence<I...>) noexcept {
  using std::get;
  return (std::size_t{0} + ... + held_bytes_of(get<I>(items)));
}

template <std::size_t I, class T, class... Vs>
[[nodiscard]] std::size_t held_by_variant(const T& item, TypeList<Vs...> alternatives) noexcept {
  using std::get;
  if constexpr (I == sizeof...(Vs)) {
    return 0;
  } else {
    if (item.index() == I) return held_bytes_of(get<I>(item));
    return held_by_variant<I + 1>(item, alternatives);
  }
}

/// For a type that contains itself this is a recursion, as its destructor is.
template <class T>
std::size_t held_bytes_of(const T& item) noexcept {
  constexpr Weighing kHow = kWeighing<T>;
  if constexpr (kHow == Weighing::custom) {
    return static_cast<std::size_t>(weigher<T>::held_bytes(item));
  } else if constexpr (kHow == Weighing::c_array || kHow == Weighing::array) {
    return held_by_elements(item);
  } else if constexpr (kHow == Weighing::tuple) {
    return held_by_tuple(item, std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (kHow == Weighing::optional) {
    return item.has_value() ? held_bytes_of(*item) : 0;
  } else if constexpr (kHow == Weighing::variant) {
    return held_by_variant<0>(item, weighed_parts<T>());
  } else if constexpr (kHow == Weighing::owner) {
    return item == nullptr ? 0 : block_bytes(sizeof(*item)) + held_bytes_of(*item);
  } else if constexpr (kHow == Weighing::path) {
    return held_bytes_of(item.native());
  } else if constexpr (kHow == Weighing::container) {
    return blocks_of(item) + held_by_elements(item);
  } else if constexpr (kHow == Weighing::aggregate) {
    return with_members(item, [](auto, const auto&... members) noexcept {
      return (std::size_t{0} + ... + held_bytes_of(members));
    });
  } else {
    return 0;
  }
}

/// The same for every value of the type.
template <class T>
inline constexpr bool kFixedWeight = kWeighing<T> == Weighing::fixed;

}  // namespace detail

/// The bytes of memory that an item holds: sizeof(T) and every block on the heap that it owns, through strings,
/// containers, pairs, tuples, optionals, variants, unique_ptr, paths, and structs of up to 24 of these (without
/// base classes). What can't be looked into (other classes, shared_ptr) counts as its size, unless weigher<T>
/// says more. A struct with an anonymous union beside a string needs a weigher, too: it does not compile without.
/// Costs a look at every element that may own memory. Threads  any that may read the item.
template <class T>
[[nodiscard]] std::size_t weight_of(const T& item) noexcept {
  if constexpr (detail::kFixedWeight<T>) {
    return sizeof(T);
  } else {
    return sizeof(T) + detail::held_bytes_of(item);
  }
}

/// Whether weight_of() sees all that an item owns.
template <class T>
inline constexpr bool is_weighed_in_full_v =
    detail::sees_all_of<std::remove_cv_t<T>, detail::TypeList<>>();

}  // namespace sluice
