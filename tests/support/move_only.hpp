// support/move_only.hpp: a value that can be moved and not copied, and owns memory, so that a lost or
// doubled item is a leak or a double free for the address sanitizer.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>

namespace sluice::testing_support {

class MoveOnly {
 public:
  MoveOnly() = default;
  explicit MoveOnly(std::uint64_t value) : value_{std::make_unique<std::uint64_t>(value)} {}

  /// Returns  whether it holds a value; false for a moved-from or default-made object.
  [[nodiscard]] bool has_value() const noexcept { return value_ != nullptr; }
  /// Requires has_value().
  [[nodiscard]] std::uint64_t value() const noexcept { return *value_; }

 private:
  std::unique_ptr<std::uint64_t> value_;
};

}  // namespace sluice::testing_support
