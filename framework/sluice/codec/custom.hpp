// sluice/codec/custom.hpp: what users say about types that the codec can't judge by itself.
// Layer: codec. API, by way of <sluice/codec.hpp>.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

namespace sluice {

class Writer;
class Reader;

/// Specialise it for a type that the codec can't take apart:
///
///   template <>
///   struct sluice::codec<Money> {
///     static void write(const Money& money, sluice::Writer& to) { to.put(money.cents()); }
///     static Money read(sluice::Reader& from) { return Money(from.get<std::int64_t>()); }
///     static constexpr std::size_t min_size = 8;  // optional: bytes that write() appends at least
///   };
template <class T>
struct codec;

/// Specialise it as true for a trivially copyable class whose bytes mean the same in every process,
/// and whatever bytes it is given it must be safe to use.
template <class T>
inline constexpr bool treat_as_raw = false;

/// Specialise it to say which values of an enum there are; others are refused, on both sides:
///
///   template <>
///   struct sluice::enum_range<Colour> {
///     static constexpr Colour least = Colour::red;
///     static constexpr Colour most = Colour::blue;
///     static constexpr bool is_valid(Colour c) { return c != Colour::none; }  // optional: for gaps
///   };
///
/// An enum whose underlying type is not fixed (neither `enum class` nor `enum Name : type`) is only
/// portable with such a range, because the language gives other values no meaning. Of others, every
/// value of the underlying type is accepted unless there is a range; is_valid() alone will do.
template <class E>
struct enum_range {};

namespace detail {

/// Enums whose every underlying value is a value: braces make them of numbers.
template <class E>
concept FixedEnum = requires {
  E{std::underlying_type_t<E>()};
};
template <class E>
concept HasEnumBounds = requires {
  { enum_range<E>::least } -> std::convertible_to<E>;
  { enum_range<E>::most } -> std::convertible_to<E>;
};
template <class E>
concept HasEnumTest = requires(E value) {
  { enum_range<E>::is_valid(value) } -> std::convertible_to<bool>;
};
/// Enums whose underlying bytes may be no value at all.
template <class E>
concept BoolEnum = std::is_enum_v<E> && std::is_same_v < std::underlying_type_t<E>,
bool > ;
/// Enums of which some underlying values are refused.
template <class E>
concept CheckedEnum = std::is_enum_v<E> &&(HasEnumBounds<E> || HasEnumTest<E>);

template <class E>
constexpr bool is_enumerated(std::underlying_type_t<E> number) {
  using Number = std::underlying_type_t<E>;
  if constexpr (HasEnumBounds<E>) {
    if (number < static_cast<Number>(enum_range<E>::least)) return false;
    if (number > static_cast<Number>(enum_range<E>::most)) return false;
  }
  if constexpr (HasEnumTest<E>) {
    if (!enum_range<E>::is_valid(static_cast<E>(number))) return false;
  }
  return true;
}

template <class T>
concept HasCodec = requires(const T& value, Writer& to, Reader& from) {
  codec<T>::write(value, to);
  { codec<T>::read(from) } -> std::same_as<T>;
};

}  // namespace detail

}  // namespace sluice
