// sluice/codec/values.hpp: how each kind of value is written and read.
//
// (1) A value's bytes are those of its parts in order; lengths are 32 bits wide, or 32 + 64.
// (2) Values whose bytes are those of their parts, without padding, are copied as a whole; the
//     result is the same. So padding never leaves the process.
// (3) Parts are read straight into the value under construction, in the order in which they were
//     written; when a part can't be read, the destructors of the others clean up.
// Layer: codec. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/type_name.hpp>
#include <sluice/codec/rows.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sluice::detail {

// ---- Scalars ------------------------------------------------------------------------------------

template <class T, class To>
void write_scalar(const T& value, To& to) {
  if constexpr (std::is_same_v<T, long double>) {
    std::byte bytes[sizeof(T)] = {};  // what is padding in `value` is zero here
    __builtin_memcpy(bytes, &value, kLongDoubleBytes);
    to.put_raw(bytes, sizeof bytes);
  } else {
    if constexpr (CheckedEnum<T>) {
      if (!is_enumerated<T>(static_cast<std::underlying_type_t<T>>(value))) {
        throw EncodeError(type_name<T>(), "the enum has a value outside of its enum_range");
      }
    }
    to.put_raw(&value, sizeof value);
  }
}

template <class T, class From>
T read_scalar(From& from) {
  if constexpr (std::is_same_v<T, bool>) {
    unsigned char byte = 0;
    from.get_raw(&byte, 1);
    if (byte > 1) from.fail("a bool is neither 0 nor 1");
    return byte == 1;
  } else if constexpr (CheckedEnum<T> || BoolEnum<T>) {
    const auto number = read_scalar<std::underlying_type_t<T>>(from);
    if (!is_enumerated<T>(number)) from.fail("an enum has no such value");
    return static_cast<T>(number);
  } else {
    T value;
    from.get_raw(&value, sizeof value);
    return value;
  }
}

// ---- Alternatives -------------------------------------------------------------------------------

template <class T, std::size_t I = 0, class... Vs>
void write_variant(const T& value, Writer& to, TypeList<Vs...> alternatives) {
  using std::get;
  if constexpr (I == sizeof...(Vs)) {
    throw EncodeError(type_name<T>(), "the variant holds no value, because an assignment threw");
  } else if (value.index() == I) {
    const auto index = static_cast<std::uint16_t>(I);
    to.put_raw(&index, sizeof index);
    using V = std::remove_cvref_t<decltype(get<I>(value))>;
    write_value<V>(get<I>(value), to);
  } else {
    write_variant<T, I + 1>(value, to, alternatives);
  }
}

template <class T, std::size_t I, class V, class... Rest>
T read_alternative(std::size_t index, Reader& from, TypeList<V, Rest...>) {
  if constexpr (sizeof...(Rest) > 0) {
    if (index != I) return read_alternative<T, I + 1>(index, from, TypeList<Rest...>());
  } else {
    if (index != I) from.fail("a variant has no alternative of that number");
  }
  return T(std::in_place_index<I>, read_value<V>(from));
}

template <class T>
T read_optional(Reader& from) {
  const bool has_value = read_scalar<bool>(from);
  if (!has_value) return T();
  return T(std::in_place, read_value<typename T::value_type>(from));
}

// ---- Parts side by side -------------------------------------------------------------------------

template <class T, class To>
void write_aggregate(const T& value, To& to) {
  with_members(value, [&to]<class... Ms>(TypeList<Ms...>, const auto&... members) {
    static_cast<void>(to);
    (write_value<std::remove_cv_t<Ms>>(members, to), ...);
  });
}

// A bit-field is given what was read from one: it fits.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
template <class T, class From, class... Ms>
T read_aggregate(From& from, TypeList<Ms...> members) {
  if constexpr (has_arrays(TypeList<Ms...>())) {
    T value{};
    with_members(value, [&from](auto, auto&... parts) { (read_over(parts, from), ...); });
    return value;
  } else {
    static_cast<void>(members);
    static_cast<void>(from);
    return T{read_value<Ms>(from)...};  // braces evaluate from left to right
  }
}
#pragma GCC diagnostic pop

template <class T, class From, std::size_t... I>
T read_std_array(From& from, std::index_sequence<I...>) {
  using V = typename T::value_type;
  if constexpr (std::is_default_constructible_v<T> && std::is_move_assignable_v<V>) {
    T row{};
    for (V& value : row) read_over(value, from);
    return row;
  } else {
    return T{{(static_cast<void>(I), read_value<V>(from))...}};
  }
}

// ---- All of it ----------------------------------------------------------------------------------

template <class T>
void write_custom(const T& value, Writer& to) {
  const Level<Writer> level(to, type_name<T>());
  codec<T>::write(value, to);
}
template <class T>
T read_custom(Reader& from) {
  const Level<Reader> level(from);
  return codec<T>::read(from);
}

template <class T, class From>
T read_bulk(From& from) {
  if constexpr (std::is_default_constructible_v<T>) {
    T value{};
    from.get_raw(static_cast<void*>(&value), sizeof value);
    return value;
  } else {
    std::array<std::byte, sizeof(T)> bytes;
    from.get_raw(bytes.data(), sizeof bytes);
    return std::bit_cast<T>(bytes);
  }
}

/// Values of several parts, all of a fixed size: their room is looked for once.
template <class T, class Side>
inline constexpr bool kTogether = (std::is_same_v<Side, Writer> ||
                                   std::is_same_v<Side, Reader>)&&kFixed<T> &&
                                  !kBulk<T> && kKind<T> != Kind::scalar && kMinSize<T> > 0;

template <class T, class To>
void write_value(const T& value, To& to) {
  constexpr Kind kind = kKind<T>;
  if constexpr (kind == Kind::custom) {
    write_custom(value, to);
  } else if constexpr (kind == Kind::scalar) {
    write_scalar(value, to);
  } else if constexpr (kBulk<T>) {
    to.put_raw(&value, sizeof value);
  } else if constexpr (kTogether<T, To>) {
    FixedWriter fixed(to.put_room(kMinSize<T>));
    write_value<T>(value, fixed);
  } else if constexpr (kind == Kind::c_array) {
    write_row(value, to);
  } else if constexpr (kind == Kind::array) {
    for (const auto& element : value) write_value<typename T::value_type>(element, to);
  } else if constexpr (kind == Kind::tuple) {
    std::apply(
        [&to](const auto&... parts) {
          static_cast<void>(to);
          (write_value<std::remove_cvref_t<decltype(parts)>>(parts, to), ...);
        },
        value);
  } else if constexpr (kind == Kind::optional) {
    write_scalar(value.has_value(), to);
    if (value.has_value()) write_value<typename T::value_type>(*value, to);
  } else if constexpr (kind == Kind::variant) {
    write_variant(value, to, parts<T>());
  } else if constexpr (kind == Kind::sequence) {
    write_sequence(value, to);
  } else if constexpr (kind == Kind::keyed) {
    write_keyed(value, to);
  } else if constexpr (kind == Kind::duration) {
    write_value<typename T::rep>(value.count(), to);
  } else if constexpr (kind == Kind::time_point) {
    write_value<typename T::duration>(value.time_since_epoch(), to);
  } else if constexpr (kind == Kind::complex) {
    write_scalar(value.real(), to);
    write_scalar(value.imag(), to);
  } else if constexpr (kind == Kind::path) {
    write_sequence(value.native(), to);
  } else {
    static_assert(kind == Kind::aggregate);
    write_aggregate(value, to);
  }
}

template <class T, class From>
T read_value(From& from) {
  constexpr Kind kind = kKind<T>;
  if constexpr (kind == Kind::custom) {
    return read_custom<T>(from);
  } else if constexpr (kind == Kind::scalar) {
    return read_scalar<T>(from);
  } else if constexpr (kBulk<T>) {
    return read_bulk<T>(from);
  } else if constexpr (kTogether<T, From>) {
    FixedReader fixed(from, from.get_view(kMinSize<T>));
    return read_value<T>(fixed);
  } else if constexpr (kind == Kind::array) {
    return read_std_array<T>(from, std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (kind == Kind::tuple || kind == Kind::aggregate) {
    return read_aggregate<T>(from, bare(parts<T>()));
  } else if constexpr (kind == Kind::optional) {
    return read_optional<T>(from);
  } else if constexpr (kind == Kind::variant) {
    std::uint16_t index = 0;
    from.get_raw(&index, sizeof index);
    return read_alternative<T, 0>(index, from, bare(parts<T>()));
  } else if constexpr (kind == Kind::sequence) {
    return read_sequence<T>(from);
  } else if constexpr (kind == Kind::keyed) {
    return read_keyed<T>(from);
  } else if constexpr (kind == Kind::duration) {
    return T(read_value<typename T::rep>(from));
  } else if constexpr (kind == Kind::time_point) {
    return T(read_value<typename T::duration>(from));
  } else if constexpr (kind == Kind::complex) {
    const auto real = read_scalar<typename T::value_type>(from);
    return T(real, read_scalar<typename T::value_type>(from));
  } else {
    static_assert(kind == Kind::path);
    return T(read_sequence<typename T::string_type>(from));
  }
}

}  // namespace sluice::detail
