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

/// The bytes of something, on demand.
class Payload {
 public:
  /// May throw what reading the item throws, and std::bad_alloc.
  [[nodiscard]] virtual std::string bytes() const = 0;

 protected:
  ~Payload() = default;
};

template <HasPayload T>
class PayloadOf final : public Payload {
 public:
  explicit PayloadOf(const T& item) noexcept : item_(&item) {}
  [[nodiscard]] std::string bytes() const override { return payload_of(*item_); }

 private:
  const T* item_;
};

}  // namespace sluice::detail
