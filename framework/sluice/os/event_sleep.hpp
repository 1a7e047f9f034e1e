// sluice/os/event_sleep.hpp: how the owner of an event counter sleeps: with one call of the system, two with a deadline.
//
// Poll and read are two calls a sleep, and poll queues up at every descriptor anew. Here the counter is in a set
// from the beginning, as an edge (EPOLLET of epoll(7)): each raise ends one wait, the one in progress or the
// next, and nobody lowers the counter.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/deadline.hpp>
#include <sluice/os/descriptor.hpp>
#include <sluice/os/event_counter.hpp>
#include <sluice/os/readable_set.hpp>

namespace sluice::detail {

/// Threads  one, the only one that waits at that counter.
class EventSleep {
 public:
  enum class End : unsigned char { raised, hung_up, nothing };

  /// `counter` outlives it. `line`, unless it is -1: a socket whose other end ends every wait when it is closed.
  /// Throws  std::system_error.
  explicit EventSleep(const EventCounter& counter, int line = -1);

  /// Blocks   until a raise that ended no wait yet, the end of the line, the deadline, or a signal.
  /// Returns  hung_up when the line has ended, whatever else there was; nothing after the deadline or a signal.
  End wait(const Deadline& deadline = Deadline::never()) noexcept;

 private:
  Descriptor set_;
  ReadableSet timed_;  // the set alone
};

}  // namespace sluice::detail
