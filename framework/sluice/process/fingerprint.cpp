// sluice/process/fingerprint.cpp: FNV-1a over what describes a stage.
// SPDX-License-Identifier: MIT
#include <sluice/process/fingerprint.hpp>

#include <sluice/error.hpp>
#include <sluice/pipeline.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace sluice::detail {
namespace {

// 8 bytes each have room in one message.
constexpr std::size_t kMostStages = 8'000;

class Hash {
 public:
  void add(std::uint64_t number) noexcept {
    for (int i = 0; i < 8; ++i) byte((number >> (8 * i)) & 0xff);
  }
  void add(std::string_view text) noexcept {
    for (const char c : text) byte(static_cast<unsigned char>(c));
    add(text.size());  // so that "ab", "c" is not "a", "bc"
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

 private:
  void byte(std::uint64_t value) noexcept { value_ = (value_ ^ value) * 0x100000001b3ULL; }
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

std::uint64_t number_of(const Graph& graph, std::size_t stage) {
  const StageDef& def = graph.stages[stage];
  Hash hash;
  hash.add(def.name);
  hash.add(def.kind);
  hash.add(static_cast<std::uint64_t>(def.role));
  hash.add(def.in.name);
  hash.add(def.out.name);
  for (const Connection& connection : graph.connections) {
    if (connection.from != stage && connection.to != stage) continue;
    hash.add(connection.from);
    hash.add(connection.to);
    hash.add(connection.adaptors);
    hash.add(connection.keyed ? 1 : 0);
  }
  return hash.value();
}

}  // namespace

Fingerprint fingerprint_of(const Pipeline& pipeline) {
  const Graph& graph = pipeline.graph();
  if (graph.stages.size() > kMostStages) {
    throw UsageError(
        fmt::format("pipeline {}: {} stages are too many for worker processes by "
                    "spawn; the most is {}",
                    pipeline.name(), graph.stages.size(), kMostStages));
  }
  Fingerprint fingerprint;
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    fingerprint.stages.push_back(number_of(graph, i));
    fingerprint.names.push_back(graph.stages[i].name);
  }
  return fingerprint;
}

std::string difference(const Fingerprint& ours, const Fingerprint& theirs) {
  constexpr const char* kWhy =
      "the program that was started again has built another pipeline ({}); what a builder makes "
      "may depend on its arguments alone, and run() has to run that pipeline";
  const auto at = std::mismatch(ours.stages.begin(), ours.stages.end(), theirs.stages.begin(),
                                theirs.stages.end());
  if (at.first == ours.stages.end() && at.second == theirs.stages.end()) return {};
  if (at.first == ours.stages.end()) {
    return fmt::format(
        kWhy, fmt::format("{} stages instead of {}", theirs.stages.size(), ours.stages.size()));
  }
  const auto index = static_cast<std::size_t>(at.first - ours.stages.begin());
  return fmt::format(kWhy, fmt::format("stage {} is missing or not the same", ours.names[index]));
}

}  // namespace sluice::detail
