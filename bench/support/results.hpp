// bench/support/results.hpp: outcomes as a table for readers and as JSON for the record.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/duel.hpp>

#include <string>
#include <vector>

namespace sluice::bench {

/// What produced a result.
struct Provenance {
  std::string cpu_model;
  unsigned cpus = 0;
  std::string kernel;
  std::string compiler;
  std::string flags;
  std::string commit;
  std::string date;  // UTC, ISO 8601
};

[[nodiscard]] Provenance provenance();

/// Prints the machine, the method and the first two lines of the table to standard output.
void print_heading(const Method& method);

/// Prints one row of the table.
void print_row(const Outcome& outcome);

/// Where the results of bench `name` are kept: bench/results/<name>.json.
[[nodiscard]] std::string result_path(const std::string& name);

/// Writes every sample of every outcome with its provenance.
///
/// Throws   std::system_error with the path when it can't be written.
void write_results(const std::string& path, const std::string& name, const Method& method,
                   const std::vector<Outcome>& outcomes);

}  // namespace sluice::bench
