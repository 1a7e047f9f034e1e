// pipelines/cli_inspect_test.cpp: list, describe, graph, help and version, and what wrong words get.
// SPDX-License-Identifier: MIT
#include <pipelines/child_program.hpp>

#include <sluice/base/config.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <support/places.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using Json = nlohmann::ordered_json;
using testing_support::Ended;
using testing_support::run_program;
using Words = std::vector<std::string>;

Ended cli(Words words) {
  words.insert(words.begin(), SLUICE_CLI_PROGRAM);
  return run_program(std::move(words));
}

Ended single(Words words) {
  words.insert(words.begin(), SLUICE_CLI_SINGLE);
  return run_program(std::move(words));
}

Ended command(Words words) {
  words.insert(words.begin(), SLUICE_COMMAND);
  return run_program(std::move(words));
}

// Refused with exit code 2, nothing on standard output, and exactly one line that begins with the
// program's name.
std::string refusal(const Ended& ended) {
  CHECK(ended.exit_code == 2);
  CHECK(ended.out.empty());
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  CHECK_THAT(ended.err, StartsWith("cli_program: "));
  return ended.err;
}

TEST_CASE("the version is that of the library unless the program has its own", "[cli]") {
  const Ended ended = cli({"--version"});
  CHECK(ended.exit_code == 0);
  CHECK(ended.out == std::string("cli_program ") + version() + "\n");
  CHECK(ended.err.empty());
}

TEST_CASE("help of the program names every command and every pipeline", "[cli]") {
  for (const char* const flag : {"--help", "-h"}) {
    const Ended ended = cli({flag});
    CHECK(ended.exit_code == 0);
    CHECK(ended.err.empty());
    for (const char* const word : {"list", "describe", "graph", "run", "count_to", "endless",
                                   "prints the numbers below a limit"}) {
      CHECK_THAT(ended.out, Contains(word));
    }
  }
}

TEST_CASE("help of run names every option and every declared argument", "[cli]") {
  const Ended ended = cli({"run", "count_to", "--help"});
  CHECK(ended.exit_code == 0);
  CHECK(ended.err.empty());
  CHECK_THAT(ended.out, Contains("Usage: cli_program run count_to [OPTIONS] limit [rest...]"));
  for (const char* const word :
       {"--workers STAGE=N", "--capacity STAGE=N", "--batch STAGE=N", "--carrier STAGE=thread|pool",
        "--report FILE", "--dead-letters FILE", "--progress WHEN", "--quiet", "--grace SECONDS",
        "limit, --limit N", "--prefix TEXT", "--pad SIZE", "--even", "rest, --rest TEXT...",
        "(same, upper)", "[same]", "cli_program run count_to 3"}) {
    CHECK_THAT(ended.out, Contains(word));
  }
}

TEST_CASE("help shows arguments that only asking the builder finds", "[cli]") {
  CHECK_THAT(cli({"run", "asks", "--help"}).out,
             Contains("input, --input PATH") && Contains("--n N") && Contains("how many [4]") &&
                 Contains("--more") && !Contains("--extra"));
  CHECK_THAT(cli({"run", "asks", "--more", "--help"}).out, Contains("extra, --extra TEXT"));
}

TEST_CASE("help comes before complaints", "[cli]") {
  for (const Words& words :
       {Words{"run", "count_to", "--nonsense", "--help"}, Words{"run", "--help"},
        Words{"describe", "--help"}, Words{"graph", "count_to", "-h"}, Words{"list", "--help"},
        Words{"run", "fails", "x", "--help"}}) {
    const Ended ended = cli(words);
    CHECK(ended.exit_code == 0);
    CHECK(ended.err.empty());
    CHECK_THAT(ended.out, Contains("Usage: cli_program " + words[0]));
  }
}

TEST_CASE("list shows name and summary, also as JSON", "[cli]") {
  const Ended text = cli({"list"});
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out, Contains("\ncount_to  prints the numbers below a limit\n"));
  const Json json = Json::parse(cli({"list", "--json"}).out);
  CHECK(json["program"] == "cli_program");
  CHECK(json["pipelines"].size() == 13);
  CHECK(json["pipelines"][0]["name"] == "count_to");
  CHECK(json["pipelines"][0]["summary"] == "prints the numbers below a limit");
}

TEST_CASE("describe prints the plan without running, also when arguments are missing", "[cli]") {
  const Ended text = cli({"describe", "count_to"});
  CHECK(text.exit_code == 0);
  CHECK(text.err.empty());
  CHECK_THAT(text.out, StartsWith("count_to: 4 stages, 3 edges, planned for ") &&
                           Contains("read->pick") && Contains("format->print"));
  const Json json = Json::parse(cli({"describe", "count_to", "--json"}).out);
  CHECK(json["pipeline"] == "count_to");
  CHECK(json["stages"].size() == 4);
  CHECK(json["stages"][2]["in_type"] == "unsigned long");
  CHECK(json["stages"][2]["out_type"] == "std::string");
  CHECK(json["edges"][0]["name"] == "read->pick");
}

TEST_CASE("describe takes arguments and overrides", "[cli]") {
  const Ended ended =
      cli({"describe", "count_to", "3", "--workers", "pick=3", "--capacity", "pick=7", "--batch",
           "pick=2", "--carrier", "pick=thread", "--capacity=read=9", "--json"});
  CHECK(ended.exit_code == 0);
  const Json json = Json::parse(ended.out);
  CHECK(json["stages"][1]["workers"] == 3);
  CHECK(json["stages"][1]["batch"] == 2);
  CHECK(json["stages"][1]["carrier"] == "thread");
  CHECK(json["stages"][1]["order"] == "none");
  CHECK_THAT(json["stages"][1]["why"].get<std::string>(), Contains("order none"));
  CHECK(json["edges"][0]["capacity"] == 7);
  CHECK(json["edges"][1]["capacity"] == 1024);
}

TEST_CASE("graph prints dot, or mermaid when told", "[cli]") {
  CHECK_THAT(cli({"graph", "count_to"}).out,
             StartsWith("digraph \"count_to\" {") && Contains("s0 -> s1"));
  CHECK_THAT(cli({"graph", "count_to", "--format", "dot"}).out, StartsWith("digraph"));
  CHECK_THAT(cli({"graph", "--format", "mermaid", "count_to"}).out,
             StartsWith("flowchart LR\n") && Contains("s0 -->"));
}

TEST_CASE("a wrong command gets one line and a suggestion", "[cli]") {
  CHECK_THAT(refusal(cli({})), Contains("no command is given; see cli_program --help"));
  CHECK_THAT(refusal(cli({"rnu"})), Contains("there is no command rnu; did you mean run?"));
  CHECK_THAT(refusal(cli({"xyzzy"})), Contains("there are list, describe, graph, run"));
  CHECK_THAT(refusal(cli({"count_to"})),
             Contains("count_to is a pipeline; write cli_program run count_to"));
  CHECK_THAT(refusal(cli({"list", "extra"})), Contains("list: unexpected word \"extra\""));
  CHECK_THAT(refusal(cli({"list", "--jsn"})), Contains("no option --jsn; did you mean --json?"));
  CHECK_THAT(refusal(cli({"graph", "count_to", "--format", "svg"})),
             Contains("--format: \"svg\" is not a choice; there are dot, mermaid"));
  CHECK_THAT(refusal(cli({"describe", "count_to", "--quiet"})), Contains("no option --quiet"));
}

TEST_CASE("a wrong pipeline gets one line and a suggestion, for every command", "[cli]") {
  for (const char* const name : {"run", "describe", "graph"}) {
    CHECK_THAT(refusal(cli({name, "coutn_to"})),
               Contains("there is no pipeline coutn_to; did you mean count_to?"));
    CHECK_THAT(refusal(cli({name})), Contains("no pipeline is named; cli_program list tells"));
    CHECK_THAT(refusal(cli({name, "--workers", "a=1"})), Contains("no pipeline is named"));
  }
}

TEST_CASE("a pipeline with faults is refused with a line for each of them", "[cli]") {
  for (const char* const name : {"run", "describe", "graph"}) {
    const Ended ended = cli({name, "faulty"});
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, Contains("cli_program: stage none: workers is 0; give at least 1\n") &&
                              Contains("cli_program: stage loose: its output is not connected"));
  }
}

TEST_CASE("what a builder refuses is one line, and nothing is run", "[cli]") {
  CHECK_THAT(refusal(cli({"run", "refuses", "--n", "9"})), Contains("--n: give at most 5"));
  CHECK_THAT(refusal(cli({"run", "refuses"})),
             Contains("asks for argument \"typo\", which is not declared"));
}

TEST_CASE("a program of one lambda has the whole command line", "[cli]") {
  CHECK(single({"run", "hello", "--times", "2", "--quiet"}).out == "hello\nhello\n");
  CHECK(single({"run", "--quiet", "--input", "hello"}).out == "hello\n");
  CHECK(single({"run", "cli_single", "hello", "--quiet"}).out == "hello\n");
  CHECK_THAT(single({"run", "--help"}).out, Contains("Usage: cli_single run [OPTIONS] input") &&
                                                Contains("--times N") && Contains("[1]"));
  CHECK_THAT(single({"describe"}).out, StartsWith("cli_single: 2 stages, 1 edge"));
  CHECK_THAT(single({"graph"}).out, StartsWith("digraph \"cli_single\""));
  CHECK_THAT(single({"list"}).out, Contains("\ncli_single\n"));
  const Ended missing = single({"run"});
  CHECK(missing.exit_code == 2);
  CHECK(missing.err == "cli_single: --input is missing; give a bare word or --input PATH\n");
}

TEST_CASE("the sluice command lists, describes and draws its samples", "[cli]") {
  CHECK_THAT(command({"--version"}).out, StartsWith("sluice "));
  CHECK_THAT(command({"list"}).out, Contains("word_count"));
  const Json listed = Json::parse(command({"list", "--json"}).out);
  for (const Json& entry : listed["pipelines"]) {
    const std::string name = entry["name"];
    INFO(name);
    CHECK_FALSE(entry["summary"].get<std::string>().empty());
    CHECK(command({"run", name, "--help"}).exit_code == 0);
    CHECK(Json::parse(command({"describe", name, "--json"}).out)["pipeline"] == name);
    CHECK_THAT(command({"graph", name}).out, StartsWith("digraph \"" + name + "\""));
    CHECK_THAT(command({"graph", name, "--format", "mermaid"}).out, StartsWith("flowchart"));
  }
  const Ended unknown = command({"run", "wrd_count"});
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(unknown.err, Contains("sluice: run: there is no pipeline wrd_count; did you mean"));
}

}  // namespace
}  // namespace sluice
