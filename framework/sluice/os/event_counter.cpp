// sluice/os/event_counter.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/event_counter.hpp>

#include <sluice/os/file.hpp>

#include <cerrno>
#include <cstdint>
#include <utility>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace sluice::detail {

EventCounter::EventCounter() {
  const int number = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (number < 0) throw_os_error(errno, "make", "an event counter");
  descriptor_ = Descriptor(number);
}

EventCounter::EventCounter(Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}

void EventCounter::raise() const noexcept {
  const std::uint64_t one = 1;
  // Fails only when it is raised already, 2^64 - 2 times: then it is readable all the same.
  [[maybe_unused]] const ssize_t written = write(descriptor_.number(), &one, sizeof one);
}

bool EventCounter::lower() const noexcept {
  std::uint64_t count = 0;
  return read(descriptor_.number(), &count, sizeof count) == static_cast<ssize_t>(sizeof count);
}

Descriptor EventCounter::share() const {
  const int number = fcntl(descriptor_.number(), F_DUPFD_CLOEXEC, 0);
  if (number < 0) throw_os_error(errno, "share", "an event counter");
  return Descriptor(number);
}

}  // namespace sluice::detail
