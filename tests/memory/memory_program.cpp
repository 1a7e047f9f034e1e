// tests/memory/memory_program.cpp: items that grow a hundredfold in a stage, before a slow sink that watches how
// much anonymous memory is resident.
//
// Prints the most that was seen, in KiB, and a sum over all items.
// SPDX-License-Identifier: MIT
#include <sluice/main.hpp>
#include <sluice/sluice.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>

namespace {

constexpr std::size_t kGrowth = 100;

// Anonymous resident memory of this process in KiB.
std::uint64_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8));
  }
  return 0;
}

// Slow by work: each byte depends on the one before (FNV-1a).
std::uint64_t digest(const std::string& text) {
  std::uint64_t hash = 14695981039346656037U;
  for (int pass = 0; pass < 3; ++pass) {
    for (const char c : text) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    }
  }
  return hash;
}

struct Watch {
  void process(const std::string& text) {
    sum ^= digest(text);
    peak = std::max(peak, resident_kib());
  }
  void finish() const {
    std::printf("resident %llu KiB, sum %llu\n", static_cast<unsigned long long>(peak),
                static_cast<unsigned long long>(sum));
  }
  std::uint64_t peak = 0;
  std::uint64_t sum = 0;
};

std::string grown(const std::string& seed) {
  std::string text;
  text.reserve(kGrowth * seed.size());
  for (std::size_t i = 0; i < kGrowth; ++i) text += seed;
  return text;
}

void describe(sluice::Pipeline& p, const sluice::Args& args) {
  const std::uint64_t count = args.number("count");
  const std::size_t bytes = args.size("bytes");
  p.source("read",
           [count, bytes, n = std::uint64_t{0}]() mutable -> std::optional<std::string> {
             if (n == count) return std::nullopt;
             return std::string(bytes, static_cast<char>('a' + n++ % 26));
           }) |
      sluice::map("grow", grown) | sluice::sink("watch", Watch{});
}

}  // namespace

int main(int argc, char** argv) {
  return sluice::main(
      argc, argv,
      {{.name = "grow",
        .summary = "items that grow a hundredfold",
        .args = {{.name = "count", .kind = sluice::ArgKind::number, .fallback = "600"},
                 {.name = "bytes", .kind = sluice::ArgKind::size, .fallback = "10K"}},
        .build = describe}},
      {.summary = "A pipeline for the tests of memory budgets."});
}
