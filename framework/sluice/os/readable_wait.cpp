// sluice/os/readable_wait.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/readable_wait.hpp>

#include <sluice/os/event_counter.hpp>
#include <sluice/os/file.hpp>

#include <cerrno>
#include <cstdint>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

Descriptor make_event() {
  const int number = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (number < 0) throw_os_error(errno, "make", "an event descriptor");
  return Descriptor(number);
}

}  // namespace

void ReadableWait::Raise::operator()() const noexcept { raise_event(event); }

ReadableWait::ReadableWait(std::stop_token token)
    : event_(make_event()),
      on_stop_(
          std::make_unique<std::stop_callback<Raise>>(std::move(token), Raise{event_.number()})) {}

Readable ReadableWait::wait(const Descriptor& descriptor, const std::string& name) {
  pollfd waited[] = {{.fd = event_.number(), .events = POLLIN, .revents = 0},
                     {.fd = descriptor.number(), .events = POLLIN, .revents = 0}};
  for (;;) {
    const int found = poll(waited, 2, -1);
    if (found < 0 && errno == EINTR) continue;
    if (found < 0) throw_os_error(errno, "wait for", name);
    if (waited[0].revents != 0) return Readable::stopped;
    if (waited[1].revents != 0) return Readable::ready;
  }
}

bool ReadableWait::ready(const Descriptor& descriptor) noexcept {
  pollfd waited = {.fd = descriptor.number(), .events = POLLIN, .revents = 0};
  return poll(&waited, 1, 0) > 0;
}

}  // namespace sluice::detail
