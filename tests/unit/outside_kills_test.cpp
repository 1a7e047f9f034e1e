// unit/outside_kills_test.cpp: how many kills in a row somebody outside explains.
// SPDX-License-Identifier: MIT
#include <sluice/flow/outside_kills.hpp>

#include <catch2/catch.hpp>

namespace {

using sluice::detail::OutsideKills;

// The first number of hits in a row that is not explained any more.
unsigned most_explained(const OutsideKills& kills, std::uint64_t completed) {
  unsigned hits = 1;
  while (kills.explain(hits, completed)) ++hits;
  return hits;
}

}  // namespace

TEST_CASE("OutsideKills: without a proof nothing is explained", "[unit]") {
  const OutsideKills kills;
  CHECK(most_explained(kills, 0) == 1);
  CHECK(most_explained(kills, 1'000) == 1);
}

TEST_CASE("OutsideKills: the more often innocent ones are hit, the more hits are explained",
          "[unit]") {
  const auto after = [](unsigned items_per_kill) {
    OutsideKills kills;
    std::uint64_t completed = 0;
    for (int i = 0; i < 200; ++i) kills.prove(1, completed += items_per_kill);
    return most_explained(kills, completed);
  };
  CHECK(after(1'000'000) <= 3);  // 1e-6 to the second
  CHECK(after(1'000) <= 3);
  CHECK(after(99) == 4);  // one in a hundred
  CHECK(after(9) == 7);   // one in ten
  CHECK(after(1) >= 19);  // every other one
  CHECK(after(1) <= 22);
}

TEST_CASE("OutsideKills: a storm that is over is forgotten as items complete", "[unit]") {
  OutsideKills kills;
  std::uint64_t completed = 0;
  for (int i = 0; i < 50; ++i) kills.prove(1, completed += 3);
  CHECK(most_explained(kills, completed) > 8);
  CHECK(most_explained(kills, completed + 1'000'000) <= 3);
}

TEST_CASE("OutsideKills: a storm that begins late is noticed at once", "[unit]") {
  OutsideKills kills;
  std::uint64_t completed = 10'000'000;
  kills.prove(1, completed);
  for (int i = 0; i < 60; ++i) kills.prove(1, completed += 4);
  CHECK(most_explained(kills, completed) >= 7);
}
