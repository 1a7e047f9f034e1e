// pipelines/cli_stderr_test.cpp: standard error that nobody reads, or reads late, or slowly.
//
// A run that waited for such a reader would hang; the watchdog would tell.
// SPDX-License-Identifier: MIT
#include <pipelines/child_program.hpp>
#include <support/places.hpp>
#include <support/scratch.hpp>
#include <support/watchdog.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using testing_support::ChildProgram;
using testing_support::content_of;
using testing_support::Ended;
using testing_support::run_program;
using testing_support::Scratch;
using Words = std::vector<std::string>;

// More than lies between a writer and a reader: five times.
constexpr std::uint64_t kMany = 8'000;

Words chatty(std::uint64_t limit, const Words& more = {}) {
  Words words = {SLUICE_CLI_PROGRAM, "run", "chatty", std::to_string(limit)};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::string numbers_below(std::uint64_t limit) {
  std::string text;
  for (std::uint64_t n = 0; n < limit; ++n) text += std::to_string(n) + '\n';
  return text;
}

struct Log {
  std::uint64_t whole = 0;  ///< lines of the log, each as it was written
  std::uint64_t lost = 0;   ///< as told
  std::uint64_t told = 0;   ///< how often
  std::uint64_t others = 0;
};

Log log_in(std::string text) {
  text.erase(0, text.find_first_not_of('\0'));
  Log log;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const std::string lost = " lines of the log were lost: nobody read standard error";
    const std::string name = "cli_program: ";
    const std::size_t dots = line.find('.');
    if (line.rfind(name + "print: ", 0) == 0 && line.size() - dots == 200) {
      ++log.whole;
    } else if (line.rfind(name, 0) == 0 && line.find(lost) != line.npos) {
      log.lost += std::stoull(line.substr(name.size()));
      ++log.told;
    } else {
      ++log.others;
    }
  }
  return log;
}

TEST_CASE("nobody reads standard error: the run ends, and its output is complete",
          "[cli][stderr]") {
  const Ended ended = run_program(chatty(kMany, {"--quiet"}), {.err_is_full = true});
  CHECK(ended.exit_code == 0);
  CHECK(ended.out == numbers_below(kMany));
}

TEST_CASE("nobody reads standard error: a signal still stops the run, and a second one drops it",
          "[cli][stderr]") {
  for (const bool twice : {false, true}) {
    CAPTURE(twice);
    // What comes after one signal is a result, and would wait.
    ChildProgram child(chatty(0, twice ? Words() : Words{"--quiet"}), {.err_is_full = true});
    REQUIRE(child.wait_for_out("2000\n"));
    child.send(SIGINT);
    if (twice) child.send(SIGTERM);
    const Ended ended = child.wait();
    CHECK(ended.exit_code == 130);
    const auto count =
        static_cast<std::uint64_t>(std::count(ended.out.begin(), ended.out.end(), '\n'));
    CHECK(ended.out == numbers_below(count));
  }
}

TEST_CASE("standard error that is read late: what was lost is told, and results are whole",
          "[cli][stderr]") {
  ChildProgram child(chatty(kMany), {.err_is_full = true});
  REQUIRE(child.wait_for_out(std::to_string(kMany - 1) + '\n'));
  child.begin_to_read_err();
  const Ended ended = child.wait();
  CHECK(ended.exit_code == 0);
  CHECK(ended.out == numbers_below(kMany));
  const Log log = log_in(ended.err);
  CHECK(log.lost > 0);
  CHECK(log.told == 1);
  CHECK(log.whole + log.lost == kMany);
  CHECK(ended.err.find("were lost") < ended.err.find("chatty: done after "));
  CHECK_THAT(ended.err, Contains("ledger: balanced"));
}

TEST_CASE("results wait for whoever reads standard error, until a signal", "[cli][stderr]") {
  const Scratch scratch;
  const std::string report = scratch / "report";
  ChildProgram child(chatty(10, {"--report", report}), {.err_is_full = true});
  testing_support::wait_until([&] { return !content_of(report).empty(); });
  child.send(SIGINT);
  CHECK(child.wait().exit_code == 130);
}

TEST_CASE("standard error that somebody reads loses nothing, however much it is", "[cli][stderr]") {
  const Ended ended = run_program(chatty(3 * kMany));
  CHECK(ended.exit_code == 0);
  const Log log = log_in(ended.err);
  CHECK(log.whole == 3 * kMany);
  CHECK(log.told == 0);
  CHECK_THAT(ended.err, Contains("chatty: done after ") && Contains("ledger: balanced"));
}

TEST_CASE("standard error that is a file loses nothing", "[cli][stderr]") {
  const Scratch scratch;
  const std::string file = scratch / "file";
  const Ended ended = run_program(
      {"/bin/sh", "-c",
       SLUICE_CLI_PROGRAM " run chatty " + std::to_string(3 * kMany) + " --quiet 2>" + file});
  CHECK(ended.exit_code == 0);
  const Log log = log_in(content_of(file));
  CHECK(log.whole == 3 * kMany);
  CHECK(log.told + log.others == 0);
}

TEST_CASE("a terminal loses nothing, and its live line stays whole", "[cli][stderr]") {
  const Ended ended = run_program(chatty(3 * kMany), {.err_is_terminal = true});
  CHECK(ended.exit_code == 0);
  std::uint64_t lines = 0;
  const std::string dots(200, '.');
  for (std::size_t at = 0; (at = ended.err.find(dots + "\r\n", at)) != ended.err.npos; ++at)
    ++lines;
  CHECK(lines == 3 * kMany);
  CHECK_THAT(ended.err, !Contains("of the log"));
  CHECK_THAT(ended.err, Contains("chatty: done after "));
}

}  // namespace
}  // namespace sluice
