// tests/process/held_yields.cpp
// SPDX-License-Identifier: MIT
#include <process/held_yields.hpp>

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

namespace {

std::atomic<bool> hold{false};
std::atomic<bool> counting{false};
std::atomic<int> most_yields{0};

// Names stay with a thread that has left.
bool has_worked_for_the_pool() noexcept {
  char name[16] = {};
  return ::pthread_getname_np(::pthread_self(), name, sizeof name) == 0 &&
         std::strcmp(name, "sluice-pool") == 0;
}

bool is_in_onetbb(void* address) noexcept {
  Dl_info info = {};
  return ::dladdr(address, &info) != 0 && info.dli_fname != nullptr &&
         std::strstr(info.dli_fname, "libtbb") != nullptr;
}

void count_one() noexcept {
  static thread_local int yields = 0;
  const int mine = ++yields;
  int most = most_yields.load();
  while (most < mine && !most_yields.compare_exchange_weak(most, mine)) {
  }
}

}  // namespace

extern "C" int sched_yield() noexcept {
  const bool asked = hold.load() || counting.load();
  if (asked && is_in_onetbb(__builtin_return_address(0)) && has_worked_for_the_pool()) {
    hold.wait(true);
    if (counting.load()) count_one();
  }
  return static_cast<int>(::syscall(SYS_sched_yield));
}

namespace sluice::testing_support {

HeldYields::HeldYields() noexcept {
  most_yields = 0;
  hold = true;
}

HeldYields::~HeldYields() {
  let_go();
  counting = false;
}

void HeldYields::let_go() noexcept {
  counting = true;
  hold = false;
  hold.notify_all();
}

int HeldYields::most() const noexcept { return most_yields.load(); }

}  // namespace sluice::testing_support
