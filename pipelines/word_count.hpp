// pipelines/word_count.hpp: the sample that counts words.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/main.hpp>
#include <sluice/pipeline.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::samples {

struct WordCountOptions {
  std::vector<std::string> paths{"-"};  ///< files, directories (recursively), "-" standard input
  std::size_t top = 20;                 ///< words to print; 0 prints all
  std::string output = "-";             ///< file for the result; "-" is standard output
  std::size_t chunk_bytes = std::size_t{256} * 1024;  ///< read and counted at once by a worker
};

/// Describes  read -> count -> rank -> write: lines of count, tab, word; the most frequent word
/// first, ties in byte order. A word is a maximal run of ASCII letters, in lower case.
void describe_word_count(Pipeline& pipeline, const WordCountOptions& options);

/// The entry of `sluice run word_count`.
[[nodiscard]] PipelineEntry word_count();

}  // namespace sluice::samples
