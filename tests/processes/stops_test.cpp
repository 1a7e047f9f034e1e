// tests/processes/stops_test.cpp: functions in worker processes that are asked to stop, and processes that are stopped.
// SPDX-License-Identifier: MIT
#include <processes/process_run.hpp>

#include <sluice/process/kill_point.hpp>

#include <catch2/catch.hpp>
#include <support/places.hpp>

#include <signal.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using testing_support::ChildProgram;
using testing_support::Counted;
using testing_support::Ended;
using testing_support::outputs_of_parcels;
using testing_support::run_parcels;
using testing_support::times;
using testing_support::wait_until_gone;
using Words = std::vector<std::string>;

Words parcels(const Words& more) {
  Words words = {SLUICE_PROCESS_PROGRAM, "run",           "parcels", "--quiet", "--carrier",
                 "work=process",         "--start-method"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_CASE("A function that waits for its token ends when the run is stopped, and its answer counts",
          "[process][stop]") {
  const std::string method = GENERATE("forkserver", "spawn");
  ChildProgram program(parcels({method, "--count", "20000000", "--trouble", "heeds", "--every",
                                "10", "--workers", "work=2"}));
  REQUIRE(program.wait_for_err("waits, asked already 0"));
  program.send(SIGINT);
  const Ended ended = program.wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 130);
  CHECK_THAT(ended.err, Contains("heard it, cancelled 0"));
  CHECK_THAT(ended.out, Contains("doubled 0 corrupt 0"));
  wait_until_gone();
}

TEST_CASE("A function that asks whether the run is cancelled ends by itself then",
          "[process][stop]") {
  ChildProgram program(parcels({"forkserver", "--count", "20000000", "--trouble", "heeds_cancel",
                                "--every", "10", "--workers", "work=2"}));
  REQUIRE(program.wait_for_err("waits, asked already 0"));
  program.send(SIGINT);
  program.send(SIGTERM);  // two of one kind may arrive as one
  const Ended ended = program.wait();
  INFO(ended.err);
  CHECK(ended.exit_code != 0);
  CHECK(times("heard it, cancelled 1", ended.err) >= 1);  // the other may not have begun
  wait_until_gone();
}

TEST_CASE("A soft timeout asks one attempt in a process to stop, and no other", "[process][stop]") {
  const Counted run = run_parcels({"--count", "100", "--trouble", "heeds", "--every", "25",
                                   "--soft-ms", "1000", "--workers", "work=2"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 0);
  CHECK(run.outputs == outputs_of_parcels(100));
  CHECK(run.doubled + run.corrupt == 0);
  CHECK(times("waits, asked already 0", run.ended.err) == 4);
  CHECK(times("heard it, cancelled 0", run.ended.err) == 4);
  // The run's watch looks every 250 ms, and is seldom held up for so long that it misses one.
  CHECK(run.of_work("overdue") >= 1);
  CHECK(run.of_work("overdue") <= 4);
  CHECK(run.of_work("deaths") == 0);
}

TEST_CASE("A function in a process is asked to stop when nobody wants its outputs any more",
          "[process][stop]") {
  const Counted run = run_parcels({"--count", "1000", "--trouble", "heeds", "--every", "100",
                                   "--enough", "20", "--workers", "work=2"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 0);
  CHECK(times("heard it", run.ended.err) >= 1);  // the other may not have begun
  CHECK(run.doubled + run.corrupt == 0);
  CHECK(run.of_work("deaths") == 0);
}

TEST_CASE(
    "A process that is stopped in its function is a hang without any timeout, a long function is "
    "none",
    "[process][stop]") {
  // Parcel 9 stops its process and parcel 19 takes 13 s, on two workers.
  const Counted run = run_parcels({"--count", "40", "--trouble", "stopped_or_long", "--every", "10",
                                   "--workers", "work=4", "--batch", "work=1"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 0);
  CHECK(run.outputs == outputs_of_parcels(40));
  CHECK(run.lost + run.doubled + run.corrupt == 0);
  CHECK(run.of_work("deaths") == 2);   // parcels 9 and 29
  CHECK(run.of_work("retried") == 2);  // which were charged
}

TEST_CASE("A process that stays stopped in its function is killed and told why",
          "[process][stop]") {
  const Counted run = run_parcels({"--count", "20", "--trouble", "stopped", "--every", "10",
                                   "--attempts", "1", "--workers", "work=2"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 3);
  CHECK(run.of_work("dead") == 2);
  CHECK(run.of_work("deaths") == 2);
  CHECK_THAT(run.ended.err, Contains("it was stopped for 10 s"));
}

TEST_CASE("What a process had published when it was stopped is not done again", "[process][stop]") {
  using detail::KillPoint;
  const auto where = GENERATE(KillPoint::taken, KillPoint::published, KillPoint::committed);
  const auto point = static_cast<int>(where);
  CAPTURE(point);
  const Counted run =
      run_parcels({"--count", "12", "--workers", "work=1", "--batch", "work=1", "--kill-point",
                   std::to_string(point), "--after", "8", "--manner", "stops"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 0);
  CHECK(run.outputs == outputs_of_parcels(12));
  CHECK(run.lost + run.doubled + run.corrupt == 0);
  CHECK(run.of_work("deaths") == 1);
  CHECK(run.of_work("retried") == 0);
}

TEST_CASE("A process that is stopped before it has started is replaced", "[process][stop]") {
  const Counted run = run_parcels({"--count", "100", "--trouble", "stops_at_start"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 0);
  CHECK(run.outputs == outputs_of_parcels(100));
  CHECK(run.of_work("processes") == 2);
}

}  // namespace
}  // namespace sluice
