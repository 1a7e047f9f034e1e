// memory/samples_test.cpp: the samples say the same with a tight memory budget.
// SPDX-License-Identifier: MIT
#include <pipelines/child_program.hpp>
#include <support/places.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

constexpr const char* kBudgets[] = {"1", "64K", "16M"};

Ended cli(Words words) {
  words.insert(words.begin(), {SLUICE_COMMAND, "run"});
  words.emplace_back("--quiet");
  return run_program(words);
}

// Texts of a few sizes in some directories, a third of them copies.
std::string make_tree(const Scratch& scratch) {
  auto random = random_engine();
  for (int i = 0; i < 150; ++i) {
    const std::size_t size = std::vector<std::size_t>{0, 3, 5000, 70'000, 300'000}[random() % 5];
    std::string content(size, ' ');
    for (char& byte : content) byte = "aab bcd\n"[random() % 8];
    const std::string name = "in/" + std::to_string(random() % 7) + '/' + std::to_string(i);
    scratch.file(name, content);
    if (random() % 3 == 0) scratch.file(name + " copy", content);
  }
  return scratch / "in";
}

// What the report says; at the end nothing is charged.
Json memory_in(const std::string& path) {
  std::ifstream file(path);
  const Json report = Json::parse(file);
  CHECK(report["ledger"]["balanced"] == true);
  CHECK(report["memory"]["charged"] == 0);
  CHECK(report["memory"]["peak"] > 0);
  return report["memory"];
}

}  // namespace

TEST_CASE("Samples: word_count counts the same with a tight memory budget", "[memory]") {
  const Scratch scratch;
  const std::string tree = make_tree(scratch);
  const Ended without = cli({"word_count", tree});
  REQUIRE(without.exit_code == 0);
  for (const std::string budget : kBudgets) {
    INFO("budget " << budget);
    const Ended with =
        cli({"word_count", tree, "--memory", budget, "--report", scratch / "report"});
    CHECK(with.exit_code == 0);
    CHECK(with.out == without.out);
    if (budget == "64K") CHECK(memory_in(scratch / "report")["budget"] == 65'536);
  }
}

TEST_CASE("Samples: pack makes the same archive with a tight memory budget", "[memory]") {
  const Scratch scratch;
  const std::string tree = make_tree(scratch);
  REQUIRE(cli({"pack", tree, "--output", scratch / "without"}).exit_code == 0);
  for (const std::string budget : kBudgets) {
    INFO("budget " << budget);
    const std::string archive = scratch / ("with " + budget);
    CHECK(
        cli({"pack", tree, "--output", archive, "--memory", budget, "--report", scratch / "report"})
            .exit_code == 0);
    CHECK(memory_in(scratch / "report")["peak"] > 300'000);  // contents count
    CHECK((content_of(archive) == content_of(scratch / "without")));
    const std::string out = scratch / ("out " + budget);
    CHECK(cli({"unpack", archive, "--output", out, "--memory", budget}).exit_code == 0);
    CHECK(cli({"pack_verify", archive, "--memory", budget}).exit_code == 0);
  }
}

TEST_CASE("Samples: find_duplicates finds the same with a tight memory budget", "[memory]") {
  const Scratch scratch;
  const std::string tree = make_tree(scratch);
  const Ended without = cli({"find_duplicates", tree});
  REQUIRE(without.exit_code == 0);
  REQUIRE(!without.out.empty());
  for (const std::string budget : kBudgets) {
    INFO("budget " << budget);
    const Ended with = cli({"find_duplicates", tree, "--memory", budget});
    CHECK(with.exit_code == 0);
    CHECK(with.out == without.out);
  }
}

TEST_CASE("Samples: a memory budget that is none is refused in one line", "[memory]") {
  const Scratch scratch;
  const std::string file = scratch.file("text", "a b a");
  for (const std::string bad : {"0", "-1", "much", "64X", "99999999T"}) {
    const Ended ended = cli({"word_count", file, "--memory", bad});
    CHECK(ended.exit_code == 2);
    CHECK_THAT(ended.err, Contains("--memory") && Contains(bad));
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  }
  const Ended ended = cli({"word_count", file, "--capacity-bytes", "count=0"});
  CHECK(ended.exit_code == 2);
  CHECK_THAT(ended.err, Contains("--capacity-bytes count=0: 0 is out of range"));
  const Ended described = run_program({SLUICE_COMMAND, "describe", "word_count", "--memory", "1M",
                                       "--capacity-bytes", "count=64K"});
  CHECK(described.exit_code == 0);
  CHECK_THAT(described.out, Contains("memory: items hold at most 1048576 bytes together\n") &&
                                Contains(" 65536 "));
}
