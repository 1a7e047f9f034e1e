// bench/corpus_main.cpp: the program bench_corpus gathers the text that the benches read.
//
//   bench_corpus [DIRECTORY [MEGABYTES]]      default: build/bench_corpus, 512
// SPDX-License-Identifier: MIT
#include <support/corpus.hpp>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  try {
    const std::string directory = argc > 1 ? argv[1] : sluice::bench::corpus_directory();
    const std::uint64_t megabytes = argc > 2 ? std::stoull(argv[2]) : 512;
    const auto paths = sluice::bench::gather_corpus(directory, megabytes * 1'000'000);
    std::printf("%s: %zu files, %.1f MB\n", directory.c_str(), paths.size(),
                static_cast<double>(sluice::bench::total_bytes(paths)) / 1e6);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_corpus: %s\n", error.what());
    return 1;
  }
}
