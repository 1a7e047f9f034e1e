// tests/processes/process_run.hpp: runs process_program and reads what it says.
// SPDX-License-Identifier: MIT
#pragma once

#include <pipelines/child_program.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::testing_support {

/// What a run of `parcels` has counted.
struct Counted {
  Ended ended;
  std::uint64_t outputs = 0;
  std::uint64_t lost = 0;
  std::uint64_t doubled = 0;
  std::uint64_t corrupt = 0;
  bool ordered = false;
  nlohmann::json report;  ///< empty when none was written

  [[nodiscard]] std::uint64_t of(const std::string& stage, const std::string& member) const;
  [[nodiscard]] std::uint64_t of_work(const std::string& member) const {
    return of("work", member);
  }
};

/// `run parcels` with these words, `work` on processes unless they say otherwise; the report is read.
[[nodiscard]] Counted run_parcels(std::vector<std::string> words,
                                  const ChildProgram::Streams& streams = {});
/// Outputs of parcels 0 to count - 1.
[[nodiscard]] std::uint64_t outputs_of_parcels(std::uint64_t count);
/// How often it says so.
[[nodiscard]] std::size_t times(const std::string& what, const std::string& text);
/// What nobody waits for ends by itself; the watchdog is the limit.
void wait_until_gone();

/// Processes that run the program under test, whoever started them.
[[nodiscard]] std::vector<int> processes_of_program();
/// Processes that run this executable.
[[nodiscard]] std::vector<int> processes_of(const std::string& image_file);

}  // namespace sluice::testing_support
