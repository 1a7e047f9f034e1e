// tests/process/server_death_test.cpp: kill -9 of anybody at any time leaves no process behind.
//
// The test process is a subreaper (Adoption), so that every orphan of what it starts becomes its
// child: "nothing is left" means that it has no child any more, and a process that stays on makes
// the test hang until the watchdog tells. Blocks of shared memory are looked for by name.
// SPDX-License-Identifier: MIT
#include <sluice/os/child_process.hpp>
#include <sluice/process/worker_server.hpp>

#include <process/family.hpp>
#include <process/rounds.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>
#include <support/watchdog.hpp>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace sluice::detail;
using namespace sluice::testing_support;
using Kind = ServerEvent::Kind;

// Of this process alone: another run of this test may be under way.
const std::string& memory_name() {
  static const std::string name = "sluice-test-segment-" + std::to_string(::getpid()) + '-';
  return name;
}

std::vector<int> children_of(int pid) {
  const std::string number = std::to_string(pid);
  std::ifstream in("/proc/" + number + "/task/" + number + "/children");
  std::vector<int> found;
  for (int child = 0; in >> child;) found.push_back(child);
  return found;
}

ServeWorker sleeper() {
  return [](const WorkerSpec&, std::span<const int>) -> int { sleep_for_ever(); };
}

// A worker with a child in its group, one in a session of its own, and one whose parent has ended.
// It says when they are there.
ServeWorker family_father() {
  return [](const WorkerSpec&, std::span<const int> given) -> int {
    if (::fork() == 0) sleep_for_ever();
    if (::fork() == 0) {
      ::setsid();
      write_text(given[0], std::to_string(::getpid()) + ' ');
      if (::fork() == 0) {
        ::setsid();
        write_text(given[0], std::to_string(::getpid()) + '\n');
        sleep_for_ever();
      }
      sleep_for_ever();
    }
    sleep_for_ever();
  };
}

// A parent with `workers` workers that hold a segment; says the ids of its servers.
void live_with_workers(const Victim::Say& say, int workers) {
  const auto server = WorkerServer::fork_now(sleeper());
  const Descriptor memory(::memfd_create(memory_name().c_str(), MFD_CLOEXEC));
  for (int i = 1; i <= workers; ++i) {
    start_worker(*server, {.key = static_cast<std::uint64_t>(i)}, {memory.number()});
  }
  std::string line;
  for (const int pid : server->server_pids()) line += std::to_string(pid) + ' ';
  say(line);
  sleep_for_ever();
}

std::string text(const ProcessEnd& end) { return text_of(end); }

}  // namespace

TEST_CASE("nothing is left of a parent that is killed", "[server][death]") {
  Adoption adoption;
  REQUIRE(holders_of(memory_name()) == 0);
  for (Rounds rounds(scaled(100)); rounds.next();) {
    Victim victim([](const Victim::Say& say) { live_with_workers(say, 3); });
    REQUIRE(victim.numbers().size() == 2);
    victim.kill(SIGKILL);
    CHECK(victim.wait().signal == SIGKILL);
    // The standby; it reaps the one below it and the workers, unless they came here first.
    CHECK(adoption.reap_all() >= 1);
  }
  CHECK(holders_of(memory_name()) == 0);
}

TEST_CASE("nothing is left of a parent and one of its servers killed at once", "[server][death]") {
  Adoption adoption;
  const std::size_t which = GENERATE(std::size_t{0}, std::size_t{1});
  REQUIRE(holders_of(memory_name()) == 0);
  for (Rounds rounds(scaled(100)); rounds.next();) {
    Victim victim([](const Victim::Say& say) { live_with_workers(say, 3); });
    const std::vector<int> servers = victim.numbers();
    REQUIRE(servers.size() == 2);
    if (rounds.number() % 2 == 0) {
      ::kill(servers[which], SIGKILL);
      victim.kill(SIGKILL);
    } else {
      victim.kill(SIGKILL);
      ::kill(servers[which], SIGKILL);
    }
    victim.wait();
    CHECK(adoption.reap_all() >= 1);
  }
  CHECK(holders_of(memory_name()) == 0);
}

TEST_CASE("nothing is left when a parent and both servers are killed at once", "[server][death]") {
  Adoption adoption;
  REQUIRE(holders_of(memory_name()) == 0);
  for (Rounds rounds(scaled(100)); rounds.next();) {
    Victim victim([](const Victim::Say& say) { live_with_workers(say, 3); });
    const std::vector<int> servers = victim.numbers();
    REQUIRE(servers.size() == 2);
    ::kill(servers[0], SIGKILL);
    ::kill(servers[1], SIGKILL);
    victim.kill(SIGKILL);
    victim.wait();
    CHECK(adoption.reap_all() >= 2);
  }
  CHECK(holders_of(memory_name()) == 0);
}

TEST_CASE("a parent that is killed while servers and workers begin leaves nothing",
          "[server][death]") {
  Adoption adoption;
  auto random = random_engine(1);
  for (Rounds rounds(scaled(200)); rounds.next();) {
    // Killed after a random amount of the child's own progress, told byte by byte.
    Victim victim([](const Victim::Say& say) {
      say("begins");
      const auto server = WorkerServer::fork_now(sleeper());
      for (std::uint64_t key = 1;; ++key) {
        say("launches");
        server->launch({.key = key}, {});
        if (key % 4 == 0) server->kill(key - 2);
        ServerEvent event;
        while (server->next(event)) {
        }
      }
    });
    for (std::uint64_t lines = random() % 12; lines > 0; --lines) victim.line();
    victim.kill(SIGKILL);
    victim.wait();
    adoption.reap_all();
  }
  SUCCEED("every process was reaped");
}

TEST_CASE("what a worker has started ends with it, whatever ends the worker", "[server][death]") {
  const bool kill_group = GENERATE(false, true);
  const auto server = WorkerServer::fork_now(family_father());
  int ends[2] = {-1, -1};
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Descriptor out(ends[0]);
  const Descriptor in(ends[1]);
  for (Rounds rounds(scaled(20)); rounds.next();) {
    const ServerEvent started = start_worker(*server, {.key = 1}, {in.number()});
    char bytes[64] = {};
    std::string said;
    while (said.find('\n') == std::string::npos) {
      const ssize_t got = ::read(out.number(), bytes, sizeof(bytes));
      REQUIRE(got > 0);
      said.append(bytes, static_cast<std::size_t>(got));
    }
    if (kill_group) {
      ::kill(-started.pid, SIGKILL);
    } else {
      server->kill(1);
    }
    CHECK(await(*server, Kind::exited).end.signal == SIGKILL);
    // All of them held its standard error: its end is the end of the last one.
    CHECK(read_to_end(started.stderr_pipe.number()).empty());
    const int active = server->server_pids().back();
    wait_until([&] { return children_of(active).empty(); });
  }
}

TEST_CASE("what workers have started ends with the parent, the active server or the standby",
          "[server][death]") {
  Adoption adoption;
  // 0 the parent, 1 the standby, 2 the active one, 3 the parent and the active one, 4 the parent
  // and the standby.
  const int who = GENERATE(0, 1, 2, 3, 4);
  for (Rounds rounds(scaled(20)); rounds.next();) {
    Victim victim([](const Victim::Say& say) {
      const auto server = WorkerServer::fork_now(family_father());
      int ends[2] = {-1, -1};
      if (::pipe2(ends, O_CLOEXEC) != 0) return;
      for (std::uint64_t key = 1; key <= 2; ++key) {
        start_worker(*server, {.key = key}, {ends[1]});
        char bytes[64] = {};
        std::string said;
        while (said.find('\n') == std::string::npos) {
          const ssize_t got = ::read(ends[0], bytes, sizeof(bytes));
          if (got <= 0) return;
          said.append(bytes, static_cast<std::size_t>(got));
        }
      }
      const std::vector<int> pids = server->server_pids();
      say(std::to_string(pids[0]) + ' ' + std::to_string(pids[1]));
      // Taken over when a server is killed; then the parent is killed, too.
      await(*server, Kind::server_lost);
    });
    const std::vector<int> servers = victim.numbers();
    REQUIRE(servers.size() == 2);
    if (who == 1 || who == 4) ::kill(servers[0], SIGKILL);
    if (who == 2 || who == 3) ::kill(servers[1], SIGKILL);
    victim.kill(SIGKILL);
    victim.wait();
    adoption.reap_all();
  }
  SUCCEED("every process was reaped");
}

TEST_CASE("an active server that is killed is replaced, again and again", "[server][death]") {
  Adoption adoption;
  const auto server = WorkerServer::fork_now(sleeper());
  std::set<int> seen;
  Rounds rounds(scaled(100));
  while (rounds.next()) {
    const auto key = static_cast<std::uint64_t>(2 * rounds.number());
    const ServerEvent first = start_worker(*server, {.key = key});
    const ServerEvent second = start_worker(*server, {.key = key + 1});
    const std::vector<int> pids = server->server_pids();
    REQUIRE(pids.size() == 2);
    seen.insert(pids[1]);
    ::kill(pids[1], SIGKILL);
    std::set<std::uint64_t> ended;
    for (int i = 0; i < 2; ++i) {
      const ServerEvent event = next_event(*server);
      CHECK(event.kind == Kind::exited);
      CHECK(text(event.end) == "killed by signal 9 (Killed)");  // the standby has reaped it
      ended.insert(event.key);
    }
    CHECK(ended == std::set<std::uint64_t>{key, key + 1});
    CHECK(has_ended(first.process));
    CHECK(has_ended(second.process));
  }
  const ServerEvent last = start_worker(*server, {.key = 1'000});
  CHECK(is_running(last.pid));
  CHECK(server->takeovers() == static_cast<std::size_t>(rounds.count()));
  CHECK(seen.size() == static_cast<std::size_t>(rounds.count()));
  server->shut_down();
  CHECK(adoption.reap_all() == 0);
}

TEST_CASE("a standby that is killed is replaced, and the active server's workers go on",
          "[server][death]") {
  Adoption adoption;
  const auto server = WorkerServer::fork_now(sleeper());
  Rounds rounds(scaled(100));
  while (rounds.next()) {
    const int round = rounds.number();
    const auto key = static_cast<std::uint64_t>(round);
    const ServerEvent mine = start_worker(*server, {.key = key});
    ::kill(server->server_pids()[0], SIGKILL);
    const auto takeovers = static_cast<std::size_t>(round + 1);
    // The server that is killed was the active one a round ago, and has the worker of that time.
    bool told = round == 0;
    wait_until([&] {
      ServerEvent event;
      while (server->next(event)) {
        CHECK(event.kind == Kind::exited);
        CHECK(event.key == key - 1);
        CHECK_FALSE(told);
        told = true;
      }
      return told && server->takeovers() == takeovers && server->server_pids().size() == 2;
    });
    CHECK(is_running(mine.pid));
  }
  server->kill(static_cast<std::uint64_t>(rounds.count() - 1));
  CHECK(text(await(*server, Kind::exited).end) == "killed by signal 9 (Killed)");
  server->shut_down();
  // Servers that had lost the one above them, and workers whose server was such a one; the first
  // server was our own child.
  CHECK(adoption.reap_all() <= 2 * rounds.count());
}

TEST_CASE("servers killed in any order with time to recover lose no answer", "[server][death]") {
  Adoption adoption;
  const auto server = WorkerServer::fork_now(sleeper());
  auto random = random_engine(2);
  std::set<std::uint64_t> alive;
  std::uint64_t key = 0;
  std::size_t deaths = 0;
  const auto take = [&](const ServerEvent& event) {
    if (event.kind == Kind::started) {
      alive.insert(event.key);
    } else if (event.kind == Kind::exited) {
      CHECK(alive.erase(event.key) == 1);
    } else {
      FAIL("unexpected: " << event.error);
    }
  };
  for (Rounds rounds(scaled(60)); rounds.next();) {
    for (int i = 0; i < 2; ++i) {
      server->launch({.key = ++key}, {});
      while (alive.count(key) == 0) take(next_event(*server));
    }
    const std::vector<int> pids = server->server_pids();
    REQUIRE(pids.size() == 2);
    ::kill(pids[random() % 2], SIGKILL);
    ++deaths;
    ServerEvent event;
    wait_until([&] {
      while (server->next(event)) take(event);
      return server->takeovers() == deaths && server->server_pids().size() == 2;
    });
  }
  // Those whose server died have died; all others are told when they are killed.
  for (const std::uint64_t left : std::set<std::uint64_t>(alive)) server->kill(left);
  while (!alive.empty()) take(next_event(*server));
  server->shut_down();
  adoption.reap_all();
}

TEST_CASE("both servers killed at once are told, and so are all their workers", "[server][death]") {
  Adoption adoption;
  for (Rounds rounds(scaled(20)); rounds.next();) {
    const auto server = WorkerServer::fork_now(sleeper());
    std::vector<Descriptor> processes;
    for (std::uint64_t key = 1; key <= 3; ++key) {
      processes.push_back(start_worker(*server, {.key = key}).process);
    }
    // Stopped first, so that none can replace the other in between.
    for (const int pid : server->server_pids()) ::kill(pid, SIGSTOP);
    for (const int pid : server->server_pids()) ::kill(pid, SIGKILL);
    std::set<std::uint64_t> ended;
    int lost = 0;
    while (ended.size() < 3 || lost == 0) {
      const ServerEvent event = next_event(*server);
      if (event.kind == Kind::server_lost) {
        ++lost;
        CHECK(event.error == "the worker servers were killed, both at once");
      } else {
        REQUIRE(event.kind == Kind::exited);
        CHECK(has_ended(processes[event.key - 1]));
        CHECK(text(event.end) == "status unknown");
        CHECK(ended.insert(event.key).second);
      }
    }
    server->launch({.key = 4}, {});
    const ServerEvent refused = next_event(*server);
    CHECK(refused.kind == Kind::failed_to_start);
    CHECK(refused.key == 4);
    CHECK(refused.error == "no worker server is left");
    server->shut_down();
    adoption.reap_all();
  }
}

TEST_CASE("launches that were on their way when the server died are answered", "[server][death]") {
  Adoption adoption;
  auto random = random_engine(3);
  constexpr std::size_t kLaunches = 20;
  std::size_t failed = 0;
  std::size_t ran = 0;
  Rounds rounds(scaled(50));
  while (rounds.next()) {
    const auto server = WorkerServer::fork_now(sleeper());
    std::set<std::uint64_t> open;
    for (std::uint64_t key = 1; key <= kLaunches; ++key) {
      server->launch({.key = key}, {});
      open.insert(key);
    }
    const std::size_t killed_after = rounds.number() == 0 ? 0 : random() % kLaunches;
    std::set<std::uint64_t> running;
    const auto kill_in_time = [&] {
      if (running.size() == killed_after) ::kill(server->server_pids().back(), SIGKILL);
    };
    kill_in_time();
    while (!open.empty()) {
      const ServerEvent event = next_event(*server);
      if (event.kind == Kind::started) {
        CHECK(running.insert(event.key).second);
        kill_in_time();
        continue;
      }
      CHECK((event.kind == Kind::exited || event.kind == Kind::failed_to_start));
      CHECK(running.count(event.key) == (event.kind == Kind::exited ? 1 : 0));
      if (event.kind == Kind::exited) {
        CHECK(text(event.end) == "killed by signal 9 (Killed)");
        ++ran;
      } else {
        CHECK(event.error == "the worker server was killed before it could answer");
        ++failed;
      }
      CHECK(open.erase(event.key) == 1);
    }
    ServerEvent none;
    wait_until([&] {
      CHECK_FALSE(server->next(none));
      return server->takeovers() == 1;
    });
    server->shut_down();
    CHECK(adoption.reap_all() == 0);
  }
  CHECK(ran + failed == static_cast<std::size_t>(rounds.count()) * kLaunches);
  CHECK(ran > 0);
  CHECK(failed > 0);
}

TEST_CASE("a server without a standby that is killed is lost", "[server][death]") {
  Adoption adoption;
  const auto server = WorkerServer::fork_now(sleeper(), {.standby = false});
  REQUIRE(server->server_pids().size() == 1);
  const ServerEvent started = start_worker(*server, {.key = 1});
  ::kill(server->server_pids()[0], SIGKILL);
  ServerEvent event = next_event(*server);
  CHECK(event.kind == Kind::server_lost);
  CHECK(event.error == "the worker server was killed, and it has no standby");
  event = next_event(*server);
  CHECK(event.kind == Kind::exited);
  CHECK(text(event.end) == "status unknown");
  CHECK(has_ended(started.process));
  adoption.reap_all();
}

TEST_CASE("a terminal's signals reach the parent only", "[server][death]") {
  Adoption adoption;
  const int signal = GENERATE(SIGINT, SIGTERM, SIGQUIT, SIGHUP);
  Victim victim([](const Victim::Say& say) {
    ::setpgid(0, 0);
    live_with_workers(say, 2);
  });
  const std::vector<int> servers = victim.numbers();
  REQUIRE(servers.size() == 2);
  const std::vector<int> workers = children_of(servers[1]);
  REQUIRE(workers.size() == 2);
  // It stands still, so that it can't end before the others were looked at: of two signals that wait the lower
  // number would come first.
  victim.kill(SIGSTOP);
  int status = 0;
  REQUIRE(::waitpid(victim.pid(), &status, WUNTRACED) == victim.pid());
  REQUIRE(WIFSTOPPED(status));
  ::kill(-victim.pid(), signal);
  const auto group_of = [](int pid) { return ::getpgid(pid); };
  for (const int pid : servers) CHECK(group_of(pid) == pid);
  for (const int pid : workers) CHECK(group_of(pid) == pid);
  // Straight at them, too: a server does not care, a worker ignores the first two.
  for (const int pid : servers) ::kill(pid, signal);
  if (signal == SIGINT || signal == SIGTERM) {
    for (const int pid : workers) ::kill(pid, signal);
  }
  for (const int pid : servers) CHECK(is_running(pid));
  for (const int pid : workers) CHECK(is_running(pid));
  victim.kill(SIGCONT);
  CHECK(victim.wait().signal == signal);
  adoption.reap_all();
}

TEST_CASE("a forked copy of the parent does not end its servers", "[server][death]") {
  auto server = WorkerServer::fork_now(sleeper());
  const ServerEvent started = start_worker(*server, {.key = 1});
  Victim copy([&](const Victim::Say& say) {
    server.reset();
    say("done");
    sleep_for_ever();
  });
  CHECK(copy.line() == "done");
  CHECK(is_running(started.pid));
  server->kill(1);
  CHECK(await(*server, Kind::exited).key == 1);
  // The copy still holds the parent's end of the sockets, and that must not matter.
  server->shut_down();
}

TEST_CASE("a forked copy that outlives the parent does not keep its servers", "[server][death]") {
  Adoption adoption;
  Victim victim([](const Victim::Say& say) {
    const auto server = WorkerServer::fork_now(sleeper());
    start_worker(*server, {.key = 1});
    const int copy = ::fork();
    if (copy == 0) sleep_for_ever();
    const std::vector<int> pids = server->server_pids();
    say(std::to_string(copy) + ' ' + std::to_string(pids[0]) + ' ' + std::to_string(pids[1]));
    sleep_for_ever();
  });
  const std::vector<int> said = victim.numbers();
  REQUIRE(said.size() == 3);
  victim.kill(SIGKILL);
  victim.wait();
  wait_until([&] { return !is_running(said[1]) && !is_running(said[2]); });
  CHECK(is_running(said[0]));
  ::kill(said[0], SIGKILL);
  CHECK(adoption.reap_all() >= 2);
}
