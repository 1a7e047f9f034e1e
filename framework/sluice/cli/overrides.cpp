// sluice/cli/overrides.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/overrides.hpp>

#include <sluice/cli/suggest.hpp>
#include <sluice/cli/values.hpp>
#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace sluice::detail {
namespace {

// More than any machine can use; beyond it the number is a slip, and memory would be the one to say.
struct NumberOption {
  const char* name;
  std::size_t StageOverride::*member;
  std::uint64_t most;
  const char* help;
  bool is_size = false;
};
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 50;
constexpr std::array<NumberOption, 4> kNumbers = {{
    {"workers", &StageOverride::workers, 4096, "Workers of a stage"},
    {"capacity", &StageOverride::capacity, std::uint64_t{1} << 28,
     "Items that the queue in front of a stage holds (no effect on a source)"},
    {"capacity-bytes", &StageOverride::capacity_bytes, kMostBytes,
     "Bytes that the items in the queue in front of a stage may hold (no effect on a source)",
     true},
    {"batch", &StageOverride::batch, std::uint64_t{1} << 20,
     "Items a stage takes at once, at most"},
}};
constexpr std::array<std::pair<const char*, Carrier>, 3> kCarriers = {
    {{"thread", Carrier::thread}, {"pool", Carrier::pool}, {"process", Carrier::process}}};

StageOverride& entry_of(std::vector<StageOverride>& overrides, const std::string& stage) {
  for (StageOverride& entry : overrides) {
    if (entry.stage == stage) return entry;
  }
  return overrides.emplace_back(StageOverride{.stage = stage});
}

void check_stage(const std::string& what, const std::string& stage, const Pipeline& pipeline) {
  std::vector<std::string> names;
  for (const StageDef& def : pipeline.graph().stages) names.push_back(def.name);
  if (std::find(names.begin(), names.end(), stage) != names.end()) return;
  throw UsageError(fmt::format("{}: pipeline {} has no stage {}{}", what, pipeline.name(), stage,
                               did_you_mean(stage, names)));
}

std::size_t in_range(const std::string& what, std::uint64_t number, std::uint64_t most) {
  if (number < 1 || number > most) {
    throw UsageError(fmt::format("{}: {} is out of range; give 1 to {}", what, number, most));
  }
  return number;
}

Carrier carrier_of(const std::string& what, const std::string& word) {
  std::vector<std::string> names;
  for (const auto& [name, carrier] : kCarriers) {
    if (word == name) return carrier;
    names.emplace_back(name);
  }
  throw UsageError(
      fmt::format("{}: there is no carrier {}{}", what, word, did_you_mean(word, names)));
}

// Calls set(what, stage's entry, value) for every STAGE=VALUE given for the option.
template <class Set>
void each_assignment(const GivenWords& options, const std::string& name, const Pipeline& pipeline,
                     std::vector<StageOverride>& overrides, Set set) {
  const auto found = options.find(name);
  if (found == options.end()) return;
  for (const std::string& word : found->second) {
    const auto [stage, value] = parse_assignment("--" + name, word);
    const std::string what = fmt::format("--{} {}", name, word);
    check_stage(what, stage, pipeline);
    set(what, entry_of(overrides, stage), value);
  }
}

}  // namespace

std::vector<CommandOption> override_options() {
  std::vector<CommandOption> options;
  for (const NumberOption& number : kNumbers) {
    options.push_back({{.name = number.name, .help = number.help, .fallback = "", .many = true},
                       number.is_size ? "STAGE=SIZE" : "STAGE=N"});
  }
  options.push_back(
      {{.name = "carrier", .help = "What a stage's workers run on", .fallback = "", .many = true},
       "STAGE=thread|pool|process"});
  options.push_back(
      {{.name = "memory",
        .help =
            "Bytes that all items of the run may hold together, such as 256M; stages wait for it",
        .fallback = ""},
       "SIZE"});
  return options;
}

std::size_t memory_of(const GivenWords& options) {
  const auto found = options.find("memory");
  if (found == options.end()) return kAuto;
  const std::string& word = found->second.back();
  return in_range("--memory " + word, parse_size("--memory", word), kMostBytes);
}

std::vector<StageOverride> overrides_of(const GivenWords& options, const Pipeline& pipeline) {
  std::vector<StageOverride> overrides;
  for (const NumberOption& number : kNumbers) {
    each_assignment(options, number.name, pipeline, overrides,
                    [&](const std::string& what, StageOverride& entry, const std::string& value) {
                      const std::uint64_t parsed =
                          number.is_size ? parse_size(what, value) : parse_number(what, value);
                      entry.*number.member = in_range(what, parsed, number.most);
                    });
  }
  each_assignment(options, "carrier", pipeline, overrides,
                  [](const std::string& what, StageOverride& entry, const std::string& value) {
                    entry.carrier = carrier_of(what, value);
                  });
  return overrides;
}

}  // namespace sluice::detail
