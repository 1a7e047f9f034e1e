// sluice/stages/numbered_line.hpp: a line that knows its place.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace sluice::stages {

/// A line and its number in a sequence, from 0.
struct NumberedLine {
  std::uint64_t number = 0;
  std::string text;

  friend bool operator==(const NumberedLine&, const NumberedLine&) = default;
};

}  // namespace sluice::stages
