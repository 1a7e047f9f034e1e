// pipelines/cli_run_test.cpp: run: its flags, its files, its exit codes, what goes to which stream.
// SPDX-License-Identifier: MIT
#include <pipelines/child_program.hpp>
#include <support/places.hpp>
#include <support/scratch.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using Json = nlohmann::ordered_json;
using testing_support::content_of;
using testing_support::Ended;
using testing_support::run_program;
using testing_support::Scratch;
using Words = std::vector<std::string>;

Ended cli(Words words) {
  words.insert(words.begin(), SLUICE_CLI_PROGRAM);
  return run_program(std::move(words));
}

std::string refusal(const Words& words) {
  const Ended ended = cli(words);
  CHECK(ended.exit_code == 2);
  CHECK(ended.out.empty());
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  return ended.err;
}

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

TEST_CASE("results go to standard output and everything else to standard error", "[cli]") {
  const Ended ended = cli({"run", "count_to", "3"});
  CHECK(ended.exit_code == 0);
  CHECK(ended.out == "0\n1\n2\n");
  CHECK_THAT(ended.err, StartsWith("count_to: done after ") && Contains("ledger: balanced") &&
                            Contains("verdict: "));
  CHECK_THAT(ended.err, !Contains("\x1b") && !Contains("\r"));
}

TEST_CASE("quiet leaves out the table", "[cli]") {
  const Ended ended = cli({"run", "count_to", "3", "--quiet"});
  CHECK(ended.exit_code == 0);
  CHECK(ended.out == "0\n1\n2\n");
  CHECK(ended.err.empty());
}

TEST_CASE("arguments reach the pipeline whatever their place", "[cli]") {
  const Words tail = {"--even", "--prefix", "x", "--pad", "2", "4", "a", "b"};
  Words words = {"run", "count_to", "--quiet"};
  words.insert(words.end(), tail.begin(), tail.end());
  CHECK(cli(words).out == "x0 a b..\nx2 a b..\n");
  CHECK(cli({"run", "--quiet", "--case=upper", "count_to", "1"}).out == "UPPER0\n");
  CHECK(cli({"run", "--quiet", "count_to", "1", "--", "--even"}).out == "0 --even\n");
}

TEST_CASE("the report is one JSON object about the run", "[cli]") {
  const Scratch scratch;
  const std::string file = scratch / "report.json";
  CHECK(cli({"run", "count_to", "10", "--even", "--quiet", "--report", file}).exit_code == 0);
  const Json json = Json::parse(content_of(file));
  CHECK(json["pipeline"] == "count_to");
  CHECK(json["status"] == "done");
  CHECK(json["ledger"]["balanced"] == true);
  CHECK(json["stages"][1]["in"] == 10);
  CHECK(json["stages"][1]["filtered"] == 5);
  CHECK(json["stages"][3]["completed"] == 5);
  CHECK(json["edges"][0]["put"] == 10);
}

TEST_CASE("overrides change the run and not its result", "[cli]") {
  const Scratch scratch;
  const std::string file = scratch / "report.json";
  const Ended ended = cli({"run",        "count_to",  "2000",        "--quiet",   "--report",
                           file,         "--workers", "pick=2",      "--workers", "format=3",
                           "--capacity", "pick=5",    "--capacity",  "read=5",    "--batch",
                           "pick=2",     "--carrier", "pick=thread", "--carrier", "format=pool"});
  CHECK(ended.exit_code == 0);
  CHECK(std::count(ended.out.begin(), ended.out.end(), '\n') == 2000);
  const Json json = Json::parse(content_of(file));
  CHECK(json["stages"][1]["workers"] == 2);
  CHECK(json["stages"][1]["clocks"].size() == 2);
  CHECK(json["stages"][1]["carrier"] == "thread");
  CHECK(json["stages"][2]["workers"] == 3);
  CHECK(json["stages"][2]["carrier"] == "pool");
  CHECK(json["edges"][0]["capacity"] == 5);
  CHECK(json["edges"][0]["high_water"] <= 5);
}

TEST_CASE("bad overrides are refused with stage, value and what to give", "[cli]") {
  const auto given = [](const std::string& option, const std::string& value) {
    return refusal({"run", "count_to", "3", option, value});
  };
  CHECK_THAT(given("--workers", "pikc=2"),
             Contains("pipeline count_to has no stage pikc; did you mean pick?"));
  CHECK_THAT(given("--workers", "pick"), Contains("\"pick\" is not of the form STAGE=VALUE"));
  CHECK_THAT(given("--workers", "pick=x"), Contains("--workers pick=x: \"x\" is not a number"));
  CHECK_THAT(given("--workers", "pick=-1"), Contains("is not a number"));
  CHECK_THAT(given("--workers", "pick=0"), Contains("0 is out of range; give 1 to 4096"));
  CHECK_THAT(given("--workers", "pick=4097"), Contains("out of range"));
  CHECK_THAT(given("--workers", "read=2"), Contains("exactly 1 worker, not 2"));
  CHECK_THAT(given("--capacity", "pick=0"), Contains("out of range"));
  CHECK_THAT(given("--batch", "pick=0"), Contains("out of range"));
  CHECK_THAT(given("--carrier", "pick=treads"),
             Contains("no carrier treads; did you mean thread?"));
}

TEST_CASE("bad values of the other options are refused", "[cli]") {
  CHECK_THAT(refusal({"run", "count_to", "3", "--grace", "-1"}), Contains("--grace: \"-1\""));
  CHECK_THAT(refusal({"run", "count_to", "3", "--grace", "ten"}), Contains("--grace: \"ten\""));
  CHECK_THAT(refusal({"run", "count_to", "3", "--progress", "maybe"}),
             Contains("--progress: \"maybe\" is not a choice; there are auto, always, never"));
  CHECK_THAT(refusal({"run", "count_to", "3", "--report"}), Contains("--report needs a value"));
  CHECK_THAT(refusal({"run", "count_to", "3", "--report", "--quiet"}),
             Contains("--report needs a value, found the option --quiet"));
  CHECK_THAT(refusal({"run", "count_to", "x"}), Contains("--limit: \"x\" is not a number"));
  CHECK_THAT(refusal({"run", "count_to"}), Contains("--limit is missing"));
  CHECK_THAT(refusal({"run", "count_to", "3", "--worker", "pick=1"}),
             Contains("no option --worker; did you mean --workers?"));
  CHECK_THAT(refusal({"run", "wired"}), Contains("stage in of pipeline wired is an inlet"));
}

TEST_CASE("files that can't be opened are refused before anything runs", "[cli]") {
  CHECK_THAT(refusal({"run", "count_to", "3", "--report", "/nonexistent/r.json"}),
             Contains("--report: can't open /nonexistent/r.json for writing: No such file"));
  CHECK_THAT(refusal({"run", "count_to", "3", "--dead-letters", "/nonexistent/d"}),
             Contains("--dead-letters: can't open /nonexistent/d"));
}

TEST_CASE("a wrong command line leaves existing files alone", "[cli]") {
  const Scratch scratch;
  const std::string file = scratch.file("report.json", "precious");
  CHECK_THAT(refusal({"run", "count_to", "3", "--report", file, "--workers", "no=1"}),
             Contains("no stage no"));
  CHECK(content_of(file) == "precious");
}

TEST_CASE("a failing stage ends with exit code 1 and says where", "[cli]") {
  const Scratch scratch;
  const std::string file = scratch / "report.json";
  const Ended ended = cli({"run", "fails", "--report", file});
  CHECK(ended.exit_code == 1);
  CHECK_THAT(ended.err, Contains("fails: failed after ") && Contains("errors: 1\n"));
  // The reason is the last line, and it is one line.
  const std::string last = ended.err.substr(ended.err.rfind('\n', ended.err.size() - 2) + 1);
  CHECK_THAT(last,
             StartsWith("cli_program: stage refuse: item 7 ") && Contains("seven is too much"));
  const Json json = Json::parse(content_of(file));
  CHECK(json["status"] == "failed");
  CHECK(json["errors"][0]["item"] == 7);
  CHECK(json["ledger"]["balanced"] == true);
}

TEST_CASE("dead letters are lines of JSON with item, attempts and payload", "[cli]") {
  const Scratch scratch;
  const std::string file = scratch / "dead.jsonl";
  const Ended ended = cli({"run", "thirds", "--quiet", "--dead-letters", file});
  CHECK(ended.exit_code == 3);
  CHECK(ended.err == "cli_program: 4 dead letters; written to " + file + "\n");
  const std::vector<Json> letters = json_lines(content_of(file));
  REQUIRE(letters.size() == 4);
  for (std::size_t i = 0; i < letters.size(); ++i) {
    CHECK(letters[i]["stage"] == "check");
    CHECK(letters[i]["worker"] == 0);
    CHECK(letters[i]["item"] == 3 * i);
    CHECK(letters[i]["attempt"] == 2);
    CHECK(letters[i]["label"] == "third");
    CHECK(letters[i]["error"] == "three divides " + std::to_string(3 * i));
    CHECK(letters[i]["subject"] == "");
  }
}

TEST_CASE("without a file the first dead letters are shown and all are counted", "[cli]") {
  const Ended ended = cli({"run", "thirds", "--limit", "30", "--quiet"});
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err, StartsWith("cli_program: dead letter: stage check, item 0, 2 attempts: "
                                   "third: three divides 0\n"));
  CHECK_THAT(ended.err, Contains("item 12,") && !Contains("item 15,"));
  CHECK_THAT(ended.err, Catch::EndsWith("cli_program: 10 dead letters, 5 of them shown; give "
                                        "--dead-letters FILE to keep them\n"));
  CHECK(cli({"run", "thirds", "--limit", "0", "--quiet"}).exit_code == 0);
}

TEST_CASE("results that can't be written fail the run", "[cli]") {
  const Ended letters = cli({"run", "thirds", "--quiet", "--dead-letters", "/dev/full"});
  CHECK(letters.exit_code == 1);
  CHECK_THAT(letters.err, Contains("--dead-letters: writing /dev/full: No space left on device") &&
                              Contains("not all were written"));
  const Ended report = cli({"run", "count_to", "1", "--quiet", "--report", "/dev/full"});
  CHECK(report.exit_code == 1);
  CHECK_THAT(report.err, Contains("--report: writing /dev/full: No space left on device"));
  const Ended out = run_program({SLUICE_CLI_PROGRAM, "run", "count_to", "1", "--quiet"},
                                {.out_file = "/dev/full"});
  CHECK(out.exit_code == 1);
  CHECK_THAT(out.err, Contains("No space left on device"));
  // A stage that does not look at what its writes return: found when the buffer is flushed.
  const Ended careless =
      run_program({SLUICE_CLI_SINGLE, "run", "x", "--quiet"}, {.out_file = "/dev/full"});
  CHECK(careless.exit_code == 1);
  CHECK(careless.err == "cli_single: writing to standard output failed: No space left on device\n");
}

TEST_CASE("a failure counts more than dead letters", "[cli]") {
  const Ended ended = cli({"run", "thirds", "--quiet", "--report", "/dev/full"});
  CHECK(ended.exit_code == 1);
}

}  // namespace
}  // namespace sluice
