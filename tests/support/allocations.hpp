// support/allocations.hpp: the allocations of this thread are counted, and may be made to fail.
//
// For executables that link allocations.cpp, which replaces operator new and, by the linker's option
// --wrap=realloc, what grows a row of bytes.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::testing_support {

/// Of this thread, while there is one. Memory must be given back by the thread that took it.
class Allocations {
 public:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  /// Counts from nothing. The allocation of ordinal `failing`, from 0, throws std::bad_alloc.
  explicit Allocations(std::uint64_t failing = kNever) noexcept;
  ~Allocations();
  Allocations(const Allocations&) = delete;
  Allocations& operator=(const Allocations&) = delete;

  /// Bytes that were taken since and not given back; negative when older ones were.
  [[nodiscard]] static std::int64_t live() noexcept;
  /// The most bytes that were taken at one time.
  [[nodiscard]] static std::int64_t peak() noexcept;
  [[nodiscard]] static std::uint64_t count() noexcept;
  /// Whether the one that was to fail has failed.
  [[nodiscard]] static bool has_failed() noexcept;
};

}  // namespace sluice::testing_support
