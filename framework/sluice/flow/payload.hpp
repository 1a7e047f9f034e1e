// sluice/flow/payload.hpp: what a dead letter says of its item: bytes and a subject, where its type has any.
//
// Text and numbers for now; the codec adds every portable type.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/dead_letter.hpp>

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

/// What an item of a user's type is about, a path for instance: `std::string subject_of(const T&)`, found by its
/// namespace.
template <class T>
concept HasSubject = requires(const T& item) {
  { subject_of(item) } -> std::convertible_to<std::string>;
};

template <class T>
concept Tellable = HasPayload<T> || HasSubject<T>;

/// What a dead letter says of an item, on demand. Both may throw what reading the item throws, and std::bad_alloc.
class Payload {
 public:
  /// Returns  false where the item has no bytes to tell.
  [[nodiscard]] virtual bool bytes(std::string& to) const = 0;
  /// Empty where the item has none.
  [[nodiscard]] virtual std::string subject() const = 0;

 protected:
  ~Payload() = default;
};

template <Tellable T>
class PayloadOf final : public Payload {
 public:
  explicit PayloadOf(const T& item) noexcept : item_(&item) {}
  [[nodiscard]] bool bytes(std::string& to) const override {
    if constexpr (HasPayload<T>) to = payload_of(*item_);
    return HasPayload<T>;
  }
  [[nodiscard]] std::string subject() const override {
    if constexpr (HasSubject<T>) return subject_of(*item_);
    return {};
  }

 private:
  const T* item_;
};

/// Does nothing when that throws: a dead letter still says what happened, and to which item.
void tell(DeadLetter& letter, const Payload& payload) noexcept;

}  // namespace sluice::detail
