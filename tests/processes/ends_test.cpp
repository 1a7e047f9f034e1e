// tests/processes/ends_test.cpp: how runs with worker processes end, and that nothing is left of them.
// SPDX-License-Identifier: MIT
#include <processes/process_run.hpp>

#include <catch2/catch.hpp>
#include <support/places.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/watchdog.hpp>

#include <nlohmann/json.hpp>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using testing_support::ChildProgram;
using testing_support::Ended;
using testing_support::processes_of_program;
using testing_support::scaled;
using testing_support::wait_until;
using testing_support::wait_until_gone;
using Words = std::vector<std::string>;

Words endless(const Words& more = {}) {
  Words words = {SLUICE_PROCESS_PROGRAM,
                 "run",
                 "parcels",
                 "--quiet",
                 "--carrier",
                 "work=process",
                 "--workers",
                 "work=2",
                 "--count",
                 "20000000",
                 "--spin-us",
                 "50"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void wait_for_workers(std::size_t all) {
  while (processes_of_program().size() < all) std::this_thread::yield();
}

/// The program's server, or a server's standby: the first that was forked. 0: there is none.
int first_child_of(int pid) {
  const std::string number = std::to_string(pid);
  std::ifstream in("/proc/" + number + "/task/" + number + "/children");
  int child = 0;
  in >> child;
  return child;
}

// The program, two servers, two workers.
constexpr std::size_t kAll = 5;

bool is_replaced(int server) {
  const std::vector<int> found = processes_of_program();
  return found.size() == kAll && std::find(found.begin(), found.end(), server) == found.end();
}

TEST_CASE("Nothing is left when the program is killed, or a server, or both", "[process]") {
  const std::string who = GENERATE("program", "server, then program", "everybody but the workers");
  const std::uint64_t rounds = scaled(100);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    ChildProgram program(endless());
    wait_for_workers(kAll);
    if (who == "program") {
      program.send(SIGKILL);
    } else if (who == "server, then program") {
      const int server = first_child_of(program.pid());
      ::kill(server, SIGKILL);
      wait_until([&] { return is_replaced(server); });
      program.send(SIGKILL);
    } else {
      const int server = first_child_of(program.pid());
      const int standby = first_child_of(server);
      for (const int pid : {program.pid(), server, standby}) ::kill(pid, SIGKILL);
    }
    program.wait();
    wait_until_gone();
  }
  CHECK(processes_of_program().empty());
}

TEST_CASE("A server that is killed is replaced, and the run goes on", "[process]") {
  ChildProgram program(endless());
  wait_for_workers(kAll);
  const int server = first_child_of(program.pid());
  ::kill(server, SIGKILL);
  wait_until([&] { return is_replaced(server); });
  program.send(SIGINT);
  const Ended ended = program.wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 130);
  CHECK_THAT(ended.out, Contains("doubled 0 corrupt 0"));
  wait_until_gone();
}

/// The server of the only worker, once it has a standby; 0 before.
int whole_server() {
  constexpr std::size_t kProgramServersWorker = 4;
  const std::vector<int> found = processes_of_program();
  if (found.size() != kProgramServersWorker) return 0;
  for (const int pid : found) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string id, name, state;
    int parent = 0;
    if (in >> id >> name >> state >> parent && name == "(work)") return parent;
  }
  return 0;
}

TEST_CASE("The death of a server is no fault of the item at work", "[process]") {
  ChildProgram program({SLUICE_PROCESS_PROGRAM, "run", "parcels", "--quiet", "--carrier",
                        "work=process", "--workers", "work=1", "--count", "3", "--every", "3",
                        "--trouble", "patient", "--attempts", "2"});
  for (int attempt = 1; attempt < 4; ++attempt) {
    REQUIRE(program.wait_for_err("attempt " + std::to_string(attempt) + " begins"));
    int server = 0;
    wait_until([&] { return (server = whole_server()) != 0; });
    ::kill(server, SIGKILL);
  }
  const Ended ended = program.wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK_THAT(ended.out, Contains("outputs 3 lost 0 doubled 0 corrupt 0"));
  wait_until_gone();
}

TEST_CASE("An interrupt drains, and reaches the program alone", "[process]") {
  const testing_support::Scratch scratch;
  ChildProgram program(endless({"--report", scratch / "report"}));
  wait_for_workers(kAll);
  program.send(SIGINT);
  const Ended ended = program.wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 130);
  CHECK_THAT(ended.out, Contains("doubled 0 corrupt 0"));
  const auto report = nlohmann::json::parse(testing_support::content_of(scratch / "report"));
  CHECK(report["ledger"]["balanced"] == true);
  for (const auto& stage : report["stages"]) {
    CHECK(stage["cancelled"] == 0);
    CHECK(stage["dropped"] == 0);
    CHECK(stage["deaths"] == 0);
  }
  wait_until_gone();
}

TEST_CASE("A second interrupt cancels, also while an item is stuck in a process", "[process]") {
  ChildProgram program(endless({"--trouble", "hang", "--every", "10"}));
  wait_for_workers(kAll);
  program.send(SIGINT);
  program.send(SIGTERM);  // two of one kind may arrive as one
  const Ended ended = program.wait();
  INFO(ended.err);
  CHECK(ended.exit_code != 0);
  wait_until_gone();
}

/// Voluntary context switches of every thread of every process of the program.
std::map<std::string, std::uint64_t> switches_of_all() {
  std::map<std::string, std::uint64_t> switches;
  std::error_code error;
  for (const int pid : processes_of_program()) {
    const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
      std::ifstream in(task.path() / "status");
      for (std::string word; in >> word;) {
        if (word == "voluntary_ctxt_switches:") in >> switches[task.path().string()];
      }
    }
  }
  return switches;
}
std::size_t woken_since(const std::map<std::string, std::uint64_t>& before) {
  std::size_t woken = 0;
  for (const auto& [thread, count] : switches_of_all()) {
    const auto known = before.find(thread);
    woken += known == before.end() || known->second != count ? 1 : 0;
  }
  return woken;
}

#if defined(__SANITIZE_THREAD__)
constexpr std::size_t kOwnThreads =
    5;  // the race detector's, one in each process, wake every 0.1 s
#else
constexpr std::size_t kOwnThreads = 0;
#endif

// Idleness is a span of time without anything: the only thing here that has to wait.
void pass(std::chrono::seconds span) { std::this_thread::sleep_for(span); }

TEST_CASE("An idle pipeline with processes makes no context switches", "[process]") {
  const std::string pipe =
      (std::filesystem::temp_directory_path() / ("sluice_idle_" + std::to_string(::getpid())))
          .string();
  ::unlink(pipe.c_str());  // an earlier process of the same number may have been killed
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  {
    // Both ends, so that the program's end never waits and never ends.
    std::fstream writer;
    std::thread opener([&] { writer.open(pipe, std::ios::in | std::ios::out); });
    opener.join();
    ChildProgram program(
        {SLUICE_PROCESS_PROGRAM, "run", "lines", "--quiet", "--carrier", "work=process"},
        {.input = pipe});
    writer << "one" << std::flush;
    CHECK(program.wait_for_out("one"));
    // What was under way has come to rest when nobody woke for a while.
    auto before = switches_of_all();
    for (;;) {
      pass(std::chrono::seconds(2));
      if (woken_since(before) <= kOwnThreads) break;
      before = switches_of_all();
    }
    before = switches_of_all();
    pass(std::chrono::seconds(10));
    CHECK(woken_since(before) <= kOwnThreads);
    program.send(SIGKILL);
    program.wait();
  }
  ::unlink(pipe.c_str());
  wait_until_gone();
}

}  // namespace
}  // namespace sluice
