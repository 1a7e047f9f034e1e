// sluice/os/readable_set.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/readable_set.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <vector>

#include <poll.h>

namespace sluice::detail {
namespace {

timespec time_left(const Deadline& deadline) noexcept {
  if (deadline.is_one_try()) return {};
  const auto left = std::max(deadline.time() - Clock::now(), Clock::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
}

}  // namespace

struct ReadableSet::Entries {
  std::vector<pollfd> polled;
};

ReadableSet::ReadableSet() : entries_(std::make_unique<Entries>()) {
  entries_->polled.reserve(kWithoutMemory);
}
ReadableSet::~ReadableSet() = default;

void ReadableSet::clear() noexcept { entries_->polled.clear(); }

std::size_t ReadableSet::add(int number) {
  entries_->polled.push_back({.fd = number, .events = POLLIN, .revents = 0});
  return entries_->polled.size() - 1;
}

void ReadableSet::wait(const Deadline& deadline) noexcept {
  std::vector<pollfd>& polled = entries_->polled;
  for (pollfd& entry : polled) entry.revents = 0;
  const timespec left = deadline.is_never() ? timespec{} : time_left(deadline);
  if (ppoll(polled.data(), polled.size(), deadline.is_never() ? nullptr : &left, nullptr) >= 0)
    return;
  for (pollfd& entry : polled) entry.revents = 0;  // a signal
}

bool ReadableSet::readable(std::size_t index) const noexcept {
  return entries_->polled[index].revents != 0;
}

}  // namespace sluice::detail
