// support/guards_test.cpp: proves that what surrounds our tests can fail.
//
// The hidden cases do wrong on purpose; CTest runs each and expects the complaint (CMakeLists.txt).
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/off_thread_checks.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>
#include <support/watchdog.hpp>

#include <fcntl.h>
#include <linux/futex.h>
#include <oneapi/tbb/task_arena.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <latch>
#include <string>
#include <thread>

using namespace sluice::testing_support;

namespace {

std::string shared_memory_name() { return "/sluice-guards-" + std::to_string(::getpid()); }

void sleep_forever() {
  for (;;) {
    ::pause();
  }
}

}  // namespace

TEST_CASE("a leaked thread is found", "[.wrong]") {
  std::thread{sleep_forever}.detach();
  SUCCEED();
}

TEST_CASE("a leaked descriptor is found", "[.wrong]") {
  CHECK(::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
}

TEST_CASE("a child left running is found", "[.wrong]") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sleep_forever();
  }
  CHECK(child > 0);
}

TEST_CASE("a dead child nobody waited for is found", "[.wrong]") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(0);
  }
  CHECK(child > 0);
}

TEST_CASE("leaked shared memory is found", "[.wrong]") {
  const int fd = ::shm_open(shared_memory_name().c_str(), O_CREAT | O_EXCL | O_RDWR, 0600);
  CHECK(fd >= 0);
  ::close(fd);
  ::atexit([] { ::shm_unlink(shared_memory_name().c_str()); });
}

TEST_CASE("a leak in one section of several is found", "[.wrong]") {
  SECTION("clean") { SUCCEED(); }
  SECTION("leaking") { CHECK(::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0); }
}

TEST_CASE("a hanging test prints the registered state and its seed", "[.wrong]") {
  const StateDump dump{"queue lines", [] { return std::string{"backlog 3, unfinished 5"}; }};
  CHECK(seed() == seed());
  wait_until([] { return false; });
}

TEST_CASE("a test that hangs in a futex wait prints the registered state", "[.wrong]") {
  const StateDump dump{"queue lines", [] { return std::string{"backlog 3, unfinished 5"}; }};
  const int word = 0;
  for (;;) {
    ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
  }
}

TEST_CASE("a state dump that hangs is cut off", "[.wrong]") {
  const StateDump dump{"stuck", [] {
                         sleep_forever();
                         return std::string{};
                       }};
  wait_until([] { return false; });
}

TEST_CASE("a failing test prints its seed", "[.wrong]") { CHECK(seed() == seed() + 1); }

TEST_CASE("a test without an assertion fails", "[.wrong]") {}

TEST_CASE("a test that cleans up passes", "[guards]") {
  std::thread thread{[] {}};
  thread.join();
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK(::close(fd) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(7);
  }
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
}

TEST_CASE("a thread that is just ending is not a leak", "[guards]") {
  std::thread{[] { std::this_thread::sleep_for(std::chrono::milliseconds{20}); }}.detach();
  SUCCEED();
}

TEST_CASE("workers that oneTBB keeps are not a leak", "[guards]") {
  constexpr int kTasks = 100;
  std::latch done{kTasks};
  {
    tbb::task_arena arena{2, 0};  // all its threads are oneTBB's own
    for (int task = 0; task < kTasks; ++task) arena.enqueue([&] { done.count_down(); });
    done.wait();
  }
  SUCCEED();
}

TEST_CASE("off-thread checks report on the main thread", "[guards]") {
  OffThreadChecks checks;
  std::thread thread{[&] {
    checks.expect(true, "fine");
    checks.expect_equal(1, 2, "one and two");
  }};
  thread.join();
  CHECK(checks.failures() == "one and two: got 1, expected 2\n");
}

TEST_CASE("equal seeds give equal streams, and streams differ", "[guards]") {
  auto first = random_engine(1);
  auto again = random_engine(1);
  auto other = random_engine(2);
  const auto value = first();
  CHECK(value == again());
  CHECK(value != other());
}

TEST_CASE("scaled counts never become zero", "[guards]") {
  STATIC_REQUIRE(scaled(1) == 1);
  STATIC_REQUIRE(scaled(1000) == (kUnderSanitizer ? 100 : 1000));
}
