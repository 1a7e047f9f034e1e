// tests/unit/sources_test.cpp: range() and values().
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/run.hpp>
#include <sluice/stages/collect.hpp>
#include <sluice/stages/range.hpp>
#include <sluice/stages/values.hpp>
#include <support/move_only.hpp>

#include <cstdint>
#include <limits>
#include <list>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice;
using sluice::testing_support::MoveOnly;

template <class Source>
auto collected(Source source) {
  using Out = typename Source::Out;
  std::vector<Out> got;
  Pipeline p("source");
  p.source("source", std::move(source)) | sink("collect", stages::collect(got));
  static_cast<void>(run(p));
  return got;
}

// For types that are smaller than the sum's.
template <class T>
std::vector<T> naive_range(T begin, T end, T step) {
  std::vector<T> numbers;
  for (std::int64_t at = begin; step > 0 ? at < end : at > end; at += step) {
    numbers.push_back(static_cast<T>(at));
  }
  return numbers;
}

}  // namespace

TEST_CASE("range: counts up and down, and ends before its end", "[stages]") {
  CHECK(collected(stages::range(0, 5)) == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(collected(stages::range(5, 0, -2)) == std::vector<int>{5, 3, 1});
  CHECK(collected(stages::range(3, 3)).empty());
  CHECK(collected(stages::range(4, 3)).empty());
  CHECK(collected(stages::range(3, 4, -1)).empty());
  CHECK(collected(stages::range<std::uint64_t>(7, 1000, 100)).size() == 10);
  CHECK(collected(stages::range(0, 1000)) == naive_range(0, 1000, 1));
}

TEST_CASE("range: never wraps around at the ends of its type", "[stages]") {
  using Small = std::numeric_limits<std::int8_t>;
  for (int step = Small::min(); step <= Small::max(); ++step) {
    if (step == 0) continue;
    INFO("step " << step);
    const auto one = static_cast<std::int8_t>(step);
    CHECK(collected(stages::range<std::int8_t>(Small::min(), Small::max(), one)) ==
          naive_range<std::int8_t>(Small::min(), Small::max(), one));
    CHECK(collected(stages::range<std::int8_t>(Small::max(), Small::min(), one)) ==
          naive_range<std::int8_t>(Small::max(), Small::min(), one));
  }
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  CHECK(collected(stages::range<std::int64_t>(least, most, most)) ==
        std::vector<std::int64_t>{least, -1, most - 1});
  CHECK(collected(stages::range<std::int64_t>(most, least, least)) ==
        std::vector<std::int64_t>{most, -1});
  const std::uint64_t top = std::numeric_limits<std::uint64_t>::max();
  CHECK(collected(stages::range<std::uint64_t>(0, top, top)) == std::vector<std::uint64_t>{0});
  CHECK(collected(stages::range<std::uint64_t>(top - 3, top, 2)) ==
        std::vector<std::uint64_t>{top - 3, top - 1});
  CHECK(collected(stages::range<std::uint8_t>(0, 255, 50)) ==
        std::vector<std::uint8_t>{0, 50, 100, 150, 200, 250});
}

TEST_CASE("range: a step of 0 is refused when the pipeline is described", "[stages]") {
  CHECK_THROWS_AS(stages::range(0, 5, 0), UsageError);
}

TEST_CASE("values: emits the elements of any container in its order, in every run", "[stages]") {
  CHECK(collected(stages::values({3, 1, 2})) == std::vector<int>{3, 1, 2});
  CHECK(collected(stages::values(std::list<std::string>{"b", "a"})) ==
        std::vector<std::string>{"b", "a"});
  CHECK(collected(stages::values(std::vector<int>{})).empty());
  CHECK(collected(stages::values(std::vector<int>(1000, 7))) == std::vector<int>(1000, 7));

  std::vector<int> got;
  Pipeline p("twice");
  p.source("source", stages::values({1, 2})) | sink("collect", stages::collect(got));
  static_cast<void>(run(p));
  static_cast<void>(run(p));
  CHECK(got == std::vector<int>{1, 2, 1, 2});
}

TEST_CASE("values: elements that can only be moved are moved, once", "[stages]") {
  std::vector<MoveOnly> items;
  for (std::uint64_t i = 0; i < 200; ++i) items.emplace_back(i);
  std::vector<MoveOnly> got;
  Pipeline p("moved");
  p.source("source", stages::values(std::move(items))) | sink("collect", stages::collect(got));
  static_cast<void>(run(p));
  REQUIRE(got.size() == 200);
  for (std::uint64_t i = 0; i < 200; ++i) CHECK((got[i].has_value() && got[i].value() == i));
  CHECK_THROWS(run(p));
}
