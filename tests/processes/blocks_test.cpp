// tests/processes/blocks_test.cpp: large payloads through two process stages: exact, once, by reference, and
// nothing is left; whatever happens to the processes.
// SPDX-License-Identifier: MIT
#include <pipelines/child_program.hpp>

#include <nlohmann/json.hpp>

#include <catch2/catch.hpp>
#include <support/places.hpp>
#include <support/scale.hpp>

#include <sluice/process/kill_point.hpp>

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using testing_support::Ended;
using testing_support::run_program;
using testing_support::scaled;
using Words = std::vector<std::string>;
using Number = unsigned long long;

/// What the program says.
struct Crates {
  Ended ended;
  Number crates = 0, lost = ~0ULL, doubled = 0, corrupt = 0;
  Number written = 0, received = 0, lent = 0, fetched = 0, mapped = 0;
  nlohmann::json report{};

  [[nodiscard]] Number of_stages(const char* member) const {
    Number sum = 0;
    for (const auto& stage : report["stages"]) {
      if (stage.contains(member)) sum += stage[member].get<Number>();
    }
    return sum;
  }
};

Crates read_crates(Ended ended) {
  Crates run{.ended = std::move(ended)};
  const std::string& out = run.ended.out;
  const std::size_t second = out.find('\n');
  if (second == std::string::npos) return run;
  std::sscanf(out.c_str(), "crates %llu lost %llu doubled %llu corrupt %llu", &run.crates,
              &run.lost, &run.doubled, &run.corrupt);
  std::sscanf(out.c_str() + second + 1,
              "written %llu received %llu lent %llu fetched %llu mapped %llu", &run.written,
              &run.received, &run.lent, &run.fetched, &run.mapped);
  return run;
}

Crates run_crates(const Words& words, const std::string& carrier = "process") {
  namespace fs = std::filesystem;
  const fs::path report =
      fs::temp_directory_path() / ("sluice_blocks_" + std::to_string(::getpid()));
  Words all = {SLUICE_BLOCKS_PROGRAM, "run",       "crates",          "--quiet", "--carrier",
               "pack=" + carrier,     "--carrier", "check=" + carrier};
  all.insert(all.end(), {"--report", report.string()});
  all.insert(all.end(), words.begin(), words.end());
  Crates run = read_crates(run_program(all));
  if (std::ifstream in(report); in) run.report = nlohmann::json::parse(in, nullptr, false);
  fs::remove(report);
  return run;
}

void check_whole(const Crates& run, Number count) {
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 0);
  CHECK(run.crates == count);
  CHECK(run.lost == 0);
  CHECK(run.doubled == 0);
  CHECK(run.corrupt == 0);
}

// Of so many crates of all sizes: those that go by reference.
Number large_of(Number count) {
  Number large = 0;
  for (Number n = 0; n < count; ++n) large += n % 7 >= 3 ? 1 : 0;
  return large;
}

TEST_CASE("Payloads of all sizes are exact through two process stages", "[process]") {
  const auto workers = GENERATE(1, 2);
  const bool sliced = GENERATE(false, true);
  const Number count = scaled(350);
  Words words = {"--count",   std::to_string(count),
                 "--workers", "pack=" + std::to_string(workers),
                 "--workers", "check=" + std::to_string(workers)};
  if (sliced) words.emplace_back("--sliced");
  const Crates run = run_crates(words);
  check_whole(run, count);
  // Lent twice, received twice; copied once into a file here, and once out of one, by the sink that looks.
  CHECK(run.received == 2 * large_of(count));
  CHECK(run.lent == 2 * large_of(count));
  CHECK(run.written == large_of(count));
  CHECK(run.fetched == large_of(count));
}

TEST_CASE("Between two process stages the parent neither maps nor copies a payload", "[process]") {
  const Number count = scaled(200);
  const Crates run = run_crates({"--count", std::to_string(count), "--size", "1048576", "--unseen",
                                 "--workers", "pack=2", "--workers", "check=2"});
  check_whole(run, count);
  CHECK(run.received == 2 * count);
  CHECK(run.lent == 2 * count);
  CHECK(run.written == count);  // the source's, which were made here
  CHECK(run.fetched == 0);
  CHECK(run.mapped == 0);
}

TEST_CASE("Payloads of 64 MiB go by reference, too", "[process]") {
  const std::string size = std::to_string(scaled(std::size_t{64} << 20));
  const Crates run = run_crates({"--count", "6", "--size", size});
  check_whole(run, 6);
  CHECK(run.received == 12);
  CHECK(run.fetched == 6);
  const Crates unseen = run_crates({"--count", "6", "--size", size, "--unseen"});
  check_whole(unseen, 6);
  CHECK(unseen.fetched + unseen.mapped == 0);
}

TEST_CASE("Threads give the same, without any file", "[process]") {
  const Number count = scaled(140);
  const Crates run = run_crates({"--count", std::to_string(count)}, "thread");
  check_whole(run, count);
  CHECK(run.written + run.received + run.lent + run.fetched == 0);
}

TEST_CASE("A payload in several outputs of one item is written once", "[process]") {
  const Number count = scaled(100);
  const Crates run = run_crates(
      {"--count", std::to_string(count), "--size", "100000", "--copies", "5", "--unseen"});
  check_whole(run, 5 * count);
  CHECK(run.written == count);
  CHECK(run.received == count + 5 * count);  // of an item's outputs, and of each item on its own
}

TEST_CASE("Processes that are killed at each step lose, double and leak no payload", "[process]") {
  using detail::KillPoint;
  const auto point =
      GENERATE(KillPoint::taken, KillPoint::begun, KillPoint::called, KillPoint::in_output,
               KillPoint::between_outputs, KillPoint::outputs_written, KillPoint::closed,
               KillPoint::publishing, KillPoint::published, KillPoint::committed,
               KillPoint::in_block, KillPoint::block_sent, KillPoint::lending, KillPoint::lent);
  const bool unseen = GENERATE(false, true);
  const Number count = scaled(300);
  CAPTURE(static_cast<int>(point), unseen);
  // A process has a first file for each payload that waits, so it does not come to a later one as often.
  // Nor does a parent publish often, because it publishes many leases at once.
  const char* const after = point == KillPoint::block_sent ? "1"
                            : point == KillPoint::lent     ? "2"
                                                           : "10";
  Words words = {"--count",      std::to_string(count),
                 "--size",       "200000",
                 "--workers",    "pack=2",
                 "--workers",    "check=2",
                 "--attempts",   "1000",
                 "--kill-point", std::to_string(static_cast<int>(point)),
                 "--after",      after};
  if (unseen) words.emplace_back("--unseen");
  // The others are met as often with small payloads (kill_points_test.cpp).
  const bool only_here = point == KillPoint::in_block || point == KillPoint::block_sent;
  const Number wanted = only_here ? scaled<Number>(500) : count / 20;
  Number deaths = 0;
  Number again = 0;
  while (deaths < wanted) {
    const Crates run = run_crates(words);
    check_whole(run, count);
    REQUIRE(run.of_stages("deaths") > 0);
    deaths += run.of_stages("deaths");
    again += run.of_stages("retried");
    CHECK(run.received >= count);
    CHECK(run.written <= count);  // retries find what was written before
    if (unseen) CHECK(run.fetched + run.mapped == 0);
  }
  if (only_here) CHECK(again == deaths);
  if (point == KillPoint::taken || point == KillPoint::published || point == KillPoint::committed) {
    CHECK(again == 0);  // nothing was begun, or its answer counts
  }
  WARN("kill point " << static_cast<int>(point) << ": " << deaths << " deaths, " << again
                     << " items again");
}

TEST_CASE("Random kills of both stages lose, double and leak no payload", "[process]") {
  const Number count = scaled(6'000);
  const Crates run =
      run_crates({"--count", std::to_string(count), "--workers", "pack=2", "--workers", "check=2",
                  "--chaos", "kill=pack:20,kill=check:20,seed=17"});
  check_whole(run, count);
  CHECK(run.of_stages("deaths") > 0);
  WARN(count << " crates, " << run.of_stages("deaths") << " deaths");
  CHECK(run.written <= large_of(count));
  CHECK(run.received >= 2 * large_of(count) - large_of(count) / 10);
}

TEST_CASE("A failed attempt, a later retry and a dead letter keep the payload as it is",
          "[process]") {
  const Crates once = run_crates({"--count", "70", "--trouble", "once", "--every", "10"});
  check_whole(once, 70);
  CHECK(once.written == large_of(70));
  const Crates thrown =
      run_crates({"--count", "70", "--trouble", "throw", "--every", "10", "--retry"});
  CHECK(thrown.ended.exit_code == 3);
  CHECK(thrown.crates == 63);
  CHECK(thrown.lost == 7);
  CHECK(thrown.written == large_of(70));
  const Crates dead = run_crates({"--count", "70", "--trouble", "abort", "--every", "35"});
  CHECK(dead.ended.exit_code == 3);
  CHECK(dead.crates == 68);
  CHECK(dead.corrupt + dead.doubled == 0);
}

TEST_CASE("A process whose payload is no file of the right kind is killed, and its item charged",
          "[process]") {
  const std::string trouble = GENERATE("pipe", "short", "unsealed");
  CAPTURE(trouble);
  // The last stage's processes would be next: only the first item's are wrong, and come first.
  const Crates run = run_crates({"--count", "20", "--size", "100000", "--trouble", trouble,
                                 "--every", "100", "--attempts", "2"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 3);
  CHECK(run.crates == 19);
  CHECK(run.lost == 1);
  CHECK(run.corrupt == 0);
  CHECK_THAT(run.ended.err, Contains("its process died 2 times"));
  CHECK_THAT(run.ended.err,
             Contains(trouble == "short" ? "longer than its file" : "can still be changed"));
}

TEST_CASE("Few descriptors: payloads are copied instead, and nothing is lost", "[process]") {
  const std::string limit = GENERATE("46", "64", "100");
  CAPTURE(limit);
  const Number count = scaled(210);
  const Crates run = read_crates(run_program(
      {"/bin/sh", "-c",
       "ulimit -n " + limit +
           "; exec " SLUICE_BLOCKS_PROGRAM
           " run crates --quiet --carrier pack=process --carrier check=process --count " +
           std::to_string(count)}));
  check_whole(run, count);
}

TEST_CASE("Memory budgets count payloads that lie in files", "[process]") {
  const Number count = scaled(200);
  const Crates run = run_crates({"--count", std::to_string(count), "--size", "1048576", "--unseen",
                                 "--memory", "8M", "--workers", "pack=2"});
  check_whole(run, count);
  CHECK(run.report["memory"]["charged"] == 0);
  CHECK(run.report["memory"]["peak"] >= (testing_support::kUnderSanitizer ? 1U << 20U : 4U << 20U));
  // Beyond the budget: an item per producer and lane, and the outputs of one per worker.
  CHECK(run.report["memory"]["peak"] <= 20U << 20U);
}

}  // namespace
}  // namespace sluice
