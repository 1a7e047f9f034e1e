// support/random_values.hpp: a random value of any type that the codec knows.
//
// Takes types apart the way the codec does, so a new kind of type needs a line here.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec.hpp>
#include <sluice/shared_bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <type_traits>
#include <utility>

namespace sluice::testing_support {

class RandomValues {
 public:
  /// `most`: elements of a container. What is inside of it has fewer, so values end.
  RandomValues(std::mt19937_64& random, std::size_t most) : random_(random), most_(most) {}

  template <class T>
  [[nodiscard]] T value();

 private:
  template <class T>
  T scalar();
  template <class T>
  T sequence();
  template <class T>
  T keyed();
  template <class T, std::size_t I = 0>
  T alternative(std::size_t index);
  template <class T, class... Ms>
  T made_of(detail::TypeList<Ms...> members);
  template <class M>
  void assign(M& member);

  // A container's content: fewer elements than in the container around it.
  template <class Make>
  void repeat(Make&& make) {
    const std::size_t most = most_;
    const std::size_t count = most == 0 ? 0 : random_() % (most + 1);
    most_ = most / 2;
    for (std::size_t i = 0; i < count; ++i) make();
    most_ = most;
  }

  std::mt19937_64& random_;
  std::size_t most_;
};

template <class T>
T RandomValues::scalar() {
  if constexpr (std::is_same_v<T, bool>) {
    return random_() % 2 == 0;
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(random_()) / static_cast<T>(3);
  } else if constexpr (detail::HasEnumBounds<T>) {
    const auto least = static_cast<std::int64_t>(enum_range<T>::least);
    const auto most = static_cast<std::int64_t>(enum_range<T>::most);
    const auto values = static_cast<std::uint64_t>(most - least + 1);
    return static_cast<T>(least + static_cast<std::int64_t>(random_() % values));
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(static_cast<std::underlying_type_t<T>>(random_()));
  } else {
    return static_cast<T>(random_());
  }
}

template <class T>
T RandomValues::sequence() {
  T row;
  repeat([&] { row.push_back(value<typename T::value_type>()); });
  return row;
}

template <class T>
T RandomValues::keyed() {
  T table;
  repeat([&] {
    auto key = value<typename T::key_type>();
    if constexpr (detail::Map<T>) {
      table.emplace(std::move(key), value<typename T::mapped_type>());
    } else {
      table.emplace(std::move(key));
    }
  });
  return table;
}

template <class T, std::size_t I>
T RandomValues::alternative(std::size_t index) {
  if constexpr (I + 1 < std::variant_size_v<T>) {
    if (index != I) return alternative<T, I + 1>(index);
  }
  return T(std::in_place_index<I>, value<std::variant_alternative_t<I, T>>());
}

template <class M>
void RandomValues::assign(M& member) {
  if constexpr (std::is_array_v<M>) {
    for (auto& element : member) assign(element);
  } else {
    member = value<M>();
  }
}

template <class T, class... Ms>
T RandomValues::made_of(detail::TypeList<Ms...> members) {
  if constexpr (detail::has_arrays(detail::TypeList<Ms...>())) {
    T made{};
    detail::with_members(made, [this](auto, auto&... parts) { (this->assign(parts), ...); });
    return made;
  } else {
    static_cast<void>(members);
    return T{value<std::remove_cv_t<Ms>>()...};
  }
}

template <class T>
T RandomValues::value() {
  constexpr detail::Kind kind = detail::kKind<T>;
  using detail::Kind;
  if constexpr (std::is_same_v<T, SharedBytes>) {
    return SharedBytes::make(random_() % (4 * most_ + 1), [this](std::span<std::byte> to) {
      for (std::byte& byte : to) byte = static_cast<std::byte>(random_());
    });
  } else if constexpr (kind == Kind::custom) {
    return T(random_());
  } else if constexpr (kind == Kind::scalar) {
    return scalar<T>();
  } else if constexpr (kind == Kind::sequence) {
    return sequence<T>();
  } else if constexpr (kind == Kind::keyed) {
    return keyed<T>();
  } else if constexpr (kind == Kind::optional) {
    return random_() % 3 == 0 ? T() : T(value<typename T::value_type>());
  } else if constexpr (kind == Kind::variant) {
    return alternative<T>(random_() % std::variant_size_v<T>);
  } else if constexpr (kind == Kind::array) {
    T row{};
    for (auto& element : row) assign(element);
    return row;
  } else if constexpr (kind == Kind::duration) {
    return T(value<typename T::rep>());
  } else if constexpr (kind == Kind::time_point) {
    return T(value<typename T::duration>());
  } else if constexpr (kind == Kind::complex) {
    const auto real = value<typename T::value_type>();
    return T(real, value<typename T::value_type>());
  } else if constexpr (kind == Kind::path) {
    return T(value<typename T::string_type>());
  } else {
    return made_of<T>(detail::parts<T>());
  }
}

}  // namespace sluice::testing_support
