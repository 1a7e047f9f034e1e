// sluice/codec/layout.hpp: which values are copied as a whole, and how few bytes a value can take.
// Layer: codec. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec/verdict.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>

namespace sluice::detail {

/// Of the 16 bytes of x86's long double 10 mean something.
inline constexpr std::size_t kLongDoubleBytes = __LDBL_MANT_DIG__ == 64 ? 10 : sizeof(long double);

template <class... Ts>
constexpr auto bare(TypeList<Ts...>) {
  return TypeList<std::remove_cv_t<Ts>...>();
}

template <class T>
constexpr bool is_bulk();

template <class T, class... Ms>
constexpr bool is_packed(TypeList<Ms...>) {
  if constexpr ((is_bulk<Ms>() && ...)) {
    return std::is_trivially_copyable_v<T> && (sizeof(Ms) + ... + 0) == sizeof(T);
  } else {
    return false;
  }
}

/// Whether T's bytes are those of its parts, any bytes make a T, and it may be copied as bytes. Not
/// bool and enums with a range, of which not all values may be read; not long double, which has
/// padding.
template <class T>
constexpr bool is_bulk() {
  constexpr Kind kind = kKind<T>;
  if constexpr (kind == Kind::raw) {
    return true;
  } else if constexpr (kind == Kind::scalar) {
    return !std::is_same_v<T, bool> && !std::is_same_v<T, long double> && !CheckedEnum<T> &&
           !BoolEnum<T>;
  } else if constexpr (kind == Kind::c_array) {
    return is_bulk<std::remove_cv_t<std::remove_all_extents_t<T>>>();
  } else if constexpr (kind == Kind::array) {
    return std::tuple_size_v<T> > 0 && is_bulk<std::remove_cv_t<typename T::value_type>>() &&
           sizeof(T) == std::tuple_size_v<T> * sizeof(typename T::value_type);
  } else if constexpr (kind == Kind::complex) {
    return std::is_trivially_copyable_v<T> && is_bulk<typename T::value_type>() &&
           sizeof(T) == 2 * sizeof(typename T::value_type);
  } else if constexpr (kind == Kind::duration || kind == Kind::time_point ||
                       kind == Kind::aggregate) {
    return is_packed<T>(bare(parts<T>()));
  } else {
    return false;
  }
}

template <class T>
inline constexpr bool kBulk = is_bulk<T>();

/// Sequences whose elements lie side by side and are copied as one.
template <class C>
inline constexpr bool kBulkRow = false;
template <class C>
  requires(kBulk<typename C::value_type>&& std::is_default_constructible_v<
           typename C::value_type>&& requires(C& row, const C& constant) {
    row.resize(constant.size());
    { row.data() } -> std::same_as<typename C::value_type*>;
  })
inline constexpr bool kBulkRow<C> = true;

template <class T>
constexpr std::size_t min_size();

template <class... Ms>
constexpr std::size_t min_size_of_all(TypeList<Ms...>) {
  return (min_size<Ms>() + ... + 0);
}

/// Returns  the fewest bytes that a value of T is encoded in; 0 is always right.
template <class T>
constexpr std::size_t min_size() {
  constexpr Kind kind = kKind<T>;
  if constexpr (kind == Kind::custom) {
    if constexpr (requires { codec<T>::min_size; }) {
      return codec<T>::min_size;
    } else {
      return 0;
    }
  } else if constexpr (kind == Kind::scalar || is_bulk<T>()) {
    return sizeof(T);
  } else if constexpr (kind == Kind::sequence || kind == Kind::keyed || kind == Kind::path) {
    return sizeof(std::uint32_t);
  } else if constexpr (kind == Kind::optional) {
    return 1;
  } else if constexpr (kind == Kind::variant) {
    return 2;
  } else if constexpr (kind == Kind::array) {
    return std::tuple_size_v<T> * min_size<std::remove_cv_t<typename T::value_type>>();
  } else if constexpr (kind == Kind::c_array) {
    return std::extent_v<T> * min_size<std::remove_cv_t<std::remove_extent_t<T>>>();
  } else {
    return min_size_of_all(bare(parts<T>()));
  }
}

template <class T>
inline constexpr std::size_t kMinSize = min_size<T>();

template <class T>
constexpr bool is_fixed();
template <class... Ms>
constexpr bool are_fixed(TypeList<Ms...>) {
  return (is_fixed<Ms>() && ...);
}
/// Returns  whether all values of T are encoded in the same number of bytes: kMinSize<T>.
template <class T>
constexpr bool is_fixed() {
  constexpr Kind kind = kKind<T>;
  if constexpr (kind == Kind::scalar || kind == Kind::raw) {
    return true;
  } else if constexpr (kind == Kind::c_array || kind == Kind::array || kind == Kind::tuple ||
                       kind == Kind::duration || kind == Kind::time_point ||
                       kind == Kind::complex || kind == Kind::aggregate) {
    return are_fixed(bare(parts<T>()));
  } else {
    return false;
  }
}
template <class T>
inline constexpr bool kFixed = is_fixed<T>();

/// As an element of a row: at least a byte, or a damaged length could ask for any number of them.
template <class T>
inline constexpr std::size_t kLeastElement = kMinSize<T> == 0 ? 1 : kMinSize<T>;

}  // namespace sluice::detail
