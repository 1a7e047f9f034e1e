// sluice/stages/values.hpp: a source of the elements of a container.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::stages {

/// What values() makes of a container with copyable elements: runs share it and emit copies.
template <class Container>
class ValueSource {
 public:
  using Out = typename Container::value_type;

  explicit ValueSource(Container values)
      : values_(std::make_shared<const Container>(std::move(values))), next_(values_->begin()) {}

  bool next(Emitter<Out>& out) {
    for (std::size_t i = 0; i < kPerCall && next_ != values_->end(); ++i, ++next_) {
      out.emit(*next_);
    }
    return next_ != values_->end();
  }

 private:
  static constexpr std::size_t kPerCall = 64;

  std::shared_ptr<const Container> values_;
  typename Container::const_iterator next_;
};

/// What values() makes of a container whose elements can only be moved: it can be run once.
template <class Container>
class OwnedValueSource {
 public:
  using Out = typename Container::value_type;

  explicit OwnedValueSource(Container values)
      : values_(std::make_unique<Container>(std::move(values))), next_(values_->begin()) {}

  bool next(Emitter<Out>& out) {
    if (next_ == values_->end()) return false;
    out.emit(std::move(*next_));
    ++next_;
    return true;
  }

 private:
  std::unique_ptr<Container> values_;
  typename Container::iterator next_;
};

/// The elements of a container in its order; it is moved or copied into the pipeline.
template <class Container>
  requires requires(Container& container) {
    typename Container::value_type;
    container.begin() != container.end();
  }
[[nodiscard]] auto values(Container container) {
  if constexpr (std::copy_constructible<typename Container::value_type>) {
    return ValueSource<Container>(std::move(container));
  } else {
    return OwnedValueSource<Container>(std::move(container));
  }
}

template <class T>
[[nodiscard]] auto values(std::initializer_list<T> list) {
  return ValueSource<std::vector<T>>(std::vector<T>(list));
}

}  // namespace sluice::stages
