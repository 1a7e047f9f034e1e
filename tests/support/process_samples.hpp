// support/process_samples.hpp: samples as commands, with stages in worker processes.
// SPDX-License-Identifier: MIT
#pragma once

#include <pipelines/child_program.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::testing_support {

/// A run of the command, and what its report says of worker processes.
struct ProcessRun {
  Ended ended;
  bool balanced = false;
  std::vector<std::uint64_t> processes{};  ///< that were started, by stage as in `stages`
  std::vector<std::uint64_t> deaths{};     ///< likewise
  std::uint64_t stops = 0;                 ///< by chaos
};

/// Runs `sluice run` with these words and `stages` on processes. `report` is a file that may be written.
[[nodiscard]] ProcessRun run_on_processes(std::vector<std::string> words,
                                          const std::vector<std::string>& stages,
                                          const std::string& report);

/// The words for faults at these stages: kills and stops, so many a second each.
[[nodiscard]] std::vector<std::string> chaos_words(const std::vector<std::string>& stages,
                                                   unsigned kills, unsigned stops,
                                                   std::uint64_t seed);

/// Why `sluice run` with these words refuses to have the stage on processes; a line. Checks that it does.
[[nodiscard]] std::string process_refusal(std::vector<std::string> words, const std::string& stage);

}  // namespace sluice::testing_support
