// tests/fuzz/target.hpp: what must hold for any bytes whatever that are decoded as a T.
//
// One function, for libFuzzer (codec_fuzzer.cpp) and for the ordinary test (codec_fuzz_test.cpp).
// SPDX-License-Identifier: MIT
#pragma once

#include <fuzz/kinds.hpp>

#include <support/block_shelf.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace sluice::fuzz {

/// Whether equal values always have equal bytes: not where a hash decides the order.
template <class T>
inline constexpr bool kOneEncoding = !std::is_same_v<T, Hashed>;

enum class Outcome { refused, accepted };

inline void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

/// Decodes bytes that anybody may have made.
/// Returns  whether they were refused by a DecodeError, or are some value.
/// Throws  std::logic_error when the value is not as good as any: encodes to fewer bytes than the
///         type's least, or does not come back from its own bytes. Whatever the codec throws else.
template <class T>
Outcome try_decode(std::span<const std::byte> bytes, BlockSource* source = nullptr) {
  // Room of their own, so that the address sanitizer sees a read past the end.
  const std::vector<std::byte> own(bytes.begin(), bytes.end());
  Bytes once;
  Bytes again;
  try {
    const T value = decode<T>(own, source);
    encode(value, once);
  } catch (const DecodeError& error) {
    require(error.offset() <= bytes.size(), "an offset past the end");
    return Outcome::refused;
  }
  require(once.size() >= detail::kMinSize<T>, "fewer bytes than the type's least");
  try {
    encode(decode<T>(once), again);
  } catch (const DecodeError&) {
    throw std::logic_error("what was encoded is refused");
  }
  require(once.size() == again.size(), "the second encoding has another size");
  if constexpr (kOneEncoding<T>) {
    const bool same = std::memcmp(once.data(), again.data(), once.size()) == 0;
    require(same, "the second encoding differs");
  }
  return Outcome::accepted;
}

}  // namespace sluice::fuzz
