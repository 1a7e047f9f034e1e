// tests/processes/mixes_test.cpp: random pipelines with stages on threads, on the pool and in processes, in any mix:
// what comes out is what comes out with all stages on threads, also while processes are killed.
//
// One seed again: build/release/bin/mix_program run mix --seed N, with and without --threads.
// SPDX-License-Identifier: MIT
#include <pipelines/child_program.hpp>

#include <catch2/catch.hpp>
#include <support/places.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace sluice {
namespace {

using testing_support::Ended;
using testing_support::run_program;
using testing_support::scaled;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

/// What a run has come to. Two runs of a seed differ in nothing of it.
struct Outcome {
  int exit_code = -1;
  std::map<std::string, Words> arrived{};  // by group; of those that have no order, sorted
  Words dead{};                            // stage, and what it was; sorted
  std::map<std::string, std::uint64_t> counts{};
};

struct MixRun {
  Ended ended;
  Outcome outcome;
  Json report{};

  [[nodiscard]] std::uint64_t deaths() const {
    std::uint64_t sum = 0;
    for (const auto& stage : report["stages"]) sum += stage["deaths"].get<std::uint64_t>();
    return sum;
  }
  [[nodiscard]] Words stages_in_processes() const {
    Words names;
    for (const auto& stage : report["stages"]) {
      if (stage["carrier"] == "process") names.push_back(stage["name"]);
    }
    return names;
  }
};

// Lines "SINK|any|ITEM" and "SINK|in order|ITEM".
std::map<std::string, Words> read_arrived(const std::string& out) {
  std::map<std::string, Words> arrived;
  std::istringstream in(out);
  for (std::string line; std::getline(in, line);) {
    const std::size_t at = line.rfind('|');
    if (at == line.npos) continue;
    arrived[line.substr(0, at)].push_back(line.substr(at + 1));
  }
  for (auto& [group, lines] : arrived) {
    if (group.ends_with("|any")) std::sort(lines.begin(), lines.end());
  }
  return arrived;
}

Words read_dead(const std::string& letters) {
  Words dead;
  std::istringstream in(letters);
  for (std::string line; std::getline(in, line);) {
    const Json letter = Json::parse(line);
    dead.push_back(letter["stage"].get<std::string>() + ": " +
                   letter["subject"].get<std::string>());
  }
  std::sort(dead.begin(), dead.end());
  return dead;
}

std::map<std::string, std::uint64_t> read_counts(const Json& report) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& stage : report["stages"]) {
    const std::string name = stage["name"];
    for (const std::string what :
         {"in", "out", "completed", "filtered", "skipped", "dead", "failed", "cancelled"}) {
      // How many packs several workers make is left to chance.
      const bool counts_packs = (name.starts_with("pack") && what == "out") ||
                                (name.starts_with("unpack") && what != "out");
      if (!counts_packs) counts[name + ' ' + what] = stage[what];
    }
  }
  counts["dead letters"] = report["dead_letters"];
  return counts;
}

MixRun run_mix(std::uint64_t seed, const Words& more) {
  const testing_support::Scratch scratch;
  Words words = {SLUICE_MIX_PROGRAM,
                 "run",
                 "mix",
                 "--seed",
                 std::to_string(seed),
                 "--count",
                 std::to_string(scaled(400)),
                 "--quiet",
                 "--report",
                 scratch / "report",
                 "--dead-letters",
                 scratch / "letters"};
  words.insert(words.end(), more.begin(), more.end());
  MixRun run{.ended = run_program(words), .outcome = {}};
  run.report = Json::parse(testing_support::content_of(scratch / "report"), nullptr, false);
  INFO("exit " << run.ended.exit_code << " signal " << run.ended.signal << '\n' << run.ended.err);
  REQUIRE_FALSE(run.report.is_discarded());
  CHECK(run.report["ledger"]["balanced"] == true);
  CHECK(run.report["status"] == "done");
  if (run.report.contains("memory")) CHECK(run.report["memory"]["charged"] == 0);
  run.outcome = {.exit_code = run.ended.exit_code,
                 .arrived = read_arrived(run.ended.out),
                 .dead = read_dead(testing_support::content_of(scratch / "letters")),
                 .counts = read_counts(run.report)};
  return run;
}

/// Group by group, so that a difference is found in a line or two.
void check_same(const Outcome& run, const Outcome& control) {
  CHECK(run.exit_code == control.exit_code);
  CHECK(run.counts == control.counts);
  CHECK(run.dead == control.dead);
  REQUIRE(run.arrived.size() == control.arrived.size());
  for (const auto& [group, lines] : control.arrived) {
    CAPTURE(group, lines.size());
    const auto found = run.arrived.find(group);
    REQUIRE(found != run.arrived.end());
    const Words& got = found->second;
    CHECK(got.size() == lines.size());
    const auto [is, wanted] = std::mismatch(got.begin(), got.end(), lines.begin(), lines.end());
    CHECK((is == got.end() ? "the end" : *is) == (wanted == lines.end() ? "the end" : *wanted));
  }
}

/// What changes nothing of what comes out, by seed: how processes are started, by what they talk, how much memory
/// items may hold.
Words ways_of(std::uint64_t seed) {
  Words words;
  if (seed % 5 == 0) words.insert(words.end(), {"--start-method", "spawn"});
  if (seed % 7 == 0) words.emplace_back("--packets");
  if (seed % 4 == 1) words.insert(words.end(), {"--memory", seed % 8 == 1 ? "1" : "200K"});
  return words;
}

Words with_faults(Words words, const Words& stages, std::uint64_t seed) {
  const bool slow = testing_support::kUnderSanitizer;
  std::string faults;
  for (const std::string& stage : stages) {
    faults += "kill=" + stage + (slow ? ":10," : ":40,");
    faults += "stop=" + stage + (slow ? ":3," : ":10,");
  }
  words.insert(words.end(), {"--chaos", faults + "seed=" + std::to_string(seed)});
  return words;
}

TEST_CASE("Whatever stages run on, and whoever is killed, what comes out is the same",
          "[process][mixes]") {
  auto random = testing_support::random_engine(3);
  const int wanted = testing_support::kUnderSanitizer ? 12 : 44;
  std::uint64_t mixes = 0;
  std::uint64_t items = 0;
  std::uint64_t letters = 0;
  std::uint64_t deaths = 0;
  std::uint64_t stops = 0;
  int seeds = 0;
  // How many kills short runs meet is for the machine to say, and a few seeds may have no dead letter.
  for (; seeds < wanted || deaths == 0 || letters == 0; ++seeds) {
    const std::uint64_t seed = random() % 1'000'000;
    std::cout << "mix " << seed << std::endl;
    CAPTURE(seed);
    const Outcome control = run_mix(seed, {"--threads"}).outcome;
    for (const auto& [group, lines] : control.arrived) items += lines.size();
    letters += control.dead.size();
    const Words ways = ways_of(seed);
    CAPTURE(ways);
    const MixRun mixed = run_mix(seed, ways);
    check_same(mixed.outcome, control);
    CHECK(mixed.deaths() == 0);
    const Words stages = mixed.stages_in_processes();
    if (stages.empty()) continue;
    ++mixes;
    CAPTURE(stages);
    const MixRun killed = run_mix(seed, with_faults(ways, stages, seed));
    check_same(killed.outcome, control);
    deaths += killed.deaths();
    stops += killed.report["chaos"]["stops"].get<std::uint64_t>();
  }
  CHECK(mixes > 0);
  CHECK(letters > 0);
  CHECK(deaths > 0);
  WARN(seeds << " pipelines, " << mixes << " with processes; " << items << " items at their ends, "
             << letters << " dead letters; " << deaths << " deaths, " << stops << " stops");
}

}  // namespace
}  // namespace sluice
