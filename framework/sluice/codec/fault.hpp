// sluice/codec/fault.hpp: the way to the first part of a type that is not portable, as text.
//
// The verdict (codec/verdict.hpp) is a type; here its way becomes a row of constants, and one function
// that is compiled once makes text of them when somebody asks. A portable type costs a comparison.
// Layer: codec. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/type_name.hpp>
#include <sluice/codec/verdict.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

namespace sluice::detail {

/// One step of the way: "member #2 of Hit".
struct FaultStep {
  std::string_view part;  ///< member, element, alternative, key, value, ...
  std::size_t number;     ///< from 1; 0: there is only one
  std::string_view owner;
};

/// Returns  "member #1 of Nest, member #2 of its Bad (std::string_view)"; a reason, if there is any,
///          follows the offender.
[[nodiscard]] std::string fault_text(const FaultStep* way, std::size_t steps,
                                     std::string_view offender, std::string_view reason);

/// What the part of this number, from 1, is to a T.
template <class T>
[[nodiscard]] constexpr FaultStep fault_step(std::size_t number) {
  constexpr Kind kind = kKind<T>;
  constexpr std::string_view owner = type_name<T>();
  if constexpr (kind == Kind::aggregate || kind == Kind::none) {
    return {"member", number, owner};
  } else if constexpr (kind == Kind::tuple) {
    return {"element", number, owner};
  } else if constexpr (kind == Kind::variant) {
    return {"alternative", number, owner};
  } else if constexpr (kind == Kind::keyed) {
    return {number == 1 ? "key" : "value", 0, owner};
  } else if constexpr (kind == Kind::optional) {
    return {"value", 0, owner};
  } else if constexpr (kind == Kind::duration || kind == Kind::time_point) {
    return {"number", 0, owner};
  } else {
    return {"element", 0, owner};
  }
}

/// What a type's name does not tell about why it is refused.
template <class T>
[[nodiscard]] constexpr std::string_view fault_reason() {
  if constexpr (std::is_enum_v<T>) {
    return "an enum without a fixed type, which needs a sluice::enum_range";
  } else if constexpr (std::is_class_v<T> && std::is_aggregate_v<T>) {
    return "a struct with a base class, more than 64 members, or one that can't be initialised";
  } else {
    return "";
  }
}

template <class Wrong>
struct FaultWay;
template <class T>
struct FaultWay<NotPortable<T>> {
  static constexpr std::size_t kSteps = 0;
  static constexpr std::string_view kOffender = type_name<T>();
  static constexpr std::string_view kReason = fault_reason<T>();
  static constexpr void write(FaultStep*) {}
};
template <>
struct FaultWay<NotPortable<Union>> {
  static constexpr std::size_t kSteps = 0;
  static constexpr std::string_view kOffender = "a union";
  static constexpr std::string_view kReason = "";
  static constexpr void write(FaultStep*) {}
};
template <std::size_t Number, class T, class Wrong>
struct FaultWay<Part<Number, T, Wrong>> {
  static constexpr std::size_t kSteps = 1 + FaultWay<Wrong>::kSteps;
  static constexpr std::string_view kOffender = FaultWay<Wrong>::kOffender;
  static constexpr std::string_view kReason = FaultWay<Wrong>::kReason;
  static constexpr void write(FaultStep* to) {
    *to = fault_step<T>(Number);
    FaultWay<Wrong>::write(to + 1);
  }
};

/// Why values of T can't leave the memory of their process: the first part that is not portable and
/// the way to it, with members, elements and alternatives numbered from 1, for instance
/// "member #2 of Hit (const char*)". Known when T is compiled, made into text when called.
/// Returns  an empty text if T is portable.
/// Throws  std::bad_alloc.
template <class T>
[[nodiscard]] std::string portability_fault() {
  using Wrong = VerdictOf<std::remove_cv_t<T>>;
  if constexpr (std::is_same_v<Wrong, Portable>) {
    return std::string();
  } else {
    using Way = FaultWay<Wrong>;
    FaultStep way[Way::kSteps + 1] = {};
    Way::write(way);
    return fault_text(way, Way::kSteps, Way::kOffender, Way::kReason);
  }
}

}  // namespace sluice::detail
