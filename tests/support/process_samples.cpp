// support/process_samples.cpp
// SPDX-License-Identifier: MIT
#include <support/process_samples.hpp>

#include <catch2/catch.hpp>

#include <support/places.hpp>
#include <support/scratch.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice::testing_support {
namespace {

using Words = std::vector<std::string>;

Words command(Words words, const Words& stages) {
  words.insert(words.begin(), {SLUICE_COMMAND, "run"});
  words.emplace_back("--quiet");
  for (const std::string& stage : stages) {
    words.insert(words.end(), {"--carrier", stage + "=process"});
  }
  return words;
}

}  // namespace

ProcessRun run_on_processes(Words words, const Words& stages, const std::string& report) {
  words.insert(words.end(), {"--report", report});
  ProcessRun run{.ended = run_program(command(std::move(words), stages))};
  const auto json = nlohmann::json::parse(content_of(report), nullptr, false);
  if (json.is_discarded()) return run;
  run.balanced = json["ledger"]["balanced"].get<bool>();
  for (const std::string& stage : stages) {
    for (const auto& each : json["stages"]) {
      if (each["name"] != stage) continue;
      run.processes.push_back(each["processes"].get<std::uint64_t>());
      run.deaths.push_back(each["deaths"].get<std::uint64_t>());
    }
  }
  if (json.contains("chaos")) run.stops = json["chaos"]["stops"].get<std::uint64_t>();
  return run;
}

Words chaos_words(const Words& stages, unsigned kills, unsigned stops, std::uint64_t seed) {
  std::string faults;
  for (const std::string& stage : stages) {
    faults += "kill=" + stage + ':' + std::to_string(kills) + ',';
    faults += "stop=" + stage + ':' + std::to_string(stops) + ',';
  }
  return {"--chaos", faults + "seed=" + std::to_string(seed)};
}

std::string process_refusal(Words words, const std::string& stage) {
  const Ended ended = run_program(command(std::move(words), {stage}));
  INFO(ended.err);
  CHECK(ended.exit_code == 2);
  CHECK(ended.out.empty());
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  CHECK_THAT(ended.err, Catch::Contains("stage " + stage + ": it can't run on carrier process: "));
  return ended.err;
}

}  // namespace sluice::testing_support
