// pipelines/nest_test.cpp: functions that build parts of pipelines, and how their stages' names nest.
// SPDX-License-Identifier: MIT
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using Catch::Matchers::Contains;

/// A part with two stages of its own.
Stream<Number> doubled_odd(Stream<Number> in) {
  return std::move(in) | filter("odd", [](Number n) { return n % 2 == 1; }) |
         map("double", [](Number n) { return 2 * n; });
}

/// A part that uses another one.
Stream<Number> quadrupled(Pipeline& p, Stream<Number> in) {
  return p.nest("inner", [&] { return doubled_odd(std::move(in)); }) |
         map("again", [](Number n) { return 2 * n; });
}

std::vector<std::string> stage_names(const Pipeline& p) {
  std::vector<std::string> names;
  for (const PlannedStage& stage : plan(p).stages) names.push_back(stage.name);
  return names;
}

TEST_CASE("nest: a part is used twice, and its stages have names of their own",
          "[pipeline][nest]") {
  Pipeline p("parts");
  Collected<Number> got;
  auto read = p.source("read", numbers(10));
  auto left = p.nest("left", [&] { return doubled_odd(read); });
  auto right = p.nest("right", [&] { return quadrupled(p, read); });
  merge(left, right) | sink("collect", got.sink());
  CHECK(stage_names(p) == std::vector<std::string>{"read", "left/odd", "left/double",
                                                   "right/inner/odd", "right/inner/double",
                                                   "right/again", "collect"});
  const Report report =
      run_watched(p, {.overrides = {{.stage = "right/inner/odd", .capacity = 2}}});
  CHECK(got.size() == 10);
  CHECK(report.stage("left/odd").filtered == 5);
  CHECK_THAT(report.edges[2].name, Contains("right/inner/odd"));
  CHECK(report.edges[2].capacity == 2);
}

TEST_CASE("nest: sources, sinks and merged keyed streams may be inside", "[pipeline][nest]") {
  Pipeline p("whole");
  Collected<Number> got;
  p.nest("all", [&] {
    p.source("read", numbers(100)) | key_by([](const Number& n) { return n % 3; }) |
        map("same", [](Number n) { return n; }, {.workers = 2}) | sink("collect", got.sink());
  });
  CHECK(stage_names(p) == std::vector<std::string>{"all/read", "all/same", "all/collect"});
  CHECK(run_watched(p).stage("all/same").in == 100);
  CHECK(got.size() == 100);
}

TEST_CASE("nest: faults name the stage in full, and names are free again afterwards",
          "[pipeline][nest]") {
  Pipeline p("faulty");
  auto read = p.source("read", numbers(3));
  p.nest("part", [&] {
    read | map("same", [](Number n) { return n; }, {.capacity = 0}) | sink("drop", [](Number) {});
  });
  CHECK_THROWS_WITH(plan(p), Contains("stage part/same: capacity is 0"));
  Pipeline twice("twice");
  auto numbers_of = [&] { return twice.source("read", numbers(3)); };
  auto a = twice.nest("part", numbers_of);
  auto b = twice.nest("part", numbers_of);
  merge(a, b) | sink("drop", [](Number) {});
  CHECK_THROWS_WITH(plan(twice), Contains("part/read"));
}

TEST_CASE("nest: the name is checked, and what the part throws leaves the names as they were",
          "[pipeline][nest]") {
  Pipeline p("named");
  CHECK_THROWS_WITH(p.nest("", [] {}), Contains("nest \"\": give a name"));
  CHECK_THROWS_WITH(p.nest("a/b", [] {}), Contains("nest \"a/b\""));
  CHECK_THROWS_AS(p.nest("part", [] { throw std::runtime_error("no"); }), std::runtime_error);
  p.source("read", numbers(1)) | sink("drop", [](Number) {});
  CHECK(stage_names(p) == std::vector<std::string>{"read", "drop"});
}

}  // namespace
}  // namespace sluice
