// sluice/os/readable_set.hpp: waiting until one of several descriptors is readable, or for a time.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/deadline.hpp>

#include <cstddef>
#include <memory>

namespace sluice::detail {

/// Built anew before each wait; adding is cheap. Threads  one.
class ReadableSet {
 public:
  /// For the first so many, adding needs no memory.
  static constexpr std::size_t kWithoutMemory = 4;

  /// Throws  std::bad_alloc.
  ReadableSet();
  ~ReadableSet();
  ReadableSet(const ReadableSet&) = delete;
  ReadableSet& operator=(const ReadableSet&) = delete;

  void clear() noexcept;
  /// Returns  its index; -1 as `number` is allowed and never readable.
  /// Throws   std::bad_alloc beyond kWithoutMemory.
  std::size_t add(int number);

  /// Blocks   until one is readable (data, end or error), the deadline, or a signal.
  void wait(const Deadline& deadline) noexcept;
  /// As of the last wait.
  [[nodiscard]] bool readable(std::size_t index) const noexcept;

 private:
  struct Entries;
  std::unique_ptr<Entries> entries_;
};

}  // namespace sluice::detail
