// unit/deadline_test.cpp
// SPDX-License-Identifier: MIT
#include <sluice/deadline.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cmath>
#include <limits>

using namespace sluice;
using namespace std::chrono_literals;

TEST_CASE("Deadline: the default never passes", "[sync]") {
  CHECK(Deadline().is_never());
  CHECK(Deadline::never().is_never());
  CHECK_FALSE(Deadline().passed());
  CHECK(Deadline() == Deadline::never());
}

TEST_CASE("Deadline: now and a duration of 0 mean one try", "[sync]") {
  CHECK(Deadline::now().is_one_try());
  CHECK(Deadline(0ms).is_one_try());
  CHECK(Deadline::now().passed());
  CHECK_FALSE(Deadline(1h).is_one_try());
}

TEST_CASE("Deadline: a duration counts from now and is not shortened", "[sync]") {
  const auto before = Clock::now();
  const Deadline deadline = 10ms;
  CHECK(deadline.time() >= before + 10ms);
  // Finer than the clock: rounded up, or a wait would end too early.
  CHECK(Deadline(std::chrono::duration<double, std::nano>(0.25)).time() > before);
}

TEST_CASE("Deadline: a point of time that has passed is passed", "[sync]") {
  CHECK(Deadline(Clock::now() - 1s).passed());
  CHECK_FALSE(Deadline::at(Clock::now() + 1h).passed());
  CHECK(
      Deadline::at(std::chrono::time_point_cast<std::chrono::seconds>(Clock::now() - 2s)).passed());
}

TEST_CASE("Deadline: a negative duration and one that is no number are errors", "[sync]") {
  CHECK_THROWS_AS(Deadline(-1ns), UsageError);
  CHECK_THROWS_AS(Deadline::after(-1h), UsageError);
  CHECK_THROWS_AS(Deadline(std::chrono::duration<double>(std::nan(""))), UsageError);
  CHECK_THROWS_AS(Deadline(std::chrono::hours::min()), UsageError);
}

TEST_CASE("Deadline: a duration too long for the clock means never", "[sync]") {
  CHECK(Deadline(std::chrono::hours::max()).is_never());
  CHECK(Deadline(std::chrono::nanoseconds::max()).is_never());
  CHECK(
      Deadline(std::chrono::duration<double>(std::numeric_limits<double>::infinity())).is_never());
}

TEST_CASE("Deadline: the earlier one is the smaller one", "[sync]") {
  CHECK(Deadline::now() < Deadline(1ms));
  CHECK(Deadline(1ms) < Deadline(1h));
  CHECK(Deadline(1h) < Deadline::never());
}
