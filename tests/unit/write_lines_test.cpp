// tests/unit/write_lines_test.cpp: write_lines() and write_in_order().
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/run.hpp>
#include <sluice/stages/range.hpp>
#include <sluice/stages/values.hpp>
#include <sluice/stages/write_lines.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/standard_stream.hpp>
#include <support/watchdog.hpp>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace sluice;
using namespace sluice::testing_support;
using Strings = std::vector<std::string>;
using Numbered = std::vector<stages::NumberedLine>;

template <class Source, class Sink>
Report write(Source source, Sink what) {
  Pipeline p("write");
  p.source("source", std::move(source)) | sink("write", std::move(what));
  return run(p);
}

// The exception below the StageError that run() throws.
template <class Error, class Run>
std::string nested_text(Run run_it) {
  try {
    run_it();
  } catch (const StageError& error) {
    try {
      std::rethrow_if_nested(error);
    } catch (const Error& cause) {
      return cause.what();
    }
  }
  return "no such exception";
}

}  // namespace

TEST_CASE("write_lines: each item is a line, in the order of arrival", "[stages]") {
  const Scratch scratch;
  const std::string path = scratch / "out";
  const Report report =
      write(stages::values(Strings{"one", "", std::string("t\0o", 3)}), stages::write_lines(path));
  CHECK(content_of(path) == std::string("one\n\nt\0o\n", 9));
  CHECK(report.ledger.balanced);
}

TEST_CASE("write_lines: replaces what was there, or appends to it, the line end is free",
          "[stages]") {
  const Scratch scratch;
  const std::string path = scratch.file("out", "old old old\n");
  SECTION("replaces") {
    static_cast<void>(write(stages::values(Strings{"new"}), stages::write_lines(path)));
    CHECK(content_of(path) == "new\n");
  }
  SECTION("appends") {
    static_cast<void>(
        write(stages::values(Strings{"new"}), stages::write_lines(path, {.append = true})));
    CHECK(content_of(path) == "old old old\nnew\n");
  }
  SECTION("no items make an empty file") {
    static_cast<void>(write(stages::values(Strings{}), stages::write_lines(path)));
    CHECK(content_of(path).empty());
  }
  SECTION("line end") {
    static_cast<void>(
        write(stages::values(Strings{"a", "b"}), stages::write_lines(path, {.line_end = ""})));
    CHECK(content_of(path) == "ab");
  }
}

TEST_CASE("write_lines: the size of the buffer makes no difference", "[stages]") {
  const Scratch scratch;
  auto random = random_engine();
  Strings lines;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    lines.emplace_back(random() % (i % 100 == 0 ? 5000 : 50), static_cast<char>('a' + i % 26));
    expected += lines.back() + '\n';
  }
  for (const std::size_t buffer_bytes : {0U, 1U, 10U, 51U, 4096U, 1U << 20}) {
    INFO("buffer_bytes " << buffer_bytes);
    const std::string path = scratch / "out";
    static_cast<void>(
        write(stages::values(lines), stages::write_lines(path, {.buffer_bytes = buffer_bytes})));
    CHECK(content_of(path) == expected);
  }
}

TEST_CASE("write_lines: a line is written soon although nothing follows it", "[stages]") {
  const Scratch scratch;
  const std::string path = scratch / "out";
  Pipeline p("idle");
  p.inlet<std::string>("in") | sink("write", stages::write_lines(path));
  RunHandle handle = start(p);
  {
    auto inlet = handle.inlet<std::string>("in");
    REQUIRE(inlet.put("one") == PutStatus::ok);
    wait_until([&] { return content_of(path) == "one\n"; });
    REQUIRE(inlet.put("two") == PutStatus::ok);
    wait_until([&] { return content_of(path) == "one\ntwo\n"; });
  }
  CHECK(handle.wait().ledger.balanced);
}

TEST_CASE("write_lines: errors name the path and the number", "[stages]") {
  const Scratch scratch;
  const auto text_of = [](const std::string& path, Strings lines) {
    return nested_text<std::system_error>(
        [&] { write(stages::values(std::move(lines)), stages::write_lines(path)); });
  };
  CHECK(text_of(scratch / "missing/out", {"x"}) == "cannot open for writing " +
                                                       scratch / "missing/out" +
                                                       " (errno 2): No such file or directory");
  CHECK(text_of(scratch.path(), {"x"}) ==
        "cannot open for writing " + scratch.path() + " (errno 21): Is a directory");
  CHECK(text_of("/dev/full", {"x"}) ==
        "cannot write /dev/full (errno 28): No space left on device");
  CHECK(text_of("/dev/full", Strings(1000, std::string(1000, 'x'))) ==
        "cannot write /dev/full (errno 28): No space left on device");
}

TEST_CASE("write_lines: - is standard output", "[stages]") {
  StandardStream output(STDOUT_FILENO);
  std::string got;
  std::thread reader([&] {
    char bytes[4096];
    for (ssize_t n = 0; (n = ::read(output.other(), bytes, sizeof(bytes))) > 0;) {
      got.append(bytes, static_cast<std::size_t>(n));
      if (got.size() >= 20'000 * 6) break;
    }
  });
  static_cast<void>(write(stages::values(Strings(20'000, "12345")), stages::write_lines("-")));
  reader.join();
  std::string expected;
  for (int i = 0; i < 20'000; ++i) expected += "12345\n";
  CHECK(got == expected);
}

TEST_CASE("write_lines: standard output that nobody reads is ClosedOutput and no signal",
          "[stages]") {
  std::string text;
  {
    StandardStream output(STDOUT_FILENO);
    output.close_other();
    text = nested_text<ClosedOutput>(
        [] { write(stages::values(Strings{"x"}), stages::write_lines("-")); });
  }
  CHECK(text == "standard output was closed by its reader");
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("write_lines: more than one worker is refused", "[stages]") {
  Pipeline p("write");
  p.source("source", stages::values(Strings{"x"})) |
      sink("write", stages::write_lines("/nonexistent/never made"), {.workers = 2});
  CHECK_THROWS_AS(run(p), PipelineError);
}

TEST_CASE("write_in_order: any order of arrival gives the order of the numbers", "[stages]") {
  const Scratch scratch;
  auto random = random_engine();
  Numbered lines;
  std::string expected;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    lines.push_back({i, std::to_string(i)});
    expected += std::to_string(i) + '\n';
  }
  std::shuffle(lines.begin(), lines.end(), random);
  const std::string path = scratch / "out";
  static_cast<void>(write(stages::values(lines), stages::write_in_order(path)));
  CHECK(content_of(path) == expected);
}

TEST_CASE("write_in_order: puts the work of several workers back in order", "[stages]") {
  const Scratch scratch;
  const std::string path = scratch / "out";
  std::string expected;
  for (int i = 0; i < 5000; ++i) expected += std::to_string(i * 2) + '\n';
  Pipeline p("order");
  p.source("range", stages::range<std::uint64_t>(0, 5000)) |
      map("double",
          [](std::uint64_t i) {
            return stages::NumberedLine{i, std::to_string(i * 2)};
          },
          {.workers = 4, .carrier = Carrier::thread}) |
      sink("write", stages::write_in_order(path));
  static_cast<void>(run(p));
  CHECK(content_of(path) == expected);
}

TEST_CASE("write_in_order: numbers that never come are left out at the end", "[stages]") {
  const Scratch scratch;
  const std::string path = scratch / "out";
  static_cast<void>(write(stages::values(Numbered{{7, "h"}, {0, "a"}, {5, "f"}, {1, "b"}}),
                          stages::write_in_order(path)));
  CHECK(content_of(path) == "a\nb\nf\nh\n");
}

TEST_CASE("write_in_order: a number twice, or too many that wait, fail the run", "[stages]") {
  const Scratch scratch;
  const auto text_of = [&](Numbered lines) {
    return nested_text<std::runtime_error>([&] {
      write(stages::values(std::move(lines)), stages::write_in_order(scratch / "out", {}, 3));
    });
  };
  const std::string twice = "came twice; give each line its own number";
  CHECK(text_of({{0, "a"}, {0, "a"}}) == "line 0 " + twice);
  CHECK(text_of({{2, "a"}, {2, "a"}, {0, "x"}, {1, "x"}}) == "line 2 " + twice);
  CHECK(text_of({{2, "a"}, {2, "a"}}) == "line 2 " + twice);
  CHECK(text_of({{1, "a"}, {2, "a"}, {3, "a"}, {4, "a"}}) ==
        "line 0 is missing while 3 later ones wait for it; raise early_lines, or number the lines "
        "after the stage that drops some");
}
