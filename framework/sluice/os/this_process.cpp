// sluice/os/this_process.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/this_process.hpp>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace sluice::detail {

double process_cpu_seconds() noexcept {
  timespec used = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

int process_id() noexcept { return getpid(); }

std::size_t descriptor_limit() noexcept {
  rlimit limit = {};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<std::size_t>(limit.rlim_cur) : 0;
}

void kill_this_process() noexcept { kill(getpid(), SIGKILL); }
void stop_this_process() noexcept { static_cast<void>(kill(getpid(), SIGSTOP)); }
void sleep_until_signal() noexcept { static_cast<void>(pause()); }

void name_this_thread(std::string_view name) noexcept {
  char text[16] = {};
  std::memcpy(text, name.data(), std::min(name.size(), sizeof(text) - 1));
  pthread_setname_np(pthread_self(), text);
}

}  // namespace sluice::detail
