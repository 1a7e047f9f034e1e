// sluice/flow/copyable.hpp: whether copying an item compiles, containers of move-only items included.
//
// The standard's containers claim to be copyable whatever is in them, and the error comes when a copy is
// compiled. So their items are asked too.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

namespace sluice::detail {

template <class T>
[[nodiscard]] consteval bool is_copyable() {
  if constexpr (!std::copy_constructible<T>) {
    return false;
  } else if constexpr (requires { typename T::value_type; }) {
    using Item = std::remove_cv_t<typename T::value_type>;
    if constexpr (std::same_as<Item, T> || !std::is_object_v<Item>) {
      return true;
    } else {
      return is_copyable<Item>();
    }
  } else if constexpr (requires {
                         typename T::first_type;
                         typename T::second_type;
                       }) {
    return is_copyable<std::remove_cv_t<typename T::first_type>>() &&
           is_copyable<std::remove_cv_t<typename T::second_type>>();
  } else {
    return true;
  }
}

template <class T>
concept Copyable = is_copyable<T>();

}  // namespace sluice::detail
