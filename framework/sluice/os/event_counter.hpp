// sluice/os/event_counter.hpp: a descriptor that is readable once something happened.
//
// It remembers: raised before somebody waits, the wait returns at once. Several raises are one.
// Other processes may hold it, too. Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

namespace sluice::detail {

/// Makes an event descriptor readable, and is an edge for who watches it. A ring that is lost might never be made
/// good, so a write that is refused is tried again; a counter that somebody has filled to its top is emptied first.
/// Threads  any. Never blocks.
void raise_event(int number) noexcept;

class EventCounter {
 public:
  /// Throws  std::system_error when there is no descriptor left.
  EventCounter();
  /// One that another process made.
  explicit EventCounter(Descriptor descriptor) noexcept;

  /// Threads  any. Never blocks.
  void raise() const noexcept;
  /// Back to zero. Returns  whether it was raised.
  bool lower() const noexcept;

  /// Readable while raised.
  [[nodiscard]] const Descriptor& descriptor() const noexcept { return descriptor_; }
  /// A second descriptor of the same counter. Throws  std::system_error.
  [[nodiscard]] Descriptor share() const;

 private:
  Descriptor descriptor_;
};

}  // namespace sluice::detail
