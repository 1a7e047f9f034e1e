// pipelines/find_duplicates_cli_test.cpp: find_duplicates as a command, alone and beside jdupes and fdupes.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <pipelines/child_program.hpp>
#include <support/places.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using Words = std::vector<std::string>;

Ended cli(Words words) {
  words.insert(words.begin(), {SLUICE_COMMAND, "run", "find_duplicates"});
  words.emplace_back("--quiet");
  return run_program(words);
}

// Groups as find_duplicates orders them.
std::string in_order(const std::string& text) {
  std::vector<Words> sets(1);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      sets.emplace_back();
    } else {
      sets.back().push_back(line);
    }
  }
  for (Words& set : sets) std::sort(set.begin(), set.end());
  std::sort(sets.begin(), sets.end());
  std::string all;
  for (const Words& set : sets) {
    if (set.empty()) continue;
    if (!all.empty()) all += '\n';
    for (const std::string& path : set) all += path + '\n';
  }
  return all;
}

bool has(const std::string& program) {
  return run_program({"/bin/sh", "-c", "command -v " + program}).exit_code == 0;
}

// Files of a few sizes in some directories, a third of them copies; no hard links, which each program
// reports by another name.
void make_tree(const Scratch& scratch) {
  auto random = random_engine();
  for (int i = 0; i < 500; ++i) {
    const std::size_t size = std::vector<std::size_t>{0, 3, 4096, 5000, 70'000}[random() % 5];
    std::string content(size, 'x');
    for (char& byte : content)
      byte = static_cast<char>('a' + (size > 3 ? random() % 20 : random() % 3));
    const std::string name = "in/" + std::to_string(random() % 7) + '/' + std::to_string(i);
    scratch.file(name, content);
    if (random() % 3 == 0) scratch.file(name + " copy", content);
    if (size > 0 && random() % 3 == 0) {
      content.back() = '!';
      scratch.file(name + " near", content);
    }
  }
}

}  // namespace

TEST_CASE("find_duplicates: prints groups, exit code 0, with dead letters 3, as JSON",
          "[duplicates][cli]") {
  const Scratch scratch;
  const std::string a = scratch.file("in/a", "content");
  const std::string b = scratch.file("in/b", "content");
  const Ended plain = cli({scratch / "in"});
  CHECK(plain.exit_code == 0);
  CHECK(plain.out == a + '\n' + b + '\n');
  CHECK(plain.err.empty());
  const Ended dead = cli({scratch / "in", scratch / "gone", "--json"});
  CHECK(dead.exit_code == 3);
  CHECK_THAT(dead.err, Contains("dead letter: stage walk, " + scratch / "gone" +
                                ": cannot open: No such file or directory (errno 2)"));
  const auto json = nlohmann::json::parse(dead.out);
  CHECK(json[0]["size"] == 7);
  CHECK(json[0]["paths"] == Words{a, b});
  CHECK(cli({scratch / "in", "--min-size", "8"}).out.empty());
  fs::create_hard_link(a, scratch / "in/c");
  CHECK(cli({scratch / "in"}).out == a + '\n' + b + '\n');
  CHECK(cli({scratch / "in", "--hard-links"}).out == a + '\n' + b + '\n' + scratch / "in/c" + '\n');
  const Ended refused = cli({"-"});
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Contains("give ./- for a file of that name"));
}

TEST_CASE("find_duplicates: a directory and a file without permission are dead letters",
          "[duplicates][cli]") {
  const Scratch scratch;
  scratch.file("in/closed/f", "content");
  const std::string a = scratch.file("in/a", "content");
  const std::string b = scratch.file("in/b", "content");
  scratch.file("in/unreadable", "content");
  fs::permissions(scratch.path(), fs::perms{0755});
  fs::permissions(scratch / "in/closed", fs::perms::none);
  fs::permissions(scratch / "in/unreadable", fs::perms::none);
  Words words{SLUICE_COMMAND, "run", "find_duplicates", scratch / "in", "--quiet"};
  if (::geteuid() == 0) {  // whom no permission stops: the command runs as somebody else
    const Words nobody{"/usr/bin/env", "setpriv", "--reuid=65534", "--regid=65534",
                       "--clear-groups"};
    Words probe = nobody;
    probe.insert(probe.end(), {SLUICE_COMMAND, "list"});
    if (!has("setpriv") || run_program(probe).exit_code != 0) {
      WARN("skipped: root can read everything, and the command can't be run as nobody");
      return;
    }
    words.insert(words.begin(), nobody.begin(), nobody.end());
  }
  const Ended ended = run_program(words);
  CHECK(ended.exit_code == 3);
  CHECK(ended.out == a + '\n' + b + '\n');
  CHECK_THAT(ended.err,
             Contains(scratch / "in/closed" + ": cannot open: Permission denied") &&
                 Contains(scratch / "in/unreadable" + ": cannot open: Permission denied"));
  fs::permissions(scratch / "in/closed", fs::perms::owner_all);
}

TEST_CASE("find_duplicates: files of /proc that say they are empty and are not are no duplicates",
          "[duplicates][cli]") {
  if (!fs::exists("/proc/self/status")) {
    WARN("skipped: there is no /proc");
    return;
  }
  const Ended ended = cli({"/proc/version", "/proc/meminfo", "--min-size", "0"});
  CHECK(ended.exit_code == 3);
  CHECK(ended.out.empty());
  CHECK_THAT(ended.err, Contains("/proc/version: says that it is empty, and is not"));
}

TEST_CASE("find_duplicates: the same groups as jdupes and fdupes", "[duplicates][cli]") {
  const Scratch scratch;
  make_tree(scratch);
  const std::string in = scratch / "in";
  const Ended all = cli({in, "--min-size", "0"});
  const Ended some = cli({in});
  CHECK(all.exit_code == 0);
  CHECK(all.out != some.out);
  if (has("jdupes")) {
    CHECK((in_order(run_program({"/usr/bin/env", "jdupes", "-q", "-r", in}).out) == some.out));
    CHECK((in_order(run_program({"/usr/bin/env", "jdupes", "-q", "-r", "-z", in}).out) == all.out));
  } else {
    WARN("skipped: jdupes is not installed");
  }
  if (has("fdupes")) {
    CHECK(
        (in_order(run_program({"/usr/bin/env", "fdupes", "-q", "-r", "-n", in}).out) == some.out));
    CHECK((in_order(run_program({"/usr/bin/env", "fdupes", "-q", "-r", in}).out) == all.out));
  } else {
    WARN("skipped: fdupes is not installed");
  }
}
