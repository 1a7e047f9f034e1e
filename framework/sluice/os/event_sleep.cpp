// sluice/os/event_sleep.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/event_sleep.hpp>

#include <sluice/os/file.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include <sys/epoll.h>

namespace sluice::detail {
namespace {

Descriptor new_set() {
  const int number = epoll_create1(EPOLL_CLOEXEC);
  if (number < 0) throw_os_error(errno, "make", "a set of descriptors");
  return Descriptor(number);
}

// The end of a line is told without being asked for.
void add(const Descriptor& set, int number, std::uint32_t events) {
  epoll_event event = {};
  event.events = events;
  if (epoll_ctl(set.number(), EPOLL_CTL_ADD, number, &event) != 0) {
    throw_os_error(errno, "watch", "a descriptor");
  }
}

}  // namespace

EventSleep::EventSleep(const EventCounter& counter, int line) : set_(new_set()) {
  add(set_, counter.descriptor().number(), EPOLLIN | EPOLLET);
  if (line >= 0) add(set_, line, 0);
  timed_.add(set_.number());
}

EventSleep::End EventSleep::wait(const Deadline& deadline) noexcept {
  // epoll_wait counts milliseconds, which is too coarse.
  if (!deadline.is_never()) timed_.wait(deadline);
  std::array<epoll_event, 2> seen{};
  const int found = epoll_wait(set_.number(), seen.data(), static_cast<int>(seen.size()),
                               deadline.is_never() ? -1 : 0);
  if (found <= 0) return End::nothing;
  const auto ended = [](const epoll_event& event) { return (event.events & EPOLLHUP) != 0; };
  return std::any_of(seen.begin(), seen.begin() + found, ended) ? End::hung_up : End::raised;
}

}  // namespace sluice::detail
