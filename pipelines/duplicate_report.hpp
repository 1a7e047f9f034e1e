// pipelines/duplicate_report.hpp: sets of equal files as text.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <duplicate_jobs.hpp>

#include <sluice/emitter.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::samples {

/// A path as JSON: a string where it is UTF-8, which keeps its bytes; else {"hex": "..."}.
[[nodiscard]] std::string json_of_path(const std::string& path);

/// Sorts the paths of each set, and the sets by their first paths; emits lines once all sets are known.
class SortSets {
 public:
  using Out = std::string;

  explicit SortSets(bool json) : json_(json) {}

  void process(const DuplicateJob& set, Emitter<std::string>& out);
  bool finish(Emitter<std::string>& out);

 private:
  struct Set {
    std::uint64_t size_bytes = 0;
    std::vector<std::string> paths{};
  };

  void emit_lines(const Set& set, bool is_first, Emitter<std::string>& out) const;
  [[nodiscard]] static std::string json_of(const Set& set);

  bool json_;
  std::vector<Set> sets_{};
  bool sorted_ = false;
  std::size_t next_ = 0;
};

}  // namespace sluice::samples
