// sluice/os/wait_set.cpp: epoll with an eventfd in it; poll for a server.
// SPDX-License-Identifier: MIT
#include <sluice/os/wait_set.hpp>

#include <sluice/os/event_counter.hpp>
#include <sluice/os/file.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

Descriptor checked(int number, const char* what) {
  if (number < 0) throw_os_error(errno, "make", what);
  return Descriptor(number);
}

}  // namespace

WaitSet::WaitSet()
    : set_(checked(epoll_create1(EPOLL_CLOEXEC), "a set of descriptors")),
      event_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "an event descriptor")) {
  add(event_.number());
}

void WaitSet::add(int number) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = number;
  if (epoll_ctl(set_.number(), EPOLL_CTL_ADD, number, &event) != 0) {
    throw_os_error(errno, "watch", "a descriptor");
  }
}

void WaitSet::change(int number, For what) noexcept {
  epoll_event event = {};
  event.events = EPOLLIN;
  if (what == For::read_or_write) event.events |= EPOLLOUT;
  event.data.fd = number;
  static_cast<void>(epoll_ctl(set_.number(), EPOLL_CTL_MOD, number, &event));
}

void WaitSet::remove(int number) noexcept {
  static_cast<void>(epoll_ctl(set_.number(), EPOLL_CTL_DEL, number, nullptr));
}

void WaitSet::raise() noexcept { raise_event(event_.number()); }

void WaitSet::lower() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(event_.number(), &count, sizeof(count));
}

void WaitSet::wait(int milliseconds) const noexcept {
  pollfd watched = {.fd = set_.number(), .events = POLLIN, .revents = 0};
  static_cast<void>(poll(&watched, 1, milliseconds));
}

void wait_for_any(std::span<const int> readable, int writable) noexcept {
  std::array<pollfd, 8> watched{};
  std::size_t count = 0;
  for (const int number : readable) {
    if (count + 1 < watched.size()) watched[count++] = {number, POLLIN, 0};
  }
  watched[count++] = {writable, POLLOUT, 0};
  static_cast<void>(poll(watched.data(), count, -1));  // a signal is a reason to look, too
}

bool is_readable(int number) noexcept {
  pollfd watched = {.fd = number, .events = POLLIN, .revents = 0};
  return poll(&watched, 1, 0) > 0;
}

}  // namespace sluice::detail
