// sluice/codec.hpp: values as bytes, for items that leave the memory of this process.
//
// A type is portable if its value is in its bytes and nowhere else: numbers, enums, strings,
// containers, pairs, tuples, optionals, variants, times, paths, and structs of these. Pointers,
// views, handles and classes with private members are not, and are refused by the compiler.
//
// The bytes are for the same program on the same machine: no byte order, no versions, no type tags.
// Layer: codec. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec/bytes.hpp>
#include <sluice/codec/fault.hpp>
#include <sluice/codec/values.hpp>

#include <concepts>
#include <span>
#include <type_traits>

namespace sluice {

/// Whether values of T can be encoded and decoded:
///   - a type with a codec<T> of its own, or one that treat_as_raw<T> vouches for;
///   - numbers, std::byte, chrono durations and time points, complex, filesystem paths;
///   - enums with a fixed underlying type, and others whose range is known (enum_range<E>);
///   - array, pair, tuple, optional, variant, string, and containers that grow (vector, deque,
///     list, maps and sets, and others' that work like them), of portable types, if allocator,
///     order and hash hold nothing;
///   - structs of up to 64 portable members, without base classes, unions and private members; a
///     member may be an array (all members together of up to 128 elements, no bit-fields beside
///     them).
/// A copy of a portable value is equal to it, except for what containers do not count as their
/// value (capacity, the order of hashed keys).
template <class T>
inline constexpr bool is_portable_v =
    std::is_same_v<detail::VerdictOf<std::remove_cv_t<T>>, detail::Portable>;

template <class T>
concept portable = is_portable_v<T>;

namespace detail {

template <class Wrong>
struct RequirePortable {
  static_assert(
      std::is_same_v<Wrong, Portable>,
      "sluice: this type cannot leave the memory of its process. The template argument "
      "above names the first part that is a pointer, view, handle or opaque class, and the way to "
      "it: Part<2, Hit, ...> is the second member of Hit. Fix: hold the value itself (std::string, "
      "std::vector, sluice::SharedBytes), or specialise sluice::codec<T>, or opt in with "
      "sluice::treat_as_raw<T> if its bytes mean the same in every process");
};

}  // namespace detail

/// Makes it a compile error, with the reason, that T is not portable.
template <class T>
constexpr void require_portable() {
  static_cast<void>(sizeof(detail::RequirePortable<detail::VerdictOf<std::remove_cv_t<T>>>));
}

template <class T>
void Writer::put(const T& value) {
  require_portable<T>();
  if constexpr (portable<T>) detail::write_value<T>(value, *this);
}

template <class T>
T Reader::get() {
  require_portable<T>();
  if constexpr (portable<T>) return detail::read_value<T>(*this);
}

/// Appends the bytes of a value. `sink`, if there is one, is offered all SharedBytes in it.
/// Throws  EncodeError, std::bad_alloc, what a codec or the sink throws: then `out` is as it was.
template <class T>
void encode(const T& value, Bytes& out, BlockSink* sink = nullptr) {
  const std::size_t before = out.size();
  try {
    Writer(out, sink).put(value);
  } catch (...) {
    out.resize(before);
    throw;
  }
}

/// Returns  the value whose bytes these are, all of them.
/// Throws  DecodeError on any other bytes (or returns some value of T, where they happen to be
///         one's); never reads past the end, and allocates no more than a small multiple of what it
///         was given, or of what the type's own elements take.
template <class T>
[[nodiscard]] T decode(std::span<const std::byte> bytes, BlockSource* source = nullptr) {
  Reader from(bytes, detail::type_name<T>(), source);
  T value = from.get<T>();
  from.expect_end();
  return value;
}

}  // namespace sluice
