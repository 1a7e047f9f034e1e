// unit/report_test.cpp: the report as values, as a table, as JSON.
// SPDX-License-Identifier: MIT
#include <sluice/error.hpp>
#include <sluice/report.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using Json = nlohmann::ordered_json;

Report sample() {
  Report report{
      .pipeline = "hits", .status = RunStatus::done, .seconds = 2, .cpu_seconds = 3, .cores = 2};
  report.stages.push_back({.name = "read",
                           .kind = "source",
                           .workers = 1,
                           .carrier = Carrier::thread,
                           .out = 10,
                           .bytes = 640,
                           .expected_bytes = 1280,
                           .clocks = {{0.5, 0, 1, 0.5}}});
  report.stages.push_back({.name = "parse",
                           .kind = "map",
                           .workers = 2,
                           .carrier = Carrier::pool,
                           .in = 10,
                           .out = 4,
                           .completed = 5,
                           .filtered = 1,
                           .skipped = 2,
                           .dead = 1,
                           .retried = 3,
                           .cancelled = 2,
                           .service_p50_us = 12.5,
                           .service_p99_us = 80,
                           .clocks = {{1, 0.5, 0.25, 0.25}, {0.5, 1.5, 0, 0}}});
  report.edges.push_back({.name = "read->parse",
                          .adaptors = "key_by",
                          .capacity = 1024,
                          .lanes = 2,
                          .put = 10,
                          .got = 10,
                          .done = 10,
                          .high_water = 9,
                          .full_s = 0.125,
                          .empty_s = 0.25});
  report.verdict = "parse is the limit";
  return report;
}

std::string line_with(const std::string& text, const std::string& beginning) {
  std::size_t at = text.find('\n' + beginning);
  if (at == text.npos) return "no line begins with " + beginning;
  ++at;
  return text.substr(at, text.find('\n', at) - at);
}

TEST_CASE("every enumerator has a name", "[report]") {
  CHECK(std::string(to_string(RunStatus::running)) == "running");
  CHECK(std::string(to_string(RunStatus::done)) == "done");
  CHECK(std::string(to_string(RunStatus::stopped)) == "stopped");
  CHECK(std::string(to_string(RunStatus::cancelled)) == "cancelled");
  CHECK(std::string(to_string(RunStatus::failed)) == "failed");
  CHECK(std::string(to_string(Carrier::automatic)) == "auto");
  CHECK(std::string(to_string(Carrier::thread)) == "thread");
  CHECK(std::string(to_string(Carrier::pool)) == "pool");
  CHECK(std::string(to_string(Carrier::process)) == "process");
  CHECK(std::string(to_string(Order::automatic)) == "auto");
  CHECK(std::string(to_string(Order::none)) == "none");
}

TEST_CASE("a stage's clocks are summed over its workers", "[report]") {
  const WorkerReport sum = sample().stage("parse").clock_sum();
  CHECK(sum.busy_s == Approx(1.5));
  CHECK(sum.starved_s == Approx(2.0));
  CHECK(sum.blocked_s == Approx(0.25));
  CHECK(sum.parked_s == Approx(0.25));
}

TEST_CASE("a stage is found by its name, and a wrong name says which there are", "[report]") {
  CHECK(sample().stage("parse").in == 10);
  CHECK_THROWS_AS(sample().stage("pares"), UsageError);
  CHECK_THROWS_WITH(sample().stage("pares"), Contains("pares") && Contains("read, parse"));
}

TEST_CASE("a lane is hot when it gets far more than its share of many items", "[report]") {
  const auto hot = [](std::vector<std::uint64_t> puts) {
    return EdgeReport{.lane_puts = std::move(puts)}.hot_lane();
  };
  CHECK(hot({}) == 0);
  CHECK(hot({1000, 1000}) == 2);
  CHECK(hot({1400, 600}) == 2);
  CHECK(hot({400, 1600}) == 1);
  CHECK(hot({10, 0}) == 2);  // few items may be chance
  CHECK(hot({1000, 500, 400, 400}) == 4);
  CHECK(hot({2000, 300, 300, 300}) == 0);
  Report report = sample();
  CHECK_THAT(report.table(), !Contains("hot lane"));
  report.edges[0].lane_puts = {900, 100};
  CHECK_THAT(report.table(),
             Contains("hot lane: read->parse: worker 0 of 2 gets 90 % of the items"));
  CHECK(Json::parse(report.json())["edges"][0]["lane_puts"] == Json({900, 100}));
}

TEST_CASE("time without a processor is shown when there was some", "[report]") {
  Report report = sample();
  CHECK_THAT(report.table(), !Contains("delayed"));
  report.stages[0].clocks[0].delayed_s = 0.25;
  CHECK_THAT(report.table(), Contains("delayed") && Contains("12.5%"));
  CHECK(Json::parse(report.json())["stages"][0]["delayed_s"] == 0.25);
}

TEST_CASE("the table shows counts, clocks, edges, ledger and verdict", "[report]") {
  const std::string table = sample().table();
  CHECK_THAT(table, Catch::StartsWith("hits: done after 2.000 s, 3.000 s of processor time"));
  CHECK(line_with(table, "read   thread") ==
        "read   thread         1   0   10         0        0     0       0        0          0    "
        "640");
  CHECK(line_with(table, "parse  pool") ==
        "parse  pool           2  10    4         1        2     1       0        3          2     "
        " 0");
  CHECK(line_with(table, "parse  37.5%") ==
        "parse  37.5%    50.0%     6.2%    6.2%    12.5us    80.0us");
  CHECK(line_with(table, "read->parse") ==
        "read->parse   10   10    10     9      1024  0.125s  0.250s  key_by");
  CHECK_THAT(table, Contains("\nledger: balanced\n") && Contains("verdict: parse is the limit\n"));
  CHECK_THAT(table, !Contains("errors:") && !Contains("dead letters:") && !Contains("refused"));
}

TEST_CASE("a table without time shows no rates instead of dividing by zero", "[report]") {
  Report report{.pipeline = "empty"};
  report.stages.push_back({.name = "read"});
  CHECK_THAT(report.table(),
             Contains("read      -        -        -       -         -         -\n"));
}

TEST_CASE("the table tells a broken ledger, dead letters and the first errors", "[report]") {
  Report report = sample();
  report.status = RunStatus::failed;
  report.ledger = {false, {"edge read->parse: put 10, got 9"}};
  report.dead_letters = 1;
  report.error_count = 12;
  for (std::uint64_t item = 0; item < 12; ++item) {
    report.errors.push_back({.stage = "parse",
                             .worker = 1,
                             .has_item = true,
                             .item = item,
                             .attempt = 2,
                             .phase = "process",
                             .cause = "bad\nline"});
  }
  const std::string table = report.table();
  CHECK_THAT(table, Contains("ledger: NOT balanced\n  edge read->parse: put 10, got 9\n"));
  CHECK_THAT(table, Contains("dead letters: 1\n") && Contains("errors: 12\n"));
  CHECK_THAT(table, Contains("  stage parse, worker 1, process, item 9, attempt 2: bad line\n"));
  CHECK_THAT(table, !Contains("item 10") && Contains("  and 2 more\n"));
}

TEST_CASE("the JSON holds every count, clock and edge under its documented name", "[report]") {
  const Json json = Json::parse(sample().json());
  CHECK(json["pipeline"] == "hits");
  CHECK(json["status"] == "done");
  CHECK(json["seconds"] == 2.0);
  CHECK(json["cpu_seconds"] == 3.0);
  CHECK(json["cores"] == 2);
  CHECK(json["verdict"] == "parse is the limit");
  CHECK(json["dead_letters"] == 0);
  CHECK(json["error_count"] == 0);
  CHECK(json["errors"].empty());

  const Json& stage = json["stages"][1];
  const Json expected = Json::parse(R"({
    "name": "parse", "kind": "map", "workers": 2, "carrier": "pool", "in": 10, "out": 4,
    "completed": 5, "filtered": 1, "dropped": 4, "skipped": 2, "cancelled": 2, "dead": 1,
    "failed": 0, "retried": 3, "refused": 0, "overdue": 0, "processes": 0, "deaths": 0, "bytes": 0,
    "expected_bytes": 0, "busy_s": 1.5,
    "starved_s": 2.0, "blocked_s": 0.25, "parked_s": 0.25, "delayed_s": 0.0,
    "service_p50_us": 12.5,
    "service_p99_us": 80.0, "clocks": [
      {"busy_s": 1.0, "starved_s": 0.5, "blocked_s": 0.25, "parked_s": 0.25, "delayed_s": 0.0},
      {"busy_s": 0.5, "starved_s": 1.5, "blocked_s": 0.0, "parked_s": 0.0, "delayed_s": 0.0}]})");
  CHECK(stage == expected);
  CHECK(json["stages"][0]["expected_bytes"] == 1280);

  const Json edge = Json::parse(R"({
    "name": "read->parse", "adaptors": "key_by", "capacity": 1024, "lanes": 2, "put": 10,
    "got": 10, "done": 10, "dropped": 0, "queued": 0, "high_water": 9, "full_s": 0.125,
    "empty_s": 0.25, "lane_puts": [], "branches": []})");
  CHECK(json["edges"][0] == edge);
  CHECK(json["ledger"]["balanced"] == true);
}

TEST_CASE("the JSON tells the ledger's faults and where errors were", "[report]") {
  Report report = sample();
  report.ledger = {false, {"put 10, got 9"}};
  report.error_count = 2;
  report.errors.push_back({.stage = "parse",
                           .has_item = true,
                           .item = 3,
                           .attempt = 2,
                           .phase = "process",
                           .cause = "bad"});
  report.errors.push_back({.stage = "read", .phase = "start", .cause = "no file"});
  const Json json = Json::parse(report.json());
  CHECK(json["ledger"]["balanced"] == false);
  CHECK(json["ledger"]["faults"][0] == "put 10, got 9");
  CHECK(json["errors"][0]["item"] == 3);
  CHECK(json["errors"][0]["attempt"] == 2);
  CHECK(json["errors"][1]["item"].is_null());
  CHECK(json["errors"][1]["phase"] == "start");
}

TEST_CASE("counts stay exact in JSON, and text that is not UTF-8 is replaced", "[report]") {
  Report report = sample();
  report.stages[0].out = std::numeric_limits<std::uint64_t>::max();
  report.errors.push_back({.stage = "read", .cause = "bad \xff byte"});
  const Json json = Json::parse(report.json());
  CHECK(json["stages"][0]["out"].get<std::uint64_t>() == std::numeric_limits<std::uint64_t>::max());
  CHECK_THAT(json["errors"][0]["cause"].get<std::string>(),
             Catch::StartsWith("bad ") && Catch::EndsWith(" byte"));
}

}  // namespace
}  // namespace sluice
