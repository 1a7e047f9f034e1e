// tests/processes/faults_test.cpp: whole runs with worker processes in which the n-th call of a function of the
// system fails, for all n until none fails.
//
// Each run has two workers and two deaths, so that restarts are on the way. Its outcome is either every output
// exactly once, or an exit status and one line that says why. Never a hang (watchdog), never a crash, nothing
// left in the program or of it.
// SPDX-License-Identifier: MIT
#include <processes/fault_runs.hpp>

#include <catch2/catch.hpp>
#include <support/places.hpp>

#include <cerrno>
#include <string>

namespace sluice {
namespace {

using testing_support::Call;
using testing_support::fail_each;
using testing_support::FaultTally;

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
  const FaultTally tally = fail_each(
      call,
      {SLUICE_FAULT_PROGRAM, "run", "parcels", "--quiet", "--carrier", "work=process", "--workers",
       "work=2", "--count", "300", "--trouble", "once", "--every", "150", "--start-method", method},
      "outputs 300 lost 0 doubled 0 corrupt 0");
  // A spawned program makes some of these calls where they are not counted.
  if (method == "forkserver") CHECK(tally.faults > 0);
  WARN(call.name << ", " << method << ": " << tally.faults << " made to fail, one by one; "
                 << tally.exact << " runs gave all, " << tally.refused << " said why not");
}

}  // namespace
}  // namespace sluice
