// pipelines/find_duplicates_test.cpp: trees in which files are equal, and what is found there.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <find_duplicates.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/watched_run.hpp>

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice;
using namespace sluice::samples;
using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using Strings = std::vector<std::string>;

struct Outcome {
  std::string text;
  Strings dead;
};

Outcome find(DuplicateOptions options, std::vector<StageOverride> overrides = {}) {
  const Scratch result;
  options.output = result / "result";
  Pipeline p("find_duplicates");
  describe_find_duplicates(p, options);
  Outcome outcome;
  RunOptions how;
  how.overrides = std::move(overrides);
  how.on_dead_letter = [&](const DeadLetter& letter) {
    outcome.dead.push_back(letter.subject + ": " + letter.error);
  };
  CHECK(run_watched(p, std::move(how)).ledger.balanced);
  outcome.text = content_of(options.output);
  std::sort(outcome.dead.begin(), outcome.dead.end());
  return outcome;
}

std::string groups(std::vector<Strings> sets) {
  std::string text;
  for (const Strings& set : sets) {
    if (!text.empty()) text += '\n';
    for (const std::string& path : set) text += path + '\n';
  }
  return text;
}

// The same by reading everything: no sizes, no heads, no hashes.
std::string found_simply(const std::string& tree, std::uint64_t min_bytes) {
  std::map<std::string, Strings> by_content;
  for (const auto& entry : fs::recursive_directory_iterator(tree)) {
    if (!entry.is_regular_file() || entry.is_symlink() || entry.file_size() < min_bytes) continue;
    by_content[content_of(entry.path())].push_back(entry.path());
  }
  std::vector<Strings> sets;
  for (auto& [content, paths] : by_content) {
    if (paths.size() < 2) continue;
    std::sort(paths.begin(), paths.end());
    sets.push_back(paths);
  }
  std::sort(sets.begin(), sets.end());
  return groups(sets);
}

// Few sizes, and contents that differ in one byte, if at all.
void make_random_tree(const Scratch& scratch, std::mt19937_64& random, std::size_t files) {
  const std::vector<std::size_t> sizes{0, 1, 2, 4095, 4096, 4097, 9000, 200'000};
  for (std::size_t i = 0; i < files; ++i) {
    const std::size_t size = sizes[random() % sizes.size()];
    std::string content(size, 'x');
    if (size > 0 && random() % 2 == 0) {
      const std::size_t places[] = {0, size / 2, size - 1};
      content[places[random() % 3]] = static_cast<char>('a' + random() % 3);
    }
    std::string name = "in/";
    for (std::size_t depth = random() % 4; depth > 0; --depth) {
      name += "d" + std::to_string(random() % 3) + '/';
    }
    scratch.file(name + 'f' + std::to_string(i), content);
  }
}

ContentHash constant_hash(std::string_view) { return {}; }

}  // namespace

TEST_CASE("find_duplicates: groups of equal files, sorted, the same whatever the workers",
          "[duplicates]") {
  const Scratch scratch;
  const std::string tail(5000, 't');
  scratch.file("in/c/1", "same");
  scratch.file("in/a/2", "same");
  scratch.file("in/b", "same");
  scratch.file("in/same size", "diff");
  scratch.file("in/head 1", tail + 'x');
  scratch.file("in/head 2", tail + 'y');
  scratch.file("in/head 3", tail + 'y');
  scratch.file("in/first", 'x' + tail);
  scratch.file("in/alone", "nothing has this size");
  const std::string in = scratch / "in";
  const std::string expected =
      groups({{in + "/a/2", in + "/b", in + "/c/1"}, {in + "/head 2", in + "/head 3"}});
  for (std::size_t workers = 1; workers <= 4; ++workers) {
    for (const std::size_t capacity : {1U, 5000U}) {
      Strings stages{"again", "walk", "by_size", "rest", "examine", "settle", "sort", "write"};
      std::vector<StageOverride> overrides;
      for (const std::string& stage : stages) {
        const bool many = stage == "walk" || stage == "examine";
        overrides.push_back({.stage = stage,
                             .workers = many ? workers : kAuto,
                             .capacity = capacity,
                             .batch = capacity == 1 ? 1 : kAuto});
      }
      const Outcome outcome = find({.paths = {in}}, overrides);
      CHECK(outcome.text == expected);
      CHECK(outcome.dead.empty());
    }
  }
}

TEST_CASE("find_duplicates: random trees, as comparing everything finds it, whatever the limits",
          "[duplicates]") {
  auto random = random_engine();
  for (int round = 0; round < 3; ++round) {
    const Scratch scratch;
    make_random_tree(scratch, random, scaled(std::size_t{400}));
    for (const std::uint64_t min_bytes : {0U, 1U, 4096U}) {
      const std::string expected = found_simply(scratch / "in", min_bytes);
      for (const std::size_t most : {2U, 3U, 20U, 1024U}) {
        for (const HashFunction hash : {&content_hash, &constant_hash}) {
          CAPTURE(round, min_bytes, most, hash == &constant_hash);
          const DuplicateLimits limits{
              .most_members = most, .open_files = most, .compare = {.most_bytes = 1, .hash = hash}};
          const Outcome outcome =
              find({.paths = {scratch / "in"}, .min_bytes = min_bytes, .limits = limits});
          CHECK((outcome.text == expected));
          CHECK(outcome.dead.empty());
        }
      }
    }
  }
}

TEST_CASE("find_duplicates: empty files count when --min-size is 0", "[duplicates]") {
  const Scratch scratch;
  const Strings empty{scratch.file("a", ""), scratch.file("b", "")};
  CHECK(find({.paths = {scratch.path()}}).text.empty());
  CHECK(find({.paths = {scratch.path()}, .min_bytes = 0}).text == groups({empty}));
}

TEST_CASE("find_duplicates: names of one file are told when asked for, with or without equal files",
          "[duplicates]") {
  const Scratch scratch;
  const std::string a = scratch.file("a", "content");
  const std::string lone = scratch.file("lone", "another content");
  fs::create_hard_link(a, scratch / "z");
  fs::create_hard_link(a, scratch / "0");
  fs::create_hard_link(lone, scratch / "lone 2");
  const DuplicateOptions options{.paths = {scratch.path()}};
  DuplicateOptions with_links = options;
  with_links.hard_links = true;
  CHECK(find(options).text.empty());
  const Strings names{scratch / "0", a, scratch / "z"};
  CHECK(find(with_links).text == groups({names, {lone, scratch / "lone 2"}}));
  const std::string copy = scratch.file("m", "content");
  CHECK(find(options).text == groups({{scratch / "0", copy}}));
  CHECK(find(with_links).text ==
        groups({{scratch / "0", a, copy, scratch / "z"}, {lone, scratch / "lone 2"}}));
}

TEST_CASE("find_duplicates: paths that are given twice, or lead to one place, count once",
          "[duplicates]") {
  const Scratch scratch;
  const std::string tree = scratch.path();
  const std::string file = scratch.file("d/file", "content");
  fs::create_directory_symlink("d", scratch / "link");
  const Strings paths{tree,           tree,          tree + '/',
                      tree + "/.",    scratch / "d", scratch / "link",
                      scratch / "d/", file,          scratch / "d/../d/file"};
  for (const bool hard_links : {false, true}) {
    CHECK(find({.paths = paths, .hard_links = hard_links}).text.empty());
    const std::string copy = scratch.file("copy", "content");
    const std::string first = tree + "/./copy";  // '.' comes before 'c'
    const std::string of_file = scratch / "d/../d/file";
    CHECK(find({.paths = paths, .hard_links = hard_links}).text ==
          groups({{first, tree + "/./d/file"}}));
    fs::remove(copy);
  }
}

TEST_CASE("find_duplicates: links that are found are not followed, also in circles",
          "[duplicates]") {
  const Scratch scratch;
  const Strings equal{scratch.file("a/1", "x"), scratch.file("a/2", "x")};
  fs::create_directory_symlink("..", scratch / "a/up");
  fs::create_symlink("1", scratch / "a/link");
  fs::create_symlink("self", scratch / "a/self");
  scratch.fifo("a/fifo");
  const Outcome outcome = find({.paths = {scratch.path()}});
  CHECK(outcome.text == groups({equal}));
  CHECK(outcome.dead.empty());
}

TEST_CASE("find_duplicates: what can't be used is a dead letter, the rest goes on",
          "[duplicates]") {
  const Scratch scratch;
  const Strings equal{scratch.file("in/1", "x"), scratch.file("in/2", "x")};
  fs::create_symlink("in/1", scratch / "link");
  const std::string fifo = scratch.fifo("fifo");
  const Outcome outcome =
      find({.paths = {scratch / "gone", scratch / "link", fifo, scratch / "in", equal[0] + '/'}});
  CHECK(outcome.text == groups({equal}));
  CHECK(outcome.dead ==
        Strings{fifo + ": it is a FIFO; give files and directories",
                scratch / "gone" + ": cannot open: No such file or directory (errno 2)",
                equal[0] + "/: cannot open: Not a directory (errno 20)",
                scratch / "link" + ": it is a symbolic link; give files and directories"});
}

TEST_CASE("find_duplicates: one directory with very many files", "[duplicates]") {
  const Scratch scratch;
  const int count = scaled(20'000);
  Strings odd;
  Strings even;
  for (int i = 0; i < count; ++i) {
    (i % 2 == 0 ? even : odd)
        .push_back(scratch.file("f" + std::to_string(100'000 + i), i % 2 == 0 ? "even" : "odd!"));
  }
  for (const std::size_t capacity : {std::size_t{1}, kAuto}) {
    const std::size_t batch = capacity == 1 ? 1 : kAuto;
    std::vector<StageOverride> overrides;
    for (const char* stage : {"again", "walk", "by_size", "rest", "examine", "settle", "sort"}) {
      overrides.push_back({.stage = stage, .capacity = capacity, .batch = batch});
    }
    CHECK((find({.paths = {scratch.path()}}, overrides).text == groups({even, odd})));
  }
}

TEST_CASE("find_duplicates: directories 2000 levels deep, and where paths end, dead letters begin",
          "[duplicates]") {
  const Scratch scratch;
  const std::string twin = scratch.file("twin", "deep");
  // Named relative to the directory above: the whole path is longer than the system takes.
  int at = ::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::string path = scratch.path();
  std::string deep;
  std::string too_deep;
  for (int level = 1; level <= 2060; ++level) {
    REQUIRE(::mkdirat(at, "d", 0700) == 0);
    const int next = ::openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ::close(at);
    at = next;
    path += "/d";
    if (level == 2000) {
      deep = path + "/f";
      const int file = ::openat(at, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
      REQUIRE(::write(file, "deep", 4) == 4);
      ::close(file);
    }
    if (path.size() >= 4096 && too_deep.empty()) too_deep = path;
  }
  ::close(at);
  const Outcome outcome = find({.paths = {scratch.path()}});
  CHECK(outcome.text == groups({{deep, twin}}));
  CHECK(outcome.dead == Strings{too_deep + ": cannot open: File name too long (errno 36)"});
  // The standard library would hold a descriptor for each level.
  CHECK(std::system(("rm -rf " + scratch.path() + "/d").c_str()) == 0);
}

TEST_CASE("find_duplicates: as JSON, bytes that are no text survive", "[duplicates]") {
  const Scratch scratch;
  const fs::path before = fs::current_path();
  fs::current_path(scratch.path());
  for (const char* name : {"in/line\nend", "in/\"q\\", "in/\xff", "in/\xc3\xa4", "in/-"}) {
    scratch.file(name, "x");
  }
  scratch.file("in/yy1", "yy");
  scratch.file("in/yy2", "yy");
  CHECK(find({.paths = {"in"}, .json = true}).text ==
        "[\n"
        R"({"size":1,"paths":["in/\"q\\","in/-","in/line\nend","in/)"
        "\xc3\xa4"
        R"(",{"hex":"696e2fff"}]},)"
        "\n"
        R"({"size":2,"paths":["in/yy1","in/yy2"]})"
        "\n]\n");
  CHECK(find({.paths = {"in"}, .min_bytes = 3, .json = true}).text == "[\n]\n");
  fs::current_path(before);
}

TEST_CASE("find_duplicates: standard input is refused", "[duplicates]") {
  Pipeline p("find_duplicates");
  CHECK_THROWS_AS(describe_find_duplicates(p, {.paths = {"-"}}), UsageError);
}

TEST_CASE("find_duplicates: a run that is stopped or cancelled has no result", "[duplicates]") {
  const Scratch scratch;
  for (int i = 0; i < 2000; ++i) scratch.file("in/" + std::to_string(i), "same");
  for (const bool stops : {false, true}) {
    DuplicateOptions options{.paths = {scratch / "in"}, .output = scratch / "result"};
    options.limits.most_members = 2;
    options.limits.compare.hash = constant_hash;
    Pipeline p("find_duplicates");
    describe_find_duplicates(p, options);
    WatchedRun run(p);
    if (stops) run->stop();
    if (!stops) run->cancel();
    const Report report = run.end();
    CHECK(report.ledger.balanced);
    if (report.status == RunStatus::cancelled) {
      CHECK(content_of(scratch / "result").empty());
    } else {  // it was faster than this test
      CHECK(report.status == RunStatus::done);
      CHECK_FALSE(content_of(scratch / "result").empty());
    }
    fs::remove(scratch / "result");
  }
}
