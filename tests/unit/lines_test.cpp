// tests/unit/lines_test.cpp: lines() and numbered_lines() through whole runs.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/run.hpp>
#include <sluice/stages/collect.hpp>
#include <sluice/stages/lines.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/standard_stream.hpp>
#include <support/watchdog.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice;
using namespace sluice::testing_support;
using Strings = std::vector<std::string>;

struct Outcome {
  Strings lines;
  std::vector<DeadLetter> dead;
  Report report;
};

Outcome lines_of(const stages::Paths& paths, const stages::LineOptions& options = {}) {
  Outcome outcome;
  Pipeline p("lines");
  p.source("read", stages::lines(paths, options)) | sink("collect", stages::collect(outcome.lines));
  RunOptions run_options;
  run_options.on_dead_letter = [&](const DeadLetter& letter) { outcome.dead.push_back(letter); };
  outcome.report = run(p, std::move(run_options));
  return outcome;
}

}  // namespace

TEST_CASE("lines: every line without its line feed, in order, over several files", "[stages]") {
  const Scratch scratch;
  const Strings paths = {scratch.file("a", "one\ntwo\r\n\nfour"), scratch.file("b", ""),
                         scratch.file("c", "\n"), scratch.file("d", std::string("a\0b\n\xff", 5))};
  const Outcome outcome = lines_of(paths);
  CHECK(outcome.lines == Strings{"one", "two\r", "", "four", "", std::string("a\0b", 3), "\xff"});
  CHECK(outcome.dead.empty());
  CHECK(outcome.report.ledger.balanced);
}

TEST_CASE("lines: the size of the reads makes no difference", "[stages]") {
  const Scratch scratch;
  auto random = random_engine();
  std::string text;
  Strings expected(1);
  for (int i = 0; i < 3000; ++i) {
    const char byte = random() % 4 == 0 ? '\n' : static_cast<char>(random() % 256);
    text += byte;
    if (byte == '\n') {
      expected.emplace_back();
    } else {
      expected.back() += byte;
    }
  }
  text += 'x';
  expected.back() += 'x';
  const std::string path = scratch.file("random", text);
  for (const std::size_t read_bytes : {1U, 2U, 3U, 7U, 64U, 1000U, 2999U, 3000U, 3001U, 100000U}) {
    INFO("read_bytes " << read_bytes);
    CHECK(lines_of(path, {.read_bytes = read_bytes}).lines == expected);
  }
}

TEST_CASE("lines: a line that is longer than many reads is one line", "[stages]") {
  const Scratch scratch;
  const std::string giant(3'000'000, 'g');
  const std::string path = scratch.file("giant", "a\n" + giant + "\nb\n" + giant);
  CHECK(lines_of(path, {.read_bytes = 4096}).lines == Strings{"a", giant, "b", giant});
}

TEST_CASE("lines: what can't be read is a dead letter with path and number, the rest goes on",
          "[stages]") {
  const Scratch scratch;
  const std::string loop = scratch / "loop";
  std::filesystem::create_symlink(loop, loop);
  const Strings paths = {scratch / "missing",        scratch.path(),
                         scratch.file("a", "one\n"), loop,
                         "/proc/self/mem",           scratch.file("b", "two\n")};
  const Outcome outcome = lines_of(paths);
  CHECK(outcome.lines == Strings{"one", "two"});
  REQUIRE(outcome.dead.size() == 4);
  CHECK(outcome.dead[0].stage == "read");
  CHECK(outcome.dead[0].subject == paths[0]);
  CHECK(outcome.dead[0].error == "cannot open: No such file or directory (errno 2)");
  CHECK(outcome.dead[1].subject == scratch.path());
  CHECK(outcome.dead[1].error == "cannot open: Is a directory (errno 21)");
  CHECK(outcome.dead[2].subject == loop);
  CHECK(outcome.dead[2].error == "cannot open: Too many levels of symbolic links (errno 40)");
  CHECK(outcome.dead[3].subject == "/proc/self/mem");
  CHECK(outcome.dead[3].error == "cannot read: Input/output error (errno 5)");
  CHECK(outcome.report.dead_letters == 4);
  CHECK(outcome.report.ledger.balanced);
}

TEST_CASE("lines: bytes read and bytes expected are those of the regular files", "[stages]") {
  const Scratch scratch;
  const Strings paths = {scratch.file("a", std::string(70'000, 'a')), scratch / "missing",
                         scratch.file("b", "b\nb\n")};
  const Outcome outcome = lines_of(paths);
  CHECK(outcome.report.stage("read").expected_bytes == 70'004);
  CHECK(outcome.report.stage("read").bytes == 70'004);
}

TEST_CASE("lines: a pipeline can be run again and reads again", "[stages]") {
  const Scratch scratch;
  const std::string path = scratch.file("a", "one\n");
  Strings got;
  Pipeline p("again");
  p.source("read", stages::lines(path)) | sink("collect", stages::collect(got));
  static_cast<void>(run(p));
  scratch.file("a", "two\nthree\n");
  static_cast<void>(run(p));
  CHECK(got == Strings{"one", "two", "three"});
}

TEST_CASE("numbered_lines: the numbers run on over all inputs", "[stages]") {
  const Scratch scratch;
  std::vector<stages::NumberedLine> got;
  Pipeline p("numbered");
  p.source("read", stages::numbered_lines({scratch.file("a", "one\n\n"), scratch.file("b", ""),
                                           scratch.file("c", "three")})) |
      sink("collect", stages::collect(got));
  static_cast<void>(run(p));
  CHECK(got == std::vector<stages::NumberedLine>{{0, "one"}, {1, ""}, {2, "three"}});
}

TEST_CASE("lines: - is standard input, a line is passed on while its writer waits", "[stages]") {
  StandardStream input(STDIN_FILENO);
  std::atomic<int> seen{0};
  Strings got;
  Pipeline p("stdin");
  p.source("read", stages::lines("-"), {.blocking = true}) |
      sink("see", [&](const std::string& line) {
        got.push_back(line);
        seen.fetch_add(1, std::memory_order_release);
      });
  RunHandle handle = start(p);
  REQUIRE(input.feed("first\nsec"));
  wait_until([&] { return seen.load(std::memory_order_acquire) == 1; });
  REQUIRE(input.feed("ond\nlast"));
  wait_until([&] { return seen.load(std::memory_order_acquire) == 2; });
  input.close_other();
  const Report report = handle.wait();
  CHECK(got == Strings{"first", "second", "last"});
  CHECK(report.ledger.balanced);
}

TEST_CASE("lines: a stop ends the wait for a silent pipe and drops the unfinished line",
          "[stages]") {
  StandardStream input(STDIN_FILENO);
  std::atomic<int> seen{0};
  Strings got;
  Pipeline p("silent");
  p.source("read", stages::lines("-")) | sink("see", [&](const std::string& line) {
    got.push_back(line);
    seen.fetch_add(1, std::memory_order_release);
  });
  RunHandle handle = start(p);
  REQUIRE(input.feed("whole\nunfinished"));
  wait_until([&] { return seen.load(std::memory_order_acquire) == 1; });
  handle.stop();
  const Report report = handle.wait();
  CHECK(got == Strings{"whole"});
  CHECK(report.status == RunStatus::stopped);
}

TEST_CASE("lines: a stop or a cancel ends the wait for a FIFO that nobody has opened to write",
          "[stages]") {
  const Scratch scratch;
  const std::string path = scratch.fifo("fifo");
  Strings got;
  Pipeline p("fifo");
  p.source("read", stages::lines(path)) | sink("collect", stages::collect(got));
  SECTION("stop") {
    RunHandle handle = start(p);
    handle.stop();
    CHECK(handle.wait().status == RunStatus::stopped);
  }
  SECTION("cancel") {
    RunHandle handle = start(p);
    handle.cancel();
    CHECK(handle.wait().status == RunStatus::cancelled);
  }
  SECTION("a writer") {
    RunHandle handle = start(p);
    {
      std::ofstream writer(path);  // waits for the reader
      writer << "hello\nworld";
    }
    CHECK(handle.wait().status == RunStatus::done);
    CHECK(got == Strings{"hello", "world"});
  }
}
