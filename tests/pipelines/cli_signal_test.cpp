// pipelines/cli_signal_test.cpp: signals, the time to drain, closed pipes and progress.
//
// The test waits for the program's "ready" and for what it says about a signal before it sends the
// next one: signals of one kind that are pending at the same time are one.
// SPDX-License-Identifier: MIT
#include <pipelines/child_program.hpp>
#include <support/places.hpp>
#include <support/scratch.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <string>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using Json = nlohmann::ordered_json;
using testing_support::ChildProgram;
using testing_support::content_of;
using testing_support::Ended;
using testing_support::run_program;
using testing_support::Scratch;
using Words = std::vector<std::string>;

Words program(Words words) {
  words.insert(words.begin(), SLUICE_CLI_PROGRAM);
  return words;
}

Words run(const std::string& pipeline, const Scratch& scratch, Words more = {}) {
  Words words = program({"run", pipeline, "--quiet", "--report", scratch / "report.json"});
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Json report(const Scratch& scratch) { return Json::parse(content_of(scratch / "report.json")); }

// What the report must say whatever the end: nothing lost.
void check_balanced(const Json& json) {
  CHECK(json["ledger"]["balanced"] == true);
  for (const Json& edge : json["edges"]) {
    CHECK(edge["put"] == edge["got"].get<std::uint64_t>() + edge["dropped"].get<std::uint64_t>());
    CHECK(edge["queued"] == 0);
  }
}

TEST_CASE("the first SIGINT or SIGTERM stops the sources and drains, exit code 130", "[cli]") {
  for (const int signal : {SIGINT, SIGTERM}) {
    const Scratch scratch;
    const std::string gate = scratch / "gate";
    ChildProgram child(run("gated", scratch, {gate, "--grace", "1000"}));
    REQUIRE(child.wait_for_err("ready"));
    child.send(signal);
    REQUIRE(child.wait_for_err("stopping: sources end, what is inside drains"));
    static_cast<void>(scratch.file("gate", ""));
    const Ended ended = child.wait();
    CHECK(ended.exit_code == 130);
    const Json json = report(scratch);
    CHECK(json["status"] == "stopped");
    check_balanced(json);
    CHECK(json["edges"][0]["dropped"] == 0);
    CHECK(json["stages"][1]["completed"] == json["stages"][0]["out"]);
  }
}

TEST_CASE("the second signal drops what is inside, exit code 130", "[cli]") {
  const Scratch scratch;
  ChildProgram child(run("gated", scratch, {scratch / "never", "--grace", "1000"}));
  REQUIRE(child.wait_for_err("ready"));
  child.send(SIGINT);
  REQUIRE(child.wait_for_err("stopping"));
  child.send(SIGTERM);
  const Ended ended = child.wait();
  CHECK(ended.exit_code == 130);
  CHECK_THAT(ended.err, Contains("cancelling: what is inside is dropped"));
  const Json json = report(scratch);
  CHECK(json["status"] == "cancelled");
  check_balanced(json);
}

TEST_CASE("the third signal ends a process whose stage is stuck, exit code 4", "[cli]") {
  const Scratch scratch;
  ChildProgram child(run("stuck", scratch, {"--grace", "1000"}));
  REQUIRE(child.wait_for_err("ready"));
  child.send(SIGINT);
  REQUIRE(child.wait_for_err("stopping"));
  child.send(SIGINT);
  REQUIRE(child.wait_for_err("cancelling"));
  child.send(SIGINT);
  const Ended ended = child.wait();
  CHECK(ended.exit_code == 4);
  CHECK_THAT(report(scratch)["verdict"].get<std::string>(), Contains("hang"));
}

TEST_CASE("a stage that is stuck when the time is over is named, exit code 4", "[cli]") {
  const Scratch scratch;
  ChildProgram child(run("stuck", scratch, {"--grace", "0.05"}));
  REQUIRE(child.wait_for_err("ready"));
  child.send(SIGINT);
  const Ended ended = child.wait();
  CHECK(ended.exit_code == 4);
  CHECK_THAT(ended.err, Contains("cli_program: the 0.05 s to drain are over; hang"));
  const Json json = report(scratch);
  CHECK(json["status"] == "running");
  CHECK_THAT(json["verdict"].get<std::string>(),
             Contains("late: 0.05 s to drain") && Contains("hang"));
}

TEST_CASE("a stage that ends once cancelled is late, named and accounted for", "[cli]") {
  const Scratch scratch;
  ChildProgram child(run("gated", scratch, {scratch / "never", "--grace", "0.05"}));
  REQUIRE(child.wait_for_err("ready"));
  child.send(SIGINT);
  const Ended ended = child.wait();
  CHECK(ended.exit_code == 4);
  CHECK_THAT(ended.err, Contains("to drain are over; hold"));
  const Json json = report(scratch);
  CHECK(json["status"] == "cancelled");
  CHECK_THAT(json["verdict"].get<std::string>(), Contains("late") && Contains("hold"));
  check_balanced(json);
}

TEST_CASE("no time to drain at all is late at the first signal", "[cli]") {
  const Scratch scratch;
  ChildProgram child(run("gated", scratch, {scratch / "never", "--grace", "0"}));
  REQUIRE(child.wait_for_err("ready"));
  child.send(SIGINT);
  CHECK(child.wait().exit_code == 4);
}

TEST_CASE("SIGUSR1 tells who waits for what, as often as it comes, and the run goes on", "[cli]") {
  const Scratch scratch;
  const std::string gate = scratch / "gate";
  ChildProgram child(run("gated", scratch, {gate}));
  REQUIRE(child.wait_for_err("ready"));
  for (int i = 0; i < 2; ++i) {
    const std::size_t before = child.err().size();
    child.send(SIGUSR1);
    REQUIRE(child.wait_for_err("root cause: hold", before));
  }
  static_cast<void>(scratch.file("gate", ""));
  child.send(SIGINT);
  CHECK(child.wait().exit_code == 130);
}

TEST_CASE("an endless run ends soon after one signal without losing an item", "[cli]") {
  const Scratch scratch;
  ChildProgram child(run("endless", scratch, {"--capacity", "count=4"}));
  REQUIRE(child.wait_for_err("ready"));
  child.send(SIGTERM);
  CHECK(child.wait().exit_code == 130);
  check_balanced(report(scratch));
}

TEST_CASE("a reader that leaves ends the run without a word, exit code 141", "[cli]") {
  for (const char* const pipeline : {"count_to", "polite"}) {
    Words words = program({"run", pipeline});
    if (words.back() == "count_to") words.emplace_back("1000000000000");
    ChildProgram child(words);
    REQUIRE(child.wait_for_out("0\n1\n"));
    child.close_out();
    const Ended ended = child.wait();
    CHECK(ended.exit_code == 141);
    CHECK(ended.err.empty());
  }
}

TEST_CASE("commands that only print end with 141, too, when nobody reads", "[cli]") {
  for (const Words& words : {Words{"list"}, Words{"describe", "count_to"}, Words{"--help"}}) {
    const Ended ended = run_program(program(words), {.out_is_closed = true});
    CHECK(ended.exit_code == 141);
    CHECK(ended.err.empty());
  }
}

TEST_CASE("progress is off unless standard error is a terminal", "[cli]") {
  const Scratch scratch;
  ChildProgram child(run("weighed", scratch, {"--grace", "1000"}));
  REQUIRE(child.wait_for_err("ready"));
  child.send(SIGUSR1);
  REQUIRE(child.wait_for_err("root cause"));
  child.send(SIGINT);
  // A line of progress tells items and their rate; explain() may speak of items, too.
  CHECK_THAT(child.wait().err, !Contains(" items  ") && !Contains("/s  ") && !Contains("\r"));
}

TEST_CASE("progress always prints plain lines where there is no terminal", "[cli]") {
  const Scratch scratch;
  ChildProgram child(run("weighed", scratch, {"--progress", "always", "--grace", "1000"}));
  REQUIRE(child.wait_for_err("1.0 MB of 2.0 MB (50 %)"));
  const std::size_t first = child.err().find("(50 %)");
  REQUIRE(child.wait_for_err("(50 %)", first + 1));  // it comes again without anything happening
  child.send(SIGINT);
  const Ended ended = child.wait();
  CHECK(ended.exit_code == 130);
  CHECK_THAT(ended.err, Contains("items  ") && Contains("/s  ") && Contains("busiest ") &&
                            !Contains("\r") && !Contains("\x1b"));
}

TEST_CASE("on a terminal progress is one line that is rewritten and wiped at the end", "[cli]") {
  ChildProgram child(program({"run", "weighed", "--grace", "1000"}), {.err_is_terminal = true});
  REQUIRE(child.wait_for_err("\r\x1b[Kweighed 0:"));
  REQUIRE(child.wait_for_err("eta "));
  child.send(SIGINT);
  const Ended ended = child.wait();
  CHECK(ended.exit_code == 130);
  const std::string wipe = "\r\x1b[K";
  // Wiped before the message about the signal, drawn again after it, wiped before the table.
  CHECK_THAT(ended.err, Contains(wipe + "cli_program: stopping"));
  CHECK_THAT(ended.err, Contains(wipe + "weighed: stopped after"));
  const std::size_t last = ended.err.rfind(wipe);
  CHECK(ended.err.substr(last + wipe.size()).rfind("weighed: stopped after", 0) == 0);
}

TEST_CASE("progress never and quiet keep a terminal clean", "[cli]") {
  for (const Words& more : {Words{"--progress", "never"}, Words{"--quiet"}}) {
    Words words = program({"run", "weighed", "--grace", "1000"});
    words.insert(words.end(), more.begin(), more.end());
    ChildProgram child(words, {.err_is_terminal = true});
    REQUIRE(child.wait_for_err("ready"));
    child.send(SIGUSR1);
    REQUIRE(child.wait_for_err("root cause"));
    child.send(SIGINT);
    CHECK_THAT(child.wait().err, !Contains("\x1b["));
  }
}

}  // namespace
}  // namespace sluice
