// tests/process/server_start_test.cpp: what a worker gets and sees, how its end is told.
// SPDX-License-Identifier: MIT
#include <sluice/error.hpp>
#include <sluice/os/child_process.hpp>
#include <sluice/os/process_setup.hpp>
#include <sluice/process/last_words.hpp>
#include <sluice/process/worker_server.hpp>

#include <process/family.hpp>
#include <support/scale.hpp>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace sluice::detail;
using namespace sluice::testing_support;
using Kind = ServerEvent::Kind;
namespace fs = std::filesystem;

// What one worker did: everything it wrote to standard error, and how it ended.
struct Told {
  std::string err;
  ProcessEnd end;
};

Told tell(WorkerServer& server, const WorkerSpec& spec, std::initializer_list<int> given = {}) {
  const ServerEvent started = start_worker(server, spec, given);
  Told told;
  told.err = read_to_end(started.stderr_pipe.number());
  told.end = await(server, Kind::exited).end;
  return told;
}

Told tell_of(ServeWorker serve, const WorkerSpec& spec = {.key = 1}) {
  const auto server = WorkerServer::fork_now(std::move(serve));
  return tell(*server, spec);
}

std::string text(const ProcessEnd& end) { return text_of(end); }

// A descriptor below 3 or a number is all that a test wants to know.
std::string open_descriptors() {
  std::set<int> numbers;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    numbers.insert(std::stoi(entry.path().filename()));
  }
  std::string list;
  for (const int number : numbers) {
    struct stat status {};
    if (::fstat(number, &status) == 0) list += std::to_string(number) + ' ';  // not the listing's
  }
  return list;
}

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
    CHECK(text(exited.end) == "exit status " + std::to_string(status));
    CHECK(has_ended(started.process));
  }
}

TEST_CASE("a worker gets its spec whole", "[server]") {
  const Told told = tell_of(
      [](const WorkerSpec& spec, std::span<const int>) {
        std::fprintf(stderr, "%llu %u %u %u %llu %llu", static_cast<unsigned long long>(spec.key),
                     spec.stage, spec.worker, spec.incarnation,
                     static_cast<unsigned long long>(spec.seed),
                     static_cast<unsigned long long>(spec.memory_limit_bytes));
        return 0;
      },
      {.key = ~0ULL,
       .stage = 1,
       .worker = 2,
       .incarnation = 3,
       .seed = 1ULL << 63,
       .memory_limit_bytes = 1ULL << 40});
  CHECK(told.err == "18446744073709551615 1 2 3 9223372036854775808 1099511627776");
}

TEST_CASE("captures of the function that serves come along", "[server]") {
  auto word = std::make_unique<std::string>("captured");
  const Told told = tell_of([word = std::move(word)](const WorkerSpec&, std::span<const int>) {
    std::fputs(word->c_str(), stderr);
    return 0;
  });
  CHECK(told.err == "captured");
}

TEST_CASE("what serve throws is the last line of standard error and exit status 120", "[server]") {
  const Told told = tell_of([](const WorkerSpec& spec, std::span<const int>) -> int {
    if (spec.worker == 0) throw std::runtime_error("no such luck");
    throw 5;
  });
  CHECK(told.err == "worker process: no such luck\n");
  CHECK(text(told.end) == "exit status 120");
  const Told other = tell_of([](const WorkerSpec&, std::span<const int>) -> int { throw 5; });
  CHECK(other.err == "worker process: an exception that is not a std::exception\n");
  CHECK(text(other.end) == "exit status 120");
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
    CHECK(text(told.end) == words);
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
  CHECK(text(exited.end) == "killed by signal 9 (Killed)");
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

TEST_CASE("a worker sees its standard streams and what it was given, no other descriptor",
          "[server]") {
  const Descriptor ours = open_null_device();  // not declared
  const Descriptor open_across_exec(::dup(ours.number()));
  const auto list = [](const WorkerSpec& spec, std::span<const int> given) {
    const std::string seen = open_descriptors();
    std::string expected = "0 1 2 ";
    std::set<int> numbers(given.begin(), given.end());
    if (spec.worker != 0) numbers.insert(static_cast<int>(spec.worker));
    for (const int number : numbers) expected += std::to_string(number) + ' ';
    std::fprintf(stderr, "%s", seen == expected ? "as given" : (seen + "not " + expected).c_str());
    return static_cast<int>(given.size());
  };
  SECTION("without any") {
    const Told told = tell_of(list);
    CHECK(told.err == "as given");
    CHECK(told.end.code == 0);
  }
  SECTION("with three") {
    const auto server = WorkerServer::fork_now(list);
    const Descriptor more = open_null_device();
    const Told told =
        tell(*server, {.key = 1}, {more.number(), ours.number(), open_across_exec.number()});
    CHECK(told.err == "as given");
    CHECK(told.end.code == 3);
  }
  SECTION("with one that was declared") {
    const auto server = WorkerServer::fork_now(list, {.keep = {ours.number()}});
    const Told told =
        tell(*server, {.key = 1, .worker = static_cast<std::uint32_t>(ours.number())});
    CHECK(told.err == "as given");
  }
}

TEST_CASE("descriptors arrive in their order and lead where they led", "[server]") {
  std::vector<Descriptor> files;
  std::vector<int> numbers;
  for (int i = 0; i < static_cast<int>(kMostLaunchDescriptors); ++i) {
    files.emplace_back(::memfd_create("sluice-test", MFD_CLOEXEC));
    numbers.push_back(files.back().number());
    write_text(numbers.back(), "file " + std::to_string(i));
  }
  const auto server = WorkerServer::fork_now([](const WorkerSpec&, std::span<const int> given) {
    for (std::size_t i = 0; i < given.size(); ++i) {
      char text[32] = {};
      if (::pread(given[i], text, sizeof(text) - 1, 0) < 0) return 1;
      if (text != "file " + std::to_string(i)) return 2;
    }
    return 42;
  });
  server->launch({.key = 1}, numbers);
  CHECK(text(await(*server, Kind::exited).end) == "exit status 42");
  numbers.push_back(numbers.back());
  CHECK_THROWS_AS(server->launch({.key = 2}, numbers), sluice::UsageError);
}

TEST_CASE("a worker leads its own process group, in the session of its parent", "[server]") {
  const Told told = tell_of([session = ::getsid(0)](const WorkerSpec&, std::span<const int>) {
    return ::getpgrp() == ::getpid() && ::getsid(0) == session ? 1 : 0;
  });
  CHECK(told.end.code == 1);
}

TEST_CASE("a worker has the environment that its parent had", "[server]") {
  ::setenv("SLUICE_TEST_VALUE", "of the parent", 1);
  const auto server = WorkerServer::fork_now([](const WorkerSpec&, std::span<const int>) {
    std::fputs(std::getenv("SLUICE_TEST_VALUE"), stderr);
    return 0;
  });
  ::unsetenv("SLUICE_TEST_VALUE");
  CHECK(tell(*server, {.key = 1}).err == "of the parent");
}

TEST_CASE("signals of a worker are as in a new program, but what a terminal sends is ignored",
          "[server]") {
  struct sigaction before {};
  struct sigaction handler {};
  handler.sa_handler = [](int) {};
  ::sigaction(SIGUSR2, &handler, &before);
  sigset_t blocked;
  sigset_t mask_before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &mask_before);
  const Told told = tell_of([](const WorkerSpec&, std::span<const int>) {
    const std::set<int> ignored = {SIGINT, SIGTERM, SIGPIPE, SIGTTOU};
    for (int signal = 1; signal < 32; ++signal) {
      if (signal == SIGKILL || signal == SIGSTOP) continue;
      struct sigaction now {};
      ::sigaction(signal, nullptr, &now);
      if (now.sa_handler != (ignored.count(signal) > 0 ? SIG_IGN : SIG_DFL)) return signal;
    }
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return sigisemptyset(&mask) == 1 ? 0 : 100;
  });
  ::pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
  ::sigaction(SIGUSR2, &before, nullptr);
  CHECK(told.end.code == 0);
}

TEST_CASE("a worker has no input, no core files, and goes first when memory runs out", "[server]") {
  const auto first_line = [](const char* path) {
    std::FILE* const file = std::fopen(path, "re");
    int number = -1;
    if (file == nullptr || std::fscanf(file, "%d", &number) != 1) number = -1;
    if (file != nullptr) std::fclose(file);
    return number;
  };
  const int ours = first_line("/proc/self/oom_score_adj");
  const Told told = tell_of([=](const WorkerSpec&, std::span<const int>) {
    char byte = 0;
    if (::read(0, &byte, 1) != 0) return 1;
    rlimit core{};
    ::getrlimit(RLIMIT_CORE, &core);
    if (core.rlim_cur != 0 || core.rlim_max != 0) return 2;
    return first_line("/proc/self/oom_score_adj") == std::min(ours + 500, 1000) ? 0 : 3;
  });
  CHECK(told.end.code == 0);
}

TEST_CASE("the memory limit makes malloc fail and leaves the worker alive", "[server]") {
  const Told told = tell_of(
      [](const WorkerSpec& spec, std::span<const int>) {
        if (has_sanitizer()) {  // no limit there: its own memory would count
          rlimit data{};
          ::getrlimit(RLIMIT_DATA, &data);
          return data.rlim_cur == spec.memory_limit_bytes ? 1 : 17;
        }
        try {
          const std::vector<char> memory(spec.memory_limit_bytes + 1);
          return static_cast<int>(memory.size() % 2);
        } catch (const std::bad_alloc&) {
          const std::vector<char> small(1 << 20, 'x');  // there is room for that
          return small[5] == 'x' ? 17 : 2;
        }
      },
      {.key = 1, .memory_limit_bytes = 512ULL << 20});
  CHECK(text(told.end) == "exit status 17");
}

TEST_CASE("what is buffered at the start is written once, and a worker's output is not lost",
          "[server]") {
  const fs::path file = fs::temp_directory_path() / ("sluice-" + std::to_string(::getpid()));
  {
    const Descriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    std::fflush(stdout);
    const Descriptor before(::dup(1));
    ::dup2(out.number(), 1);
    std::fputs("parent;", stdout);
    std::cout << "stream;";
    const Told told = tell_of([](const WorkerSpec&, std::span<const int>) {
      std::fputs("worker;", stdout);
      return 0;
    });
    std::fflush(stdout);
    ::dup2(before.number(), 1);
    CHECK(told.end.code == 0);
  }
  std::FILE* const in = std::fopen(file.c_str(), "re");
  char text[64] = {};
  const std::size_t got = std::fread(text, 1, sizeof(text) - 1, in);
  std::fclose(in);
  fs::remove(file);
  CHECK(std::string(text, got) == "parent;stream;worker;");
}

TEST_CASE("the last lines of a worker that is killed are there", "[server]") {
  const auto server = WorkerServer::fork_now([](const WorkerSpec&, std::span<const int>) -> int {
    for (int i = 0; i < 1000; ++i) std::fprintf(stderr, "line %d\n", i);
    std::fputs("no newline", stderr);
    sleep_for_ever();
  });
  ServerEvent started = start_worker(*server, {.key = 1});
  LastWords words(std::move(started.stderr_pipe));
  std::string all;
  std::string line;
  int lines = 0;
  while (all.find("line 999\n") == std::string::npos) {
    REQUIRE(words.read());
    while (words.next_line(line)) {
      all += line + '\n';
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

TEST_CASE("several servers of one process know nothing of each other", "[server]") {
  const auto first =
      WorkerServer::fork_now([](const WorkerSpec&, std::span<const int>) { return 1; });
  auto second = WorkerServer::fork_now([](const WorkerSpec&, std::span<const int>) { return 2; });
  CHECK(tell(*first, {.key = 1}).end.code == 1);
  CHECK(tell(*second, {.key = 1}).end.code == 2);
  second.reset();
  CHECK(tell(*first, {.key = 1}).end.code == 1);
}
