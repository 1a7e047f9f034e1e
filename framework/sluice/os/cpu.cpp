// sluice/os/cpu.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/cpu.hpp>

#include <cstdio>
#include <ctime>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

unsigned count_usable_cpus() noexcept {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) {
    const int count = CPU_COUNT(&mask);
    if (count > 0) return static_cast<unsigned>(count);
  }
  // More processors than the mask has room for: the exact number makes no difference here.
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<unsigned>(online) : 1U;
}

// Counted before main(): later the calling thread may be pinned, which says nothing about the others.
const unsigned counted_at_start = count_usable_cpus();

}  // namespace

unsigned usable_cpus() noexcept {
  return counted_at_start > 0 ? counted_at_start : count_usable_cpus();
}

void yield_cpu() noexcept { sched_yield(); }

void nap(std::chrono::nanoseconds duration) noexcept {
  const timespec time = {.tv_sec = 0, .tv_nsec = static_cast<long>(duration.count())};
  nanosleep(&time, nullptr);
}

int this_thread_id() noexcept { return static_cast<int>(gettid()); }

ThreadTimes thread_times(int thread_id) noexcept {
  char text[128] = {};
  std::snprintf(text, sizeof text, "/proc/self/task/%d/schedstat", thread_id);
  const int file = open(text, O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const ssize_t size = read(file, text, sizeof text - 1);
  close(file);
  if (size <= 0) return {};
  text[size] = '\0';
  long long ran = 0;
  long long delayed = 0;
  if (std::sscanf(text, "%lld %lld", &ran, &delayed) != 2) return {};
  return {ran, delayed};
}

std::int64_t steady_now_ns() noexcept {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace sluice::detail
