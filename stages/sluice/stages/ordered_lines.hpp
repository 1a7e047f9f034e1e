// sluice/stages/ordered_lines.hpp: holds lines back until it is their turn.
// Layer: stages. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/stages/numbered_line.hpp>
#include <sluice/stages/text_writer.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::stages {

class OrderedLines {
 public:
  explicit OrderedLines(std::size_t most_early) noexcept : most_early_(most_early) {}

  /// Writes the line and those it was holding up, or keeps it.
  /// Throws  std::runtime_error for a number that was there already, and when too many wait.
  void add(NumberedLine&& line, TextWriter& writer);

  /// Writes what still waits, in order, leaving out the numbers that never came.
  void write_rest(TextWriter& writer);

 private:
  void write_first(TextWriter& writer);

  std::size_t most_early_;
  std::uint64_t next_ = 0;
  std::vector<NumberedLine> early_;  // a heap, the lowest number first
};

}  // namespace sluice::stages
