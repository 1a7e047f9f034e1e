// support/watchdog.hpp: a hanging test says where it hangs, then aborts.
//
// main.cpp arms the watchdog around every run of a test case: 60 s in release, 300 s under sanitizers, or
// SLUICE_TEST_GUARD_S, and up to five times more while the test computes. It is a POSIX timer that signals
// the main thread, not a thread of its own, because process tests may only fork while the program has one
// thread. When it fires, the registered dumps run inside the signal handler: the program is lost anyway,
// and a dump that hangs in turn is cut off by a second, deadly signal 5 s later.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace sluice::testing_support {

/// While it lives, the watchdog prints what `dump` returns when it fires. Threads  main thread only.
class StateDump {
 public:
  StateDump(std::string name, std::function<std::string()> dump);
  ~StateDump();
  StateDump(const StateDump&) = delete;
  StateDump& operator=(const StateDump&) = delete;

 private:
  friend class Watchdog;
  std::string name_;
  std::function<std::string()> dump_;
  StateDump* next_;
};

/// For the listener in main.cpp.
class Watchdog {
 public:
  static void arm(const std::string& test_name);
  static void disarm() noexcept;

 private:
  static void fire(int signal) noexcept;
};

/// Blocks until the predicate is true; the watchdog is the limit. This is how a test waits for a state
/// that nothing can signal, such as "the other thread is asleep inside get()".
template <class Predicate>
void wait_until(Predicate predicate) {
  while (!predicate()) {
    std::this_thread::sleep_for(std::chrono::microseconds{50});
  }
}

}  // namespace sluice::testing_support
