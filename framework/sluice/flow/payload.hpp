// sluice/flow/payload.hpp: the bytes of an item for its dead letter, where its type has any.
//
// Text and numbers for now; the codec adds every portable type.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

namespace sluice::detail {

template <class T>
concept HasPayload = std::convertible_to<const T&, std::string_view> || std::is_arithmetic_v<T>;

template <HasPayload T>
[[nodiscard]] std::string payload_of(const T& item) {
  if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(item);
  } else {
    return std::string(std::string_view(item));
  }
}

}  // namespace sluice::detail
