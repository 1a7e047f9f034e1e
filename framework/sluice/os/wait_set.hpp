// sluice/os/wait_set.hpp: one descriptor that is readable when any of several is.
//
// A descriptor is taken out before it is closed: a copy of it in another process would keep it in.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <span>

namespace sluice::detail {

class WaitSet {
 public:
  enum class For : unsigned char { read, read_or_write };

  /// Throws  std::system_error.
  WaitSet();

  /// Throws  std::system_error.
  void add(int number);
  void change(int number, For what) noexcept;
  void remove(int number) noexcept;

  /// Makes the set readable until lower().
  void raise() noexcept;
  void lower() noexcept;

  [[nodiscard]] int number() const noexcept { return set_.number(); }
  /// Blocks until it is readable, or `milliseconds` have passed (-1 never).
  void wait(int milliseconds) const noexcept;

 private:
  Descriptor set_{};
  Descriptor event_{};
};

/// What a server waits for: any of these readable, and `writable`, unless it is -1, writable.
void wait_for_any(std::span<const int> readable, int writable) noexcept;
/// Whether one can be read now (or has ended).
[[nodiscard]] bool is_readable(int number) noexcept;

}  // namespace sluice::detail
