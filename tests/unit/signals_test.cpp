// unit/signals_test.cpp: signals as events, and everything as it was afterwards.
// SPDX-License-Identifier: MIT
#include <sluice/os/signals.hpp>

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

namespace sluice::detail {
namespace {

using Event = SignalGate::Event;
using std::chrono::milliseconds;

bool is_blocked(int signal) {
  sigset_t set;
  pthread_sigmask(SIG_BLOCK, nullptr, &set);
  return sigismember(&set, signal) == 1;
}

TEST_CASE("signals to the process become events of the gate, one each", "[cli]") {
  SignalGate gate;
  ::kill(::getpid(), SIGINT);
  CHECK(gate.wait({}) == Event::end);
  ::kill(::getpid(), SIGTERM);
  CHECK(gate.wait({}) == Event::end);
  ::kill(::getpid(), SIGUSR1);
  CHECK(gate.wait({}) == Event::explain);
  CHECK(gate.wait(Deadline::now()) == Event::late);
}

TEST_CASE("threads that start after the gate do not get its signals", "[cli]") {
  SignalGate gate;
  bool blocked = false;
  std::thread thread([&] { blocked = is_blocked(SIGINT) && is_blocked(SIGUSR1); });
  thread.join();
  CHECK(blocked);
}

TEST_CASE("a wake-up from another thread ends the wait", "[cli]") {
  SignalGate gate;
  std::thread thread([&] { gate.wake(); });
  CHECK(gate.wait({}) == Event::woken);
  thread.join();
  gate.wake();
  gate.wake();  // before anybody waits: two are one
  CHECK(gate.wait({}) == Event::woken);
  CHECK(gate.wait(Deadline::now()) == Event::late);
}

TEST_CASE("the wait ends at its deadline and not before", "[cli]") {
  SignalGate gate;
  const auto end = Clock::now() + milliseconds(20);
  CHECK(gate.wait(end) == Event::late);
  CHECK(Clock::now() >= end);
}

TEST_CASE("the mask is what it was, and a signal that came too late ends nobody", "[cli]") {
  const bool before = is_blocked(SIGINT);
  {
    SignalGate gate;
    CHECK(is_blocked(SIGINT));
    CHECK(is_blocked(SIGTERM));
    CHECK(is_blocked(SIGUSR1));
    ::kill(::getpid(), SIGINT);  // nobody waits for it; unblocked, it would end the test
    ::kill(::getpid(), SIGTERM);
  }
  CHECK(is_blocked(SIGINT) == before);
}

TEST_CASE("a closed pipe is an error of the write while SIGPIPE is ignored", "[cli]") {
  struct sigaction before {};
  sigaction(SIGPIPE, nullptr, &before);
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  ::close(pipe[0]);
  {
    const IgnoredSigpipe ignored;
    CHECK(::write(pipe[1], "x", 1) == -1);
    CHECK(errno == EPIPE);
  }
  ::close(pipe[1]);
  struct sigaction after {};
  sigaction(SIGPIPE, nullptr, &after);
  CHECK(after.sa_handler == before.sa_handler);
}

}  // namespace
}  // namespace sluice::detail
