// sluice/stages/inputs.hpp: several inputs one after the other, as one sequence of blocks.
//
// An input that can't be opened or read is a dead letter; the rest goes on. Records never span
// inputs.
// Layer: stages. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/context.hpp>
#include <sluice/stages/block_reader.hpp>
#include <sluice/stages/byte_set.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::stages {

class Inputs {
 public:
  /// Tells the context how many bytes to expect from those paths that are regular files.
  Inputs(const std::vector<std::string>& paths, std::size_t block_bytes, const ByteSet& cut_after,
         Context& context);

  /// Blocks   as BlockReader::next() does.
  /// Returns  false after the last input and once a stop is requested.
  [[nodiscard]] bool next(Block& block);

 private:
  [[nodiscard]] bool open_next();

  const std::vector<std::string>& paths_;
  std::size_t at_ = 0;
  Context& context_;
  BlockReader reader_;
};

}  // namespace sluice::stages
