// sluice/os/futex.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/futex.hpp>

#include <bit>
#include <cerrno>
#include <chrono>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof(std::uint64_t) &&
              std::atomic<std::uint64_t>::is_always_lock_free);

const std::uint32_t* upper_half(const std::atomic<std::uint64_t>& word) noexcept {
  const auto* halves = reinterpret_cast<const std::uint32_t*>(&word);
  return halves + (std::endian::native == std::endian::little ? 1 : 0);
}

// steady_clock is CLOCK_MONOTONIC in libstdc++, which is what FUTEX_WAIT_BITSET counts by.
timespec absolute_time(const Deadline& deadline) noexcept {
  using namespace std::chrono;
  const nanoseconds since_start = deadline.time().time_since_epoch();
  if (since_start <= nanoseconds::zero()) return {};
  const seconds whole = duration_cast<seconds>(since_start);
  return {.tv_sec = static_cast<time_t>(whole.count()),
          .tv_nsec = static_cast<long>((since_start - whole).count())};
}

}  // namespace

bool futex_wait_upper(const std::atomic<std::uint64_t>& word, std::uint32_t expected,
                      const Deadline& deadline) noexcept {
  const timespec until = absolute_time(deadline);
  const timespec* timeout = deadline.is_never() ? nullptr : &until;
  const long result = syscall(SYS_futex, upper_half(word), FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
                              expected, timeout, nullptr, FUTEX_BITSET_MATCH_ANY);
  return !(result == -1 && errno == ETIMEDOUT);
}

void futex_wake_upper(const std::atomic<std::uint64_t>& word, int count) noexcept {
  syscall(SYS_futex, upper_half(word), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, nullptr, nullptr, 0);
}

}  // namespace sluice::detail
