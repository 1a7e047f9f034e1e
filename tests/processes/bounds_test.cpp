// tests/processes/bounds_test.cpp: queues bounded in bytes before, between and behind process stages.
//
// What the contract allows (StageOptions::capacity_bytes): a queue never holds more than its bound, or one heavier
// item alone, so its peak is known exactly where an item is heavier than the bound. A worker holds its share of the bound,
// and takes one item more while anything of the share is left.
// SPDX-License-Identifier: MIT
#include <pipelines/child_program.hpp>

#include <catch2/catch.hpp>
#include <support/places.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace sluice {
namespace {

using testing_support::Ended;
using testing_support::run_program;
using testing_support::scaled;
using Words = std::vector<std::string>;
using Number = unsigned long long;

/// What the program says, and its report.
struct Loads {
  Ended ended;
  Number outputs = 0, lost = ~0ULL, doubled = 0, corrupt = 0;
  Number heaviest_sent = 0, heaviest_received = 0;
  bool ordered = false;
  nlohmann::json report{};

  [[nodiscard]] Number deaths() const {
    Number sum = 0;
    for (const auto& stage : report["stages"]) sum += stage["deaths"].get<Number>();
    return sum;
  }
  /// Of the queue between work and check both kinds of items are known.
  [[nodiscard]] Number heaviest() const { return std::max(heaviest_sent, heaviest_received); }
};

Loads run_loads(const Words& words) {
  const testing_support::Scratch scratch;
  Words all = {SLUICE_BOUNDS_PROGRAM, "run", "loads", "--quiet", "--report", scratch / "report"};
  all.insert(all.end(), words.begin(), words.end());
  Loads run{.ended = run_program(all)};
  int ordered = 0;
  std::sscanf(
      run.ended.out.c_str(),
      "heaviest %llu outputs %llu lost %llu doubled %llu corrupt %llu ordered %d heaviest %llu",
      &run.heaviest_sent, &run.outputs, &run.lost, &run.doubled, &run.corrupt, &ordered,
      &run.heaviest_received);
  run.ordered = ordered == 1;
  run.report =
      nlohmann::json::parse(testing_support::content_of(scratch / "report"), nullptr, false);
  return run;
}

/// Stages on processes: both, or one of them beside a thread.
Words on_processes(const std::string& stages, int workers) {
  Words words;
  for (const std::string stage : {"work", "check"}) {
    const bool here = stages == "both" || stages == stage;
    words.insert(words.end(), {"--carrier", stage + (here ? "=process" : "=thread"), "--workers",
                               stage + '=' + std::to_string(workers)});
  }
  return words;
}

std::string kills_of(const std::string& stages, unsigned rate, Number seed) {
  const std::string each = std::to_string(testing_support::kUnderSanitizer ? rate / 4 : rate);
  std::string faults;
  if (stages != "check") faults += "kill=work:" + each + ',';
  if (stages != "work") faults += "kill=check:" + each + ',';
  return faults + "seed=" + std::to_string(seed);
}

Number outputs_of_loads(Number count) { return count + count / 2; }

void check_whole(const Loads& run, Number count) {
  INFO(run.ended.err);
  REQUIRE(run.ended.exit_code == 0);
  CHECK(run.outputs == outputs_of_loads(count));
  CHECK(run.lost == 0);
  CHECK(run.doubled == 0);
  CHECK(run.corrupt == 0);
  REQUIRE(run.report.contains("ledger"));
  CHECK(run.report["ledger"]["balanced"] == true);
}

/// Every queue's peak, and that nothing is left in it.
void check_bounds(const Loads& run, Number bound) {
  REQUIRE(run.report["edges"].size() == 3);
  for (const auto& edge : run.report["edges"]) {
    CAPTURE(edge["name"]);
    const auto& bytes = edge["bytes"];
    const Number peak = bytes["high_water"];
    CHECK(bytes["capacity"] == bound);
    CHECK(bytes["queued"] == 0);
    CHECK(edge["queued"] == 0);
    CHECK(peak <= std::max(bound, run.heaviest()));
    CHECK(peak >= run.heaviest());  // once it was in there
    CHECK(edge["done"] == edge["put"]);
  }
}

/// Runs until kills have met somebody: how many a short run meets is for the machine to say.
template <class Check>
void run_killed(const Words& words, const std::string& stages, const Check& check) {
  Number deaths = 0;
  for (Number seed = 41; deaths == 0; ++seed) {
    CAPTURE(seed);
    Words all = words;
    all.insert(all.end(), {"--chaos", kills_of(stages, 60, seed)});
    const Loads run = run_loads(all);
    check(run);
    deaths += run.deaths();
  }
  WARN(deaths << " deaths");
}

/// Sizes that are mixed, in bytes: below the bound, above it all the same, and all above it.
struct Mix {
  const char* name;
  Number usual, heavy, bound;
};

TEST_CASE("Queues around process stages hold no more bytes than their bound or one heavier item",
          "[process][bounds]") {
  const auto mix = GENERATE(values<Mix>({{"all small", 400, 900, 4'000},
                                         {"some heavier than the bound", 3'000, 90'000, 20'000},
                                         {"nearly all heavier than the bound", 30'000, 70'000, 100},
                                         {"room for all", 2'000, 4'000, 100'000'000}}));
  const bool blocks = GENERATE(false, true);
  const bool keep = GENERATE(false, true);
  const Number count = scaled<Number>(mix.bound == 100 ? 1'000 : 4'000);
  CAPTURE(mix.name, blocks, keep);
  Words words = on_processes("both", 2);
  words.insert(words.end(),
               {"--count", std::to_string(count), "--usual", std::to_string(mix.usual), "--heavy",
                std::to_string(mix.heavy), "--bound", std::to_string(mix.bound)});
  if (blocks) words.emplace_back("--blocks");
  if (keep) words.emplace_back("--keep");
  const Loads run = run_loads(words);
  check_whole(run, count);
  check_bounds(run, mix.bound);
  if (keep) CHECK(run.ordered);
  CHECK(run.deaths() == 0);
}

TEST_CASE("Bounds in bytes hold and give everything back while processes are killed",
          "[process][bounds]") {
  const auto mix = GENERATE(values<Mix>(
      {{"small", 800, 1'600, 8'000}, {"some heavier than the bound", 3'000, 90'000, 20'000}}));
  const std::string stages = GENERATE("both", "work", "check");
  const bool blocks = GENERATE(false, true);
  const bool keep = GENERATE(false, true);
  const Number count = scaled<Number>(2'000);
  CAPTURE(mix.name, stages, blocks, keep);
  Words words = on_processes(stages, 2);
  words.insert(words.end(), {"--count", std::to_string(count), "--usual", std::to_string(mix.usual),
                             "--heavy", std::to_string(mix.heavy), "--bound",
                             std::to_string(mix.bound), "--spin-us", "20"});
  if (blocks) words.emplace_back("--blocks");
  if (keep) words.emplace_back("--keep");
  run_killed(words, stages, [&](const Loads& run) {
    check_whole(run, count);
    check_bounds(run, mix.bound);
    if (keep) CHECK(run.ordered);
  });
}

/// The most that all items of a run may hold: three queues; what workers have taken, by share; and outputs that wait
/// for room: the source's item, the two of an item per worker of work, the one of check's.
Number most_of_run(const Mix& mix, Number heaviest, Number workers) {
  const Number queue = std::max(mix.bound, heaviest);
  const Number taken = mix.bound + workers * heaviest;
  return 3 * queue + 2 * taken + queue + heaviest + 2 * workers * heaviest + workers * heaviest;
}

// The budget is none that binds: it is there to count what all items hold, and that all of it is given back.
TEST_CASE("Workers of process stages hold their share of the bound and no more",
          "[process][bounds]") {
  const Mix mix = {"mixed", 4'000, 20'000, 60'000};
  const bool kills = GENERATE(false, true);
  const int workers = GENERATE(1, 3);
  CAPTURE(kills, workers);
  const Number count = scaled<Number>(6'000);
  Words words = on_processes("both", workers);
  words.insert(words.end(),
               {"--count", std::to_string(count), "--usual", std::to_string(mix.usual), "--heavy",
                std::to_string(mix.heavy), "--bound", std::to_string(mix.bound), "--memory", "4G"});
  const auto check = [&](const Loads& run) {
    check_whole(run, count);
    check_bounds(run, mix.bound);
    CHECK(run.report["memory"]["charged"] == 0);
    CHECK(run.report["memory"]["peak"] <=
          most_of_run(mix, run.heaviest(), static_cast<Number>(workers)));
  };
  if (kills) run_killed(words, "both", check);
  if (!kills) check(run_loads(words));
}

}  // namespace
}  // namespace sluice
