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
  ReadableSet();
  ~ReadableSet();
  ReadableSet(const ReadableSet&) = delete;
  ReadableSet& operator=(const ReadableSet&) = delete;

  void clear() noexcept;
  /// Returns  its index; -1 as `number` is allowed and never readable. Throws  std::bad_alloc.
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
