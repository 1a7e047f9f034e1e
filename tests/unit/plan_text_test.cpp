// unit/plan_text_test.cpp: the plan as text, JSON, and as a graph.
// SPDX-License-Identifier: MIT
#include <sluice/scheduler.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using detail::StageRole;
using Json = nlohmann::ordered_json;

Plan sample() {
  Plan plan{.pipeline = "hits", .machine = {.cores = 2}, .stages = {}, .edges = {}};
  plan.stages.push_back({.name = "read",
                         .kind = "source",
                         .role = StageRole::source,
                         .in_type = "sluice::NoOutput",
                         .out_type = "std::__cxx11::basic_string<char>",
                         .batch = 64,
                         .why = "thread: a source may block"});
  plan.stages.push_back({.name = "parse",
                         .kind = "map",
                         .role = StageRole::transform,
                         .in_type = "std::__cxx11::basic_string<char>",
                         .out_type = "Hit",
                         .keyed = true,
                         .workers = 4,
                         .carrier = Carrier::pool,
                         .batch = 256,
                         .depth = 1,
                         .why = "as told"});
  plan.stages.push_back({.name = "write \"out\"",
                         .kind = "sink",
                         .role = StageRole::sink,
                         .in_type = "Hit",
                         .out_type = "sluice::NoOutput",
                         .batch = 64,
                         .depth = 2,
                         .why = ""});
  plan.edges.push_back({.to = 1,
                        .from = {0},
                        .adaptors = {"key_by"},
                        .name = "read->parse",
                        .capacity = 1024,
                        .lanes = 4});
  plan.edges.push_back({.to = 2,
                        .from = {1, 0},
                        .adaptors = {"", "route arm 0"},
                        .name = "parse+read->write",
                        .capacity = 7});
  return plan;
}

Plan with_endpoints() {
  Plan plan{.pipeline = "wired", .machine = {.cores = 1}, .stages = {}, .edges = {}};
  plan.stages.push_back({.name = "in",
                         .kind = "inlet",
                         .role = StageRole::inlet,
                         .in_type = "nothing",
                         .out_type = "int"});
  plan.stages.push_back({.name = "out",
                         .kind = "outlet",
                         .role = StageRole::outlet,
                         .in_type = "int",
                         .out_type = "nothing"});
  plan.edges.push_back(
      {.to = 0, .from = {}, .adaptors = {}, .name = "application->in", .capacity = 5});
  plan.edges.push_back({.to = 1, .from = {0}, .adaptors = {""}, .name = "in->out", .capacity = 6});
  return plan;
}

TEST_CASE("the text shows each stage, each edge and why", "[scheduler]") {
  const std::string text = sample().text();
  CHECK(text ==
        "hits: 3 stages, 2 edges, planned for 2 cores\n"
        "\n"
        "stage        role       kind    workers  carrier  order  batch  takes        gives\n"
        "read         source     source        1  thread   none      64  -            std::string\n"
        "parse        transform  map           4  pool     none     256  std::string  Hit\n"
        "write \"out\"  sink       sink          1  thread   none      64  Hit          -\n"
        "\n"
        "edge               capacity  lanes  adaptors\n"
        "read->parse            1024      4  key_by\n"
        "parse+read->write         7      1  route arm 0\n"
        "\n"
        "stage        why\n"
        "read         thread: a source may block\n"
        "parse        as told; order none: outputs leave as the workers finish; keyed\n"
        "write \"out\"  as told\n");
}

TEST_CASE("explicit workers without an order are described as order none", "[scheduler]") {
  Plan plan = sample();
  plan.stages[1].why = "2 workers as told; order none: several workers";
  CHECK_THAT(plan.text(), Contains("2 workers as told; order none: several workers; keyed\n"));
  plan.stages[1].workers = 1;
  plan.stages[1].why = "as told";
  CHECK_THAT(plan.text(), !Contains("order none"));
}

TEST_CASE("inlets and outlets have no workers and both types", "[scheduler]") {
  const std::string text = with_endpoints().text();
  CHECK_THAT(text, Contains("in     inlet   inlet         -  -        -          -  int    int\n"));
  CHECK_THAT(text, Contains("out    outlet  outlet        -  -        -          -  int    int\n"));
  CHECK_THAT(text, Contains("planned for 1 core\n") && Contains("application code is its worker"));
}

TEST_CASE("the plan's JSON holds every decision", "[scheduler]") {
  const Json json = Json::parse(sample().json());
  CHECK(json["pipeline"] == "hits");
  CHECK(json["cores"] == 2);
  const Json stage = Json::parse(R"({
    "name": "parse", "role": "transform", "kind": "map", "in_type": "std::string",
    "out_type": "Hit", "workers": 4, "carrier": "pool", "order": "none", "batch": 256, "depth": 1,
    "keyed": true,
    "why": "as told; order none: outputs leave as the workers finish; keyed"})");
  CHECK(json["stages"][1] == stage);
  CHECK(json["stages"][0]["in_type"].is_null());
  CHECK(json["stages"][2]["out_type"].is_null());
  const Json edge = Json::parse(R"({
    "name": "parse+read->write", "from": [{"stage": "parse", "adaptors": ""},
    {"stage": "read", "adaptors": "route arm 0"}], "to": "write \"out\"", "capacity": 7,
    "lanes": 1, "capacity_bytes": null,
    "item_bytes": {"at_least": 0, "fixed": true, "seen_in_full": true}})");
  CHECK(json["edges"][1] == edge);

  const Json wired = Json::parse(with_endpoints().json());
  CHECK(wired["stages"][0]["workers"] == 0);
  CHECK(wired["stages"][0]["carrier"].is_null());
  CHECK(wired["edges"][0]["from"].empty());
}

TEST_CASE("the dot graph has a node per stage, an arrow per connection, and quotes names",
          "[scheduler]") {
  const std::string dot = sample().dot();
  CHECK_THAT(dot, Catch::StartsWith("digraph \"hits\" {\n") && Catch::EndsWith("}\n"));
  CHECK_THAT(dot, Contains(R"(s0 [shape=cds, label="read\nsource\n1 x thread"];)"));
  CHECK_THAT(dot, Contains(R"(s2 [shape=box3d, label="write \"out\"\nsink\n1 x thread"];)"));
  CHECK_THAT(dot, Contains(R"(s0 -> s1 [label="key_by, 1024 in 4 lanes"];)"));
  CHECK_THAT(dot, Contains(R"(s1 -> s2 [label="7"];)") &&
                      Contains(R"(s0 -> s2 [label="route arm 0, 7"];)"));
  CHECK_THAT(with_endpoints().dot(),
             Contains(R"(s0 [shape=oval, label="in\ninlet\napplication"];)"));
}

TEST_CASE("the mermaid graph shows the same and escapes what mermaid would read", "[scheduler]") {
  Plan plan = sample();
  plan.stages[1].name = "a<b>|#";
  const std::string text = plan.mermaid();
  CHECK_THAT(text, Catch::StartsWith("flowchart LR\n"));
  CHECK_THAT(text, Contains("s0[/\"read<br>source, 1 x thread\"/]\n"));
  CHECK_THAT(text, Contains("s1[\"a#lt;b#gt;#124;#35;<br>map, 4 x pool\"]\n"));
  CHECK_THAT(text, Contains("s2[\\\"write #quot;out#quot;<br>sink, 1 x thread\"\\]\n"));
  CHECK_THAT(text, Contains("s0 -->|\"key_by, 1024 in 4 lanes\"| s1\n"));
  CHECK_THAT(with_endpoints().mermaid(), Contains("s1([\"out<br>outlet, application\"])\n"));
}

}  // namespace
}  // namespace sluice
