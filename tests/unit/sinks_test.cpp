// tests/unit/sinks_test.cpp: collect(), count(), discard() and take().
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/run.hpp>
#include <sluice/stages/collect.hpp>
#include <sluice/stages/count.hpp>
#include <sluice/stages/discard.hpp>
#include <sluice/stages/range.hpp>
#include <sluice/stages/take.hpp>
#include <sluice/stages/values.hpp>
#include <support/move_only.hpp>
#include <support/scale.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice;
using namespace sluice::testing_support;

}  // namespace

TEST_CASE("collect: several workers lose nothing", "[stages]") {
  const int items = scaled(50'000);
  std::vector<int> got;
  Pipeline p("collect");
  p.source("range", stages::range(0, items)) |
      sink("collect", stages::collect(got), {.workers = 4, .carrier = Carrier::thread});
  static_cast<void>(run(p));
  std::sort(got.begin(), got.end());
  std::vector<int> expected(static_cast<std::size_t>(items));
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(got == expected);
}

TEST_CASE("count: counts every item of any type, over all workers", "[stages]") {
  const int items = scaled(50'000);
  std::atomic<std::uint64_t> numbers{0};
  std::atomic<std::uint64_t> words{0};
  Pipeline p("count");
  auto source = p.source("range", stages::range(0, items));
  source | sink("numbers", stages::count(numbers), {.workers = 3});
  source | map("word", [](int i) { return std::to_string(i); }) |
      sink("words", stages::count(words));
  static_cast<void>(run(p));
  CHECK(numbers == static_cast<std::uint64_t>(items));
  CHECK(words == static_cast<std::uint64_t>(items));
}

TEST_CASE("discard: the report still counts what is dropped", "[stages]") {
  Pipeline p("discard");
  p.source("range", stages::range(0, 1000)) | sink("drop", stages::discard());
  CHECK(run(p).stage("drop").completed == 1000);
}

TEST_CASE("take: passes the first items and ends an endless source", "[stages]") {
  for (const std::uint64_t n : {0U, 1U, 63U, 64U, 1000U}) {
    INFO("n " << n);
    std::vector<std::int64_t> got;
    Pipeline p("take");
    p.source("endless", stages::range<std::int64_t>(0, std::numeric_limits<std::int64_t>::max())) |
        stages::take("first", n) | sink("collect", stages::collect(got));
    const Report report = run(p);
    CHECK(report.status == RunStatus::done);
    CHECK(report.ledger.balanced);
    std::vector<std::int64_t> expected(n);
    std::iota(expected.begin(), expected.end(), 0);
    CHECK(got == expected);
  }
}

TEST_CASE("take: passes all when there are fewer, and items that can only be moved", "[stages]") {
  std::vector<MoveOnly> items;
  for (std::uint64_t i = 0; i < 10; ++i) items.emplace_back(i);
  std::vector<MoveOnly> got;
  Pipeline p("take");
  p.source("values", stages::values(std::move(items))) | stages::take("first", 20) |
      sink("collect", stages::collect(got));
  static_cast<void>(run(p));
  REQUIRE(got.size() == 10);
  CHECK(got[9].value() == 9);
}

TEST_CASE("take: other branches of the same stream get everything", "[stages]") {
  std::vector<int> first;
  std::vector<int> all;
  Pipeline p("branches");
  auto numbers = p.source("range", stages::range(0, 5000));
  numbers | stages::take("first", 3) | sink("some", stages::collect(first));
  numbers | sink("all", stages::collect(all));
  const Report report = run(p);
  CHECK(first == std::vector<int>{0, 1, 2});
  CHECK(all.size() == 5000);
  CHECK(report.ledger.balanced);
}

TEST_CASE("take: more than one worker is refused", "[stages]") {
  Pipeline p("take");
  p.source("range", stages::range(0, 5)) | stages::take("first", 3, {.workers = 2}) |
      sink("drop", stages::discard());
  CHECK_THROWS_AS(run(p), PipelineError);
}
