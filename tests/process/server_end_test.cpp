// tests/process/server_end_test.cpp: how the end of a worker is told, what it said before, and the server's own end.
// SPDX-License-Identifier: MIT
#include <sluice/os/child_process.hpp>
#include <sluice/process/last_words.hpp>
#include <sluice/process/worker_server.hpp>

#include <process/family.hpp>
#include <support/scale.hpp>

#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice::detail;
using namespace sluice::testing_support;
using Kind = ServerEvent::Kind;

}  // namespace

TEST_CASE("a worker's result is its exit status", "[server]") {
  const auto server = WorkerServer::fork_now(
      [](const WorkerSpec& spec, std::span<const int>) { return static_cast<int>(spec.worker); });
  for (const std::uint32_t status : {0U, 1U, 3U, 119U}) {
    CAPTURE(status);
    const ServerEvent started = start_worker(*server, {.key = 7, .worker = status});
    CHECK(started.key == 7);
    CHECK(started.pid > 0);
    const ServerEvent exited = next_event(*server);
    CHECK(exited.kind == Kind::exited);
    CHECK(exited.key == 7);
    CHECK(exited.pid == started.pid);
    CHECK(text_of(exited.end) == "exit status " + std::to_string(status));
    CHECK(has_ended(started.process));
  }
}

TEST_CASE("what serve throws is the last line of standard error and exit status 120", "[server]") {
  const Told told = tell_of([](const WorkerSpec& spec, std::span<const int>) -> int {
    if (spec.worker == 0) throw std::runtime_error("no such luck");
    throw 5;
  });
  CHECK(told.err == "worker process: no such luck\n");
  CHECK(text_of(told.end) == "exit status 120");
  const Told other = tell_of([](const WorkerSpec&, std::span<const int>) -> int { throw 5; });
  CHECK(other.err == "worker process: an exception that is not a std::exception\n");
  CHECK(text_of(other.end) == "exit status 120");
}

TEST_CASE("a signal that ends a worker is told", "[server]") {
  const auto server = WorkerServer::fork_now([](const WorkerSpec& spec, std::span<const int>) {
    ::signal(static_cast<int>(spec.worker), SIG_DFL);  // a sanitizer has handlers of its own
    ::raise(static_cast<int>(spec.worker));
    return 1;
  });
  const std::map<int, std::string> expected = {
      {SIGKILL, "killed by signal 9 (Killed)"},
      {SIGSEGV, "killed by signal 11 (Segmentation fault)"},
      {SIGABRT, "killed by signal 6 (Aborted)"},
      {SIGHUP, "killed by signal 1 (Hangup)"},
      {SIGUSR1, "killed by signal 10 (User defined signal 1)"}};
  for (const auto& [signal, words] : expected) {
    const Told told = tell(*server, {.key = 1, .worker = static_cast<std::uint32_t>(signal)});
    CHECK(text_of(told.end) == words);
    CHECK_FALSE(told.end.dumped);
  }
}

TEST_CASE("a worker that is killed through its pidfd or by kill() is told as killed", "[server]") {
  const auto server = WorkerServer::fork_now(
      [](const WorkerSpec&, std::span<const int>) -> int { sleep_for_ever(); });
  const ServerEvent first = start_worker(*server, {.key = 1});
  const ServerEvent second = start_worker(*server, {.key = 2});
  kill_process(first.process);
  ServerEvent exited = next_event(*server);
  CHECK(exited.key == 1);
  CHECK(text_of(exited.end) == "killed by signal 9 (Killed)");
  server->kill(2);
  exited = next_event(*server);
  CHECK(exited.key == 2);
  CHECK(exited.end.signal == SIGKILL);
  server->kill(2);   // gone
  server->kill(99);  // never was
  CHECK_FALSE(server->next(exited));
}

TEST_CASE("processor time and memory of a worker are told", "[server]") {
  const Told told = tell_of([](const WorkerSpec&, std::span<const int>) {
    std::vector<char> memory(64 << 20, 'x');
    rusage used{};
    while (used.ru_utime.tv_sec == 0 && used.ru_utime.tv_usec < 50'000) {
      for (std::size_t i = 0; i < memory.size(); i += 64) memory[i] = static_cast<char>(i);
      ::getrusage(RUSAGE_SELF, &used);
    }
    return memory[4096] == 0 ? 0 : 1;
  });
  CHECK(told.end.code == 0);
  CHECK(told.end.user_ns >= 50'000'000);
  CHECK(told.end.system_ns >= 0);
  CHECK(told.end.most_resident_bytes >= 64ULL << 20);
}

TEST_CASE("a hundred launches at once are all answered, each by its key", "[server]") {
  const auto server = WorkerServer::fork_now([](const WorkerSpec& spec, std::span<const int>) {
    return static_cast<int>(spec.key % 100);
  });
  constexpr int kLaunches = 100;
  std::map<std::uint64_t, std::vector<Kind>> told;
  for (std::uint64_t key = 1; key <= kLaunches; ++key) server->launch({.key = key}, {});
  for (int i = 0; i < 2 * kLaunches; ++i) {
    const ServerEvent event = next_event(*server);
    told[event.key].push_back(event.kind);
    if (event.kind == Kind::exited) CHECK(event.end.code == static_cast<int>(event.key % 100));
  }
  CHECK(told.size() == kLaunches);
  for (const auto& [key, kinds] : told) {
    CHECK(kinds == std::vector<Kind>{Kind::started, Kind::exited});
  }
  ServerEvent none;
  CHECK_FALSE(server->next(none));
}

TEST_CASE("the last lines of a worker that is killed are there", "[server]") {
  const auto server = WorkerServer::fork_now([](const WorkerSpec&, std::span<const int>) -> int {
    for (int i = 0; i < 1000; ++i) std::fprintf(stderr, "line %d\n", i);
    std::fputs("no newline", stderr);
    sleep_for_ever();
  });
  ServerEvent started = start_worker(*server, {.key = 1});
  LastWords words(std::move(started.stderr_pipe));
  std::string line;
  int lines = 0;
  while (words.tail(1) != "no newline") {
    REQUIRE(words.read());
    while (words.next_line(line)) {
      ++lines;
    }
  }
  server->kill(1);
  CHECK(await(*server, Kind::exited).end.signal == SIGKILL);
  while (words.read()) {
  }
  CHECK(words.next_line(line));
  CHECK(line == "no newline");
  CHECK(lines == 1000);
  CHECK(words.tail(3) == "line 998\nline 999\nno newline");
  CHECK_FALSE(words.open());
}

TEST_CASE("a parent that reads no events has all of them later", "[server]") {
  const auto server =
      WorkerServer::fork_now([](const WorkerSpec&, std::span<const int>) { return 5; });
  const int launches = scaled(1'000);
  for (int i = 1; i <= launches; ++i) server->launch({.key = static_cast<std::uint64_t>(i)}, {});
  int started = 0;
  int exited = 0;
  while (started + exited < 2 * launches) {
    const ServerEvent event = next_event(*server);
    REQUIRE((event.kind == Kind::started || event.kind == Kind::exited));
    ++(event.kind == Kind::started ? started : exited);
  }
  CHECK(started == launches);
  CHECK(exited == launches);
}

TEST_CASE("the end of the server ends workers that would never end", "[server]") {
  auto server = WorkerServer::fork_now(
      [](const WorkerSpec&, std::span<const int>) -> int { sleep_for_ever(); });
  std::vector<Descriptor> processes;
  for (std::uint64_t key = 1; key <= 8; ++key) {
    processes.push_back(start_worker(*server, {.key = key}).process);
  }
  const std::vector<int> servers = server->server_pids();
  CHECK(servers.size() == 2);
  SECTION("by its destructor") { server.reset(); }
  SECTION("by shut_down") {
    server->shut_down();
    server->shut_down();
    ServerEvent none;
    CHECK_FALSE(server->next(none));
    server->launch({.key = 9}, {});  // answered by nothing: there is nobody to ask any more
    CHECK_FALSE(server->next(none));
  }
  SECTION("also when a server is stopped") {
    ::kill(servers[0], SIGSTOP);
    server->shut_down();
  }
  for (const Descriptor& process : processes) CHECK(has_ended(process));
  for (const int pid : servers) CHECK_FALSE(is_running(pid));
}
