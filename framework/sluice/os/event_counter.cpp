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

void raise_event(int number) noexcept {
  constexpr int kTries = 4;
  const std::uint64_t one = 1;
  std::uint64_t top = 0;
  for (int i = 0; i < kTries; ++i) {
    if (write(number, &one, sizeof one) == static_cast<ssize_t>(sizeof one)) return;
    if (errno != EAGAIN) continue;
    [[maybe_unused]] const ssize_t got = read(number, &top, sizeof top);
  }
}

EventCounter::EventCounter() {
  const int number = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (number < 0) throw_os_error(errno, "make", "an event counter");
  descriptor_ = Descriptor(number);
}

EventCounter::EventCounter(Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}

void EventCounter::raise() const noexcept { raise_event(descriptor_.number()); }

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
