// tests/process/server_faults_test.cpp: the n-th call of each function fails, for all n.
//
// Every outcome is one of: an exception with the reason, an answer that a worker could not be
// started with the reason, a replaced server, or nothing to be noticed. Never a hang (watchdog),
// never anything left (resource guard, Adoption).
// SPDX-License-Identifier: MIT
#include <sluice/process/worker_server.hpp>

#include <process/failing_calls.hpp>
#include <process/family.hpp>
#include <support/watchdog.hpp>

#include <catch2/catch.hpp>

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <map>
#include <set>
#include <span>
#include <string>

namespace {

using namespace sluice::detail;
using namespace sluice::testing_support;
using Kind = ServerEvent::Kind;

// What one run came to.
struct Outcome {
  std::string refused;  // the exception of fork_now
  std::size_t ran = 0;
  std::size_t failed = 0;
  std::size_t takeovers = 0;
  bool lost = false;
  std::set<std::string> reasons;
};

class Tally {
 public:
  Tally(WorkerServer& server, Outcome& outcome) : server_(server), outcome_(outcome) {}

  void launch(std::uint64_t key) {
    server_.launch({.key = key}, {});
    open_.insert(key);
  }
  // Until all launches are answered to the end.
  void finish() {
    while (!open_.empty()) take(next_event(server_));
  }
  // Until one more worker runs, or can't.
  void one_answer() {
    const std::size_t before = started_ + outcome_.failed;
    while (started_ + outcome_.failed == before) take(next_event(server_));
  }

 private:
  void take(const ServerEvent& event) {
    switch (event.kind) {
      case Kind::started:
        ++started_;
        return;
      case Kind::exited:
        ++outcome_.ran;
        CHECK(open_.erase(event.key) == 1);
        return;
      case Kind::failed_to_start:
        ++outcome_.failed;
        CHECK(open_.erase(event.key) == 1);
        break;
      case Kind::server_lost:
        CHECK_FALSE(outcome_.lost);
        outcome_.lost = true;
        break;
    }
    CHECK_FALSE(event.error.empty());
    outcome_.reasons.insert(event.error);
  }

  WorkerServer& server_;
  Outcome& outcome_;
  std::set<std::uint64_t> open_;
  std::size_t started_ = 0;
};

// Two workers, the death of the active server while one of them runs, two more behind it, the end.
Outcome one_run() {
  Outcome outcome;
  try {
    const auto server =
        WorkerServer::fork_now([](const WorkerSpec& spec, std::span<const int>) -> int {
          if (spec.key == 2) sleep_for_ever();
          return 0;
        });
    Tally tally(*server, outcome);
    tally.launch(1);
    tally.one_answer();
    tally.launch(2);
    tally.one_answer();
    if (const auto pids = server->server_pids(); pids.size() == 2) ::kill(pids.back(), SIGKILL);
    server->kill(2);  // in case it was not of the server that was killed
    tally.finish();
    tally.launch(3);
    tally.launch(4);
    tally.finish();
    outcome.takeovers = server->takeovers();
  } catch (const std::exception& error) {
    outcome.refused = error.what();
  }
  return outcome;
}

}  // namespace

TEST_CASE("whichever call fails, every launch is answered and nothing is left",
          "[server][faults]") {
  Adoption adoption;
  std::size_t cases = 0;
  std::size_t refused = 0;
  std::size_t failed = 0;
  std::size_t recovered = 0;
  for (const std::string& call : failing_calls()) {
    const int error = call == "fork" ? EAGAIN : call == "sendmsg" ? ENOBUFS : EMFILE;
    int covered = 0;
    for (int n = 1;; ++n) {
      CAPTURE(call, n);
      fail_call(call, n, error);
      const Outcome outcome = one_run();
      const bool came = stop_failing();
      adoption.reap_all();
      if (!outcome.refused.empty()) {
        CAPTURE(outcome.refused);
        CHECK(came);
        CHECK(outcome.refused.size() > 20);
        ++refused;
      } else {
        CHECK(outcome.ran + outcome.failed == 4);
        if (outcome.failed > 0) ++failed;
        if (came && outcome.failed == 0) ++recovered;
        if (outcome.lost) CHECK(came);
      }
      if (!came) {
        // The last round of each call is the control.
        CHECK(outcome.refused.empty());
        CHECK_FALSE(outcome.lost);
        break;
      }
      covered = n;
      ++cases;
    }
    WARN(call << ": " << covered << " calls were made to fail, one by one");
  }
  WARN(cases << " cases: " << refused << " refused at the start, " << failed
             << " with launches that failed, " << recovered << " not to be noticed");
  CHECK(refused > 0);
  CHECK(failed > 0);
  CHECK(recovered > 0);
}

TEST_CASE("a worker that can't be forked is told with the reason", "[server][faults]") {
  const auto server =
      WorkerServer::fork_now([](const WorkerSpec&, std::span<const int>) { return 0; });
  const std::map<std::string, int> calls = {
      {"fork", EAGAIN}, {"pipe2", EMFILE}, {"pidfd_open", EMFILE}};
  const std::map<std::string, std::string> expected = {
      {"fork", "cannot start a process (errno 11): Resource temporarily unavailable"},
      {"pipe2", "cannot make a pipe (errno 24): Too many open files"},
      {"pidfd_open", "Too many open files"}};
  for (const auto& [call, error] : calls) {
    CAPTURE(call);
    fail_call(call, 1, error);
    server->launch({.key = 1}, {});
    const ServerEvent event = next_event(*server);
    CHECK(stop_failing());
    CHECK(event.kind == Kind::failed_to_start);
    CHECK(event.key == 1);
    CHECK_THAT(event.error, Catch::Contains(expected.at(call)));
    start_worker(*server, {.key = 2});
    CHECK(await(*server, Kind::exited).end.code == 0);
  }
}

TEST_CASE("a server that can't fork another goes on alone, and has one again later",
          "[server][faults]") {
  Adoption adoption;
  const auto server = WorkerServer::fork_now(
      [](const WorkerSpec&, std::span<const int>) -> int { sleep_for_ever(); });
  const std::vector<int> before = server->server_pids();
  fail_call("fork", 1, EAGAIN);
  ::kill(before[1], SIGKILL);
  ServerEvent event;
  wait_until([&] {
    CHECK_FALSE(server->next(event));
    return server->server_pids() == std::vector<int>{before[0]};
  });
  server->launch({.key = 1}, {});  // the standby takes it, and tries again to have another
  event = next_event(*server);
  CHECK(event.kind == Kind::started);
  wait_until([&] {
    CHECK_FALSE(server->next(event));
    return server->server_pids().size() == 2;
  });
  CHECK(stop_failing());
  CHECK(server->takeovers() == 1);
  start_worker(*server, {.key = 2});
}
