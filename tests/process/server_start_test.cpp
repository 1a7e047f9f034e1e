// tests/process/server_start_test.cpp: what a worker gets and sees.
// SPDX-License-Identifier: MIT
#include <sluice/error.hpp>
#include <sluice/os/child_process.hpp>
#include <sluice/os/process_setup.hpp>
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

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <new>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice::detail;
using namespace sluice::testing_support;
using Kind = ServerEvent::Kind;
namespace fs = std::filesystem;

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
  CHECK(text_of(await(*server, Kind::exited).end) == "exit status 42");
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
  CHECK(text_of(told.end) == "exit status 17");
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

TEST_CASE("several servers of one process know nothing of each other", "[server]") {
  const auto first =
      WorkerServer::fork_now([](const WorkerSpec&, std::span<const int>) { return 1; });
  auto second = WorkerServer::fork_now([](const WorkerSpec&, std::span<const int>) { return 2; });
  CHECK(tell(*first, {.key = 1}).end.code == 1);
  CHECK(tell(*second, {.key = 1}).end.code == 2);
  second.reset();
  CHECK(tell(*first, {.key = 1}).end.code == 1);
}
