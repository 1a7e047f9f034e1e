// sluice/base/type_name.hpp: a type's identity and its name as the compiler spells it.
// Layer: base. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace sluice::detail {

template <class T>
[[nodiscard]] constexpr std::string_view type_name() noexcept {
  // g++: "... type_name() [with T = X; std::string_view = ...]"; clang: "... type_name() [T = X]".
  constexpr std::string_view text = __PRETTY_FUNCTION__;
  constexpr std::size_t begin = text.find("T = ") + 4;
  constexpr std::size_t semicolon = text.find(';', begin);
  constexpr std::size_t end = semicolon == std::string_view::npos ? text.rfind(']') : semicolon;
  return text.substr(begin, end - begin);
}

/// Identity and name of a type, comparable at run time without RTTI.
struct TypeKey {
  const void* id = nullptr;
  std::string_view name = "nothing";
  friend bool operator==(const TypeKey& a, const TypeKey& b) noexcept { return a.id == b.id; }
};

template <class T>
inline constexpr char kTypeAnchor = 0;

template <class T>
[[nodiscard]] constexpr TypeKey type_key() noexcept {
  return {&kTypeAnchor<T>, type_name<T>()};
}

}  // namespace sluice::detail
