// unit/death_reasons_test.cpp: what a run says of processes that came to nothing.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/runtime/death_reasons.hpp>

#include <string>

using sluice::detail::DeathReasons;

TEST_CASE("Reasons: one that is given again is counted, in the order of the first times",
          "[process]") {
  DeathReasons reasons;
  reasons.add("signal 6");
  CHECK(reasons.text() == "signal 6");
  reasons.add("exit code 1");
  reasons.add("signal 6");
  reasons.add("signal 6");
  CHECK(reasons.text() == "signal 6 (3 times); exit code 1");
}

TEST_CASE("Reasons: beyond a few, those that differ are only counted, until they are cleared",
          "[process]") {
  DeathReasons reasons;
  for (int i = 0; i < 9; ++i) reasons.add(std::to_string(i));
  reasons.add("5");
  CHECK(reasons.text() == "0; 1; 2; 3; 4; 5 (2 times); 3 others");
  reasons.clear();
  CHECK(reasons.text().empty());
  reasons.add("later");
  CHECK(reasons.text() == "later");
}
