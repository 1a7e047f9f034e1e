// unit/death_facts_test.cpp: whose fault a death is.
// SPDX-License-Identifier: MIT
#include <sluice/runtime/death_facts.hpp>

#include <catch2/catch.hpp>

namespace {

using sluice::detail::DeathFacts;
using sluice::detail::fault_of;
using Fault = sluice::detail::RemoteWorker::Fault;

}  // namespace

TEST_CASE("Fault: what crashes or ends does it itself, whatever else happened", "[unit]") {
  CHECK(fault_of({}, 7, false) == Fault::its_own);
  CHECK(fault_of({.by_us = true, .late = 6}, 7, false) == Fault::its_own);
  CHECK(fault_of({.by_chaos = true}, 7, false) == Fault::its_own);
  CHECK(fault_of({.by_server = true}, 7, false) == Fault::its_own);
}

TEST_CASE("Fault: a kill that nobody here has sent is unclear", "[unit]") {
  CHECK(fault_of({.was_killed = true}, 7, false) == Fault::unclear);
}

TEST_CASE("Fault: a kill for a timeout is that of the item that was late, and of no other",
          "[unit]") {
  CHECK(fault_of({.was_killed = true, .by_us = true, .late = 7}, 7, false) == Fault::its_own);
  CHECK(fault_of({.was_killed = true, .by_us = true, .late = 6}, 7, false) == Fault::nobodys);
  CHECK(fault_of({.was_killed = true, .by_us = true}, 7, false) == Fault::its_own);
}

TEST_CASE("Fault: chaos and the death of a server are nobody's, unless it was to be killed anyway",
          "[unit]") {
  CHECK(fault_of({.was_killed = true, .by_chaos = true}, 7, false) == Fault::nobodys);
  CHECK(fault_of({.was_killed = true, .by_server = true}, 7, false) == Fault::nobodys);
  CHECK(fault_of({.was_killed = true, .by_us = true, .by_chaos = true}, 7, false) ==
        Fault::its_own);
  CHECK(fault_of({.was_killed = true, .by_us = true, .by_server = true, .late = 7}, 7, false) ==
        Fault::its_own);
}

TEST_CASE("Fault: for who has written what can't be right nothing speaks", "[unit]") {
  CHECK(fault_of({.was_killed = true, .by_chaos = true}, 7, true) == Fault::its_own);
  CHECK(fault_of({.was_killed = true, .by_us = true, .late = 6}, 7, true) == Fault::its_own);
}
