// tests/processes/kill_points_test.cpp: processes that are killed at each step of the protocol, K0 to K14 of the table
// in framework/README.md, and who is charged with their deaths.
// SPDX-License-Identifier: MIT
#include <processes/process_run.hpp>

#include <sluice/process/kill_point.hpp>

#include <catch2/catch.hpp>
#include <support/scale.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using detail::KillPoint;
using testing_support::Counted;
using testing_support::outputs_of_parcels;
using testing_support::run_parcels;
using testing_support::scaled;
using Words = std::vector<std::string>;

// Deaths at each step: 500 at least, a tenth of that under sanitizers.
constexpr std::uint64_t kKills = scaled(600);
constexpr std::uint64_t kWanted = scaled(500);

void check_whole(const Counted& run, std::uint64_t count) {
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 0);
  CHECK(run.outputs == outputs_of_parcels(count));
  CHECK(run.lost == 0);
  CHECK(run.doubled == 0);
  CHECK(run.corrupt == 0);
  REQUIRE(run.report.contains("ledger"));
  CHECK(run.report["ledger"]["balanced"] == true);
}

std::string text_of(KillPoint point) { return std::to_string(static_cast<int>(point)); }

/// Deaths at a point, and items that were done again for it. Every run is whole.
struct Tally {
  std::uint64_t deaths = 0;
  std::uint64_t again = 0;
  int runs = 0;

  void add(std::uint64_t count, KillPoint point, const Words& more) {
    REQUIRE(++runs < 1'000);
    Words words = {"--count", std::to_string(count), "--workers",
                   "work=2",  "--kill-point",        text_of(point)};
    words.insert(words.end(), more.begin(), more.end());
    const Counted run = run_parcels(words);
    check_whole(run, count);
    deaths += run.of_work("deaths");
    again += run.of_work("retried");
  }
  // How many deaths one run meets is for the machine to say, so there are as many runs as it takes.
  void gather(std::uint64_t count, KillPoint point, const Words& more) {
    while (deaths < kWanted) {
      add(count, point, more);
      REQUIRE(deaths > 0);
    }
  }
  void tell(const std::string& what) const {
    WARN(what << ": " << deaths << " deaths, " << again << " items again, 0 lost, 0 doubled");
  }
};

TEST_CASE("A process that is killed before it says hello, or before it begins, costs nothing",
          "[process]") {
  const auto point = GENERATE(KillPoint::starting, KillPoint::taken);
  Tally tally;
  // At the start every other process; those between are replaced.
  const bool at_start = point == KillPoint::starting;
  tally.gather(kKills * 8, point,
               {"--after", at_start ? "0" : "8", "--recycle", at_start ? "8" : "0"});
  CHECK(tally.again == 0);
  tally.tell("K" + std::to_string(at_start ? 0 : 1));
}

TEST_CASE("A process that is killed at work, before it has published, has its item done again",
          "[process]") {
  const auto point =
      GENERATE(KillPoint::begun, KillPoint::called, KillPoint::in_output,
               KillPoint::between_outputs, KillPoint::outputs_written, KillPoint::closed);
  Tally tally;
  tally.gather(kKills * 8, point, {"--after", "8"});
  CHECK(tally.again == tally.deaths);
  tally.tell("K2 to K5, kill point " + text_of(point));
}

TEST_CASE("A process that is killed beside the store that publishes has done its item or has not",
          "[process]") {
  Tally tally;
  const std::uint64_t each = 50;
  while (tally.deaths < kWanted || tally.again < each || tally.deaths - tally.again < each) {
    tally.add(kKills * 8, KillPoint::publishing, {"--after", "8"});
  }
  tally.tell("K6");
}

TEST_CASE("What a process has published when it is killed is not done again", "[process]") {
  const auto point = GENERATE(KillPoint::published, KillPoint::committed);
  Tally tally;
  tally.gather(kKills * 8, point, {"--after", "8"});
  CHECK(tally.again == 0);
  tally.tell("K7 and K8, kill point " + text_of(point));
}

// One item at a time, so that each is waited for.
TEST_CASE("A process that is killed in its sleep costs nothing", "[process]") {
  Tally tally;
  tally.gather(kKills * 8, KillPoint::asleep,
               {"--after", "8", "--capacity", "work=1", "--batch", "work=1"});
  CHECK(tally.again == 0);
  tally.tell("K9");
}

TEST_CASE("A process that is killed with a large record on its way has its item done again",
          "[process]") {
  Tally tally;
  tally.gather(kKills * 3, KillPoint::file_sent, {"--after", "2", "--size", "300000"});
  CHECK(tally.again == tally.deaths);
  tally.tell("K11");
}

// Idle ones: what they are lent is all they have.
TEST_CASE("A process that is killed while it is lent to costs nothing", "[process]") {
  const auto point = GENERATE(KillPoint::lending, KillPoint::lent);
  const bool large = GENERATE(false, true);
  CAPTURE(large);
  Tally tally;
  tally.gather(
      kKills * (large ? 4 : 10), point,
      {"--after", large ? "3" : "8", "--batch", "work=1", "--size", large ? "300000" : "40"});
  if (point == KillPoint::lending) CHECK(tally.again == 0);  // else it may just have begun
  tally.tell(std::string("K12, ") + (point == KillPoint::lending ? "not shown" : "shown") +
             (large ? ", with a file" : ""));
}

TEST_CASE("A process that is killed right after the death of the one before costs nothing more",
          "[process]") {
  Tally tally;
  tally.gather(kKills * 8, KillPoint::called, {"--after", "8", "--again"});
  // One at work, then one at its start, of each worker; the last ones may have no successor.
  CHECK(tally.again >= tally.deaths / 2);
  CHECK(tally.again <= tally.deaths / 2 + 2);
  tally.tell("K13");
}

// It hangs on one side of the store that publishes, so that the time of its item is over there.
TEST_CASE("A timeout before the commit kills the attempt, after it the answer counts",
          "[process]") {
  const auto point = GENERATE(KillPoint::closed, KillPoint::published);
  const bool counts = point == KillPoint::published;
  Tally tally;
  // A process that was slow for another reason may be killed besides.
  while ((counts ? tally.deaths - tally.again : tally.again) < 50) {
    tally.add(600, point,
              {"--workers", "work=8", "--batch", "work=1", "--after", "8", "--manner", "hangs",
               "--timeout-ms", "300", "--spin-us", "200"});
    REQUIRE(tally.deaths > 0);
  }
  tally.tell(std::string("K14, ") + (counts ? "committed" : "not committed"));
}

// The kill is on its way when some of them commit, a few of a thousand.
TEST_CASE("A timeout that meets an item about to commit kills it or counts it, never both",
          "[process]") {
  std::uint64_t in_vain = 0;
  std::uint64_t spared = 0;
  int runs = 0;
  while (in_vain < 50 || spared < 5) {
    const std::uint64_t count = 600;
    const Counted run = run_parcels({"--count", std::to_string(count), "--trouble", "about_timeout",
                                     "--every", "1", "--timeout-ms", "10", "--attempts", "1000",
                                     "--workers", "work=6", "--batch", "work=1"});
    check_whole(run, count);
    REQUIRE(++runs < 1'000);
    in_vain += run.of_work("retried");
    spared += run.of_work("deaths") - run.of_work("retried");
    REQUIRE(run.of_work("deaths") > 0);
  }
  WARN("K14 by chance: " << in_vain << " attempts killed, " << spared
                         << " killed when they were done");
}

TEST_CASE("In a storm of kills no item is lost but the one that kills its processes itself",
          "[process]") {
  const std::uint64_t count = 1'000;
  const Counted run = run_parcels({"--count", std::to_string(count), "--trouble", "storm",
                                   "--every", "1", "--workers", "work=1"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 3);
  CHECK(run.of_work("dead") == 1);
  CHECK(run.of_work("completed") == count - 1);
  CHECK(run.of_work("deaths") > count / 10);
  CHECK(run.lost == 998 % 3);
  CHECK(run.doubled + run.corrupt == 0);
  CHECK(run.report["ledger"]["balanced"] == true);
  CHECK_THAT(run.ended.err, Contains("parcel 998: its process died"));
  WARN(run.of_work("deaths") << " deaths; " << run.ended.err.substr(0, 200));
}

// One long item alone: nothing that came before could show that it is innocent. It is struck about every other time.
TEST_CASE("What chaos kills is no item's fault", "[process]") {
  std::uint64_t again = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const Counted run =
        run_parcels({"--count", "2", "--every", "2", "--spin-us", "46000", "--attempts", "2",
                     "--chaos", "kill=work:15,seed=" + std::to_string(seed)});
    check_whole(run, 2);
    again += run.of_work("retried");
  }
  CHECK(again > 0);
  WARN(again << " times again");
}

// Every other process dies before it has begun, which says nothing of the item that waits.
TEST_CASE("An item that kills its processes is given up although its successors are killed, too",
          "[process]") {
  const Counted run =
      run_parcels({"--count", "30", "--workers", "work=1", "--batch", "work=1", "--trouble", "kill",
                   "--every", "30", "--kill-point", text_of(KillPoint::starting)});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 3);
  CHECK(run.of_work("dead") == 1);
  CHECK(run.of_work("completed") == 29);
  CHECK_THAT(run.ended.err, Contains("its process died 3 times at this item"));
  CHECK(run.doubled + run.corrupt == 0);
}

}  // namespace
}  // namespace sluice
