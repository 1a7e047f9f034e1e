// tests/processes/faults_test.cpp: whole runs with worker processes in which the n-th call of a function of the
// system fails, for all n until none fails.
//
// Each run has two workers and two deaths, so that restarts are on the way. Its outcome is either every output
// exactly once, or an exit status and one line that says why. Never a hang (watchdog), never a crash, nothing
// left in the program or of it.
// SPDX-License-Identifier: MIT
#include <processes/process_run.hpp>

#include <catch2/catch.hpp>
#include <support/places.hpp>
#include <support/watchdog.hpp>

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

namespace sluice {
namespace {

using testing_support::Ended;
using testing_support::processes_of;
using testing_support::run_program;
using testing_support::wait_until;
using Words = std::vector<std::string>;

struct Call {
  const char* name;
  int error;
};

class FailingCall {
 public:
  FailingCall(const Call& call, int n) {
    const std::string wish = std::to_string(n) + ' ' + std::to_string(call.error) + ' ' + call.name;
    ::setenv(kName, wish.c_str(), 1);
  }
  ~FailingCall() { ::unsetenv(kName); }
  FailingCall(const FailingCall&) = delete;
  FailingCall& operator=(const FailingCall&) = delete;

 private:
  static constexpr const char* kName = "SLUICE_FAIL_CALL";
};

// What the program has said of itself in its last line (fault_plan.cpp).
struct Said {
  int came = -1;
  long descriptors = -1;
  long children = -1;
  long memory = -1;
};
Said said_by(const Ended& ended) {
  Said said;
  const std::size_t at = ended.out.rfind("fault came");
  if (at == std::string::npos) return said;
  std::sscanf(ended.out.c_str() + at, "fault came %d descriptors %ld children %ld memory %ld",
              &said.came, &said.descriptors, &said.children, &said.memory);
  return said;
}

bool is_exact(const Ended& ended) {
  return ended.exit_code == 0 &&
         ended.out.find("outputs 300 lost 0 doubled 0 corrupt 0") != std::string::npos;
}

// Of a spawned program the server says the same by itself.
bool says_why(const Ended& ended) {
  const auto lines = std::count(ended.err.begin(), ended.err.end(), '\n');
  return ended.exit_code > 0 && ended.exit_code < 4 && lines >= 1 && lines <= 2 &&
         ended.err.rfind("fault_program: ", 0) == 0 && ended.err.size() > 50;
}

struct Tally {
  int covered = 0;
  int exact = 0;
  int refused = 0;
};

Tally fail_each(const Call& call, const Words& words) {
  Tally tally;
  for (int n = 1;; ++n) {
    const FailingCall failing(call, n);
    const Ended ended = run_program(words);
    const Said said = said_by(ended);
    INFO(call.name << ' ' << n << ": exit " << ended.exit_code << " signal " << ended.signal << '\n'
                   << ended.out << ended.err);
    REQUIRE(said.came != -1);
    CHECK(said.descriptors == 0);
    CHECK(said.children == 0);
    CHECK(said.memory == 0);
    CHECK((is_exact(ended) || (said.came == 1 && says_why(ended))));
    wait_until([] { return processes_of(SLUICE_FAULT_PROGRAM).empty(); });
    if (said.came == 0) {  // the control
      CHECK(is_exact(ended));
      return tally;
    }
    tally.covered = n;
    ++(is_exact(ended) ? tally.exact : tally.refused);
  }
}

TEST_CASE("Whichever call of the system fails, a run gives every output or one reason",
          "[process][faults]") {
  const auto call = GENERATE(values<Call>({{"fork", EAGAIN},
                                           {"memfd_create", EMFILE},
                                           {"mmap", ENOMEM},
                                           {"fallocate", ENOSPC},
                                           {"ftruncate", ENOSPC},
                                           {"eventfd", EMFILE},
                                           {"eventfd write", EAGAIN},
                                           {"pidfd_open", EMFILE},
                                           {"socketpair", ENFILE},
                                           {"pipe2", EMFILE},
                                           {"sendmsg", ENOBUFS},
                                           {"recvmsg", ENOMEM},
                                           {"epoll_create1", EMFILE},
                                           {"epoll_ctl", ENOSPC},
                                           {"signalfd", EMFILE},
                                           {"fcntl", EMFILE},
                                           {"open", EMFILE}}));
  const std::string method = GENERATE("forkserver", "spawn");
  CAPTURE(call.name, method);
  const Tally tally =
      fail_each(call, {SLUICE_FAULT_PROGRAM, "run", "parcels", "--quiet", "--carrier",
                       "work=process", "--workers", "work=2", "--count", "300", "--trouble", "once",
                       "--every", "150", "--start-method", method});
  // A spawned program makes some of these calls where they are not counted.
  if (method == "forkserver") CHECK(tally.covered > 0);
  WARN(call.name << ", " << method << ": " << tally.covered << " made to fail, one by one; "
                 << tally.exact << " runs gave all, " << tally.refused << " said why not");
}

}  // namespace
}  // namespace sluice
