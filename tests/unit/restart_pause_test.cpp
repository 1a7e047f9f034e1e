// unit/restart_pause_test.cpp: pauses before a process is started again.
// SPDX-License-Identifier: MIT
#include <sluice/runtime/restart_pause.hpp>

#include <catch2/catch.hpp>

#include <set>

namespace {

using namespace std::chrono_literals;
using sluice::detail::restart_pause;

constexpr std::uint64_t kMiddle = 500;  // of the dice

}  // namespace

TEST_CASE("restart_pause: doubles with every death, up to five seconds", "[unit]") {
  CHECK(restart_pause(1, kMiddle) == 10ms);
  for (unsigned deaths = 1; deaths < 9; ++deaths) {
    CAPTURE(deaths);
    CHECK(restart_pause(deaths + 1, kMiddle) == 2 * restart_pause(deaths, kMiddle));
  }
  CHECK(restart_pause(10, kMiddle) == 5s);
  CHECK(restart_pause(1'000'000, kMiddle) == 5s);
}

TEST_CASE("restart_pause: chance takes a quarter or adds one, and spreads", "[unit]") {
  for (const unsigned deaths : {1U, 5U, 50U}) {
    CAPTURE(deaths);
    std::set<std::chrono::nanoseconds> seen;
    for (std::uint64_t dice = 0; dice < 1000; ++dice) seen.insert(restart_pause(deaths, dice));
    CHECK(seen.size() == 1000);
    CHECK(*seen.begin() == restart_pause(deaths, kMiddle) * 3 / 4);
    CHECK(*seen.rbegin() < restart_pause(deaths, kMiddle) * 5 / 4);
    CHECK(*seen.rbegin() > restart_pause(deaths, kMiddle) * 6 / 5);
  }
}
