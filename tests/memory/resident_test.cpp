// memory/resident_test.cpp: what a process really holds: anonymous resident memory stays near the budget of its
// run, and does not without one.
// SPDX-License-Identifier: MIT
#include <pipelines/child_program.hpp>
#include <support/places.hpp>
#include <support/scale.hpp>

#include <nlohmann/json.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace sluice::testing_support;
using Words = std::vector<std::string>;

constexpr std::uint64_t kMiB = 1024;  // in KiB

struct Seen {
  std::uint64_t resident_kib = 0;
  std::string sum;
};

/// Runs the program: items of 10 KiB become items of 1 MiB, two workers make them.
Seen grow(const std::string& carrier, Words more) {
  Words words = {SLUICE_MEMORY_PROGRAM, "run", "--quiet", "--workers", "grow=2"};
  for (const char* stage : {"read", "grow", "watch"}) {
    words.insert(words.end(), {"--carrier", std::string(stage) + "=" + carrier});
  }
  words.insert(words.end(), {"--count", std::to_string(scaled(600))});
  words.insert(words.end(), more.begin(), more.end());
  const Ended ended = run_program(words);
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  Seen seen;
  seen.resident_kib = std::stoull(ended.out.substr(ended.out.find(' ')));
  seen.sum = ended.out.substr(ended.out.find("sum"));
  return seen;
}

TEST_CASE(
    "Memory: resident memory stays below the budget and 64 MiB, with items that grow 100 times",
    "[memory]") {
  for (const std::string carrier : {"thread", "pool"}) {
    const Seen without = grow(carrier, {});
    std::cout << "memory, resident on " << carrier << ": " << without.resident_kib / kMiB
              << " MiB without a budget";
    for (const std::uint64_t mib : {64U, 256U}) {
      INFO("carrier " << carrier << ", budget of " << mib << " MiB");
      const Seen with = grow(carrier, {"--memory", std::to_string(mib) + "M"});
      std::cout << ", " << with.resident_kib / kMiB << " with " << mib;
      CHECK(with.sum == without.sum);
      if (kUnderSanitizer) continue;  // its allocator keeps what is freed
      CHECK(with.resident_kib < (mib + 64) * kMiB);
      CHECK(without.resident_kib > (mib + 64) * kMiB * 6 / 5);
    }
    std::cout << '\n';
  }
}

}  // namespace
