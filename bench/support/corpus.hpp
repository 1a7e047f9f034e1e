// bench/support/corpus.hpp: real text for the benches, gathered from the installed system.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::bench {

/// Makes sure that `directory` holds at least `bytes` of text in files of 16 MiB, and gathers it if
/// not. Recipe: all regular files below /usr/include, /usr/lib/python3, /usr/lib/python3.11,
/// /usr/share/doc and /usr/share/perl, in the order of their paths, without links and without files
/// that have a zero byte in their first 4 KiB; again from the start when they are too few.
///
/// Returns  the paths of the files, sorted.
/// Throws   std::runtime_error when the system has no such text.
std::vector<std::string> gather_corpus(const std::string& directory, std::uint64_t bytes);

/// Where the corpus of the benches lies: $SLUICE_BENCH_CORPUS, else build/bench_corpus.
[[nodiscard]] std::string corpus_directory();

/// Sum of the sizes of the files.
[[nodiscard]] std::uint64_t total_bytes(const std::vector<std::string>& paths);

}  // namespace sluice::bench
