// tests/unit/walk_test.cpp: walk() and FileWalk on real directories.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/os/directory.hpp>
#include <sluice/run.hpp>
#include <sluice/stages/collect.hpp>
#include <sluice/stages/file_walk.hpp>
#include <sluice/stages/walk.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice;
using namespace sluice::testing_support;
using Entries = std::vector<stages::FileEntry>;

struct Outcome {
  Entries files;
  std::vector<DeadLetter> dead;
};

Outcome walked(const stages::Paths& roots) {
  Outcome outcome;
  Pipeline p("walk");
  p.source("walk", stages::walk(roots)) | sink("collect", stages::collect(outcome.files));
  RunOptions options;
  options.on_dead_letter = [&](const DeadLetter& letter) { outcome.dead.push_back(letter); };
  const Report report = run(p, std::move(options));
  CHECK(report.ledger.balanced);
  return outcome;
}

}  // namespace

TEST_CASE("walk: finds every file below a directory, with its size, in the byte order of paths",
          "[stages]") {
  const Scratch scratch;
  auto random = random_engine();
  Entries expected;
  const auto make = [&](const std::string& name, std::size_t size) {
    expected.push_back({scratch.file(name, std::string(size, 'x')), size});
  };
  // Names around the slash in byte order: a directory's contents stand where "name/" would.
  for (const char* name : {"a/b", "a.txt", "a", "a-b/c", "a0", "b/a/b/c", "b/a.b", "b/a b", "Z"}) {
    if (std::string(name) != "a") make(name, 3);
  }
  for (int i = 0; i < 200; ++i) {
    std::string name = "r";
    for (std::uint64_t depth = random() % 4; depth > 0; --depth) {
      name += "/d" + std::to_string(random() % 5);
    }
    make(name + "/f" + std::to_string(i), random() % 2000);
  }
  std::filesystem::create_directories(scratch / "empty/deep");
  std::sort(expected.begin(), expected.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  const Outcome outcome = walked(scratch.path());
  CHECK(outcome.files == expected);
  CHECK(outcome.dead.empty());
}

TEST_CASE("walk: a slash at the end of a root is not doubled, roots keep their order", "[stages]") {
  const Scratch scratch;
  scratch.file("z/f", "1");
  const std::string file = scratch.file("a", "22");
  const Outcome outcome = walked({scratch / "z/", file, file});
  CHECK(outcome.files == Entries{{scratch / "z/f", 1}, {file, 2}, {file, 2}});
}

TEST_CASE("walk: links are followed when given, not when found", "[stages]") {
  namespace fs = std::filesystem;
  const Scratch scratch;
  const Scratch elsewhere;
  elsewhere.file("inside", "x");
  fs::create_directory_symlink(elsewhere.path(), scratch / "to_directory");
  fs::create_symlink(elsewhere / "inside", scratch / "to_file");
  fs::create_symlink(scratch.path(), scratch / "to_itself");
  const Outcome found = walked(scratch.path());
  CHECK(found.files.empty());
  CHECK(found.dead.empty());
  const Outcome given = walked({scratch / "to_directory", scratch / "to_file"});
  CHECK(given.files == Entries{{scratch / "to_directory/inside", 1}, {scratch / "to_file", 1}});
}

TEST_CASE("walk: what is no file is left alone when found and a dead letter when given",
          "[stages]") {
  const Scratch scratch;
  const std::string fifo = scratch.fifo("d_fifo");
  scratch.file("d", "x");
  CHECK(walked(scratch.path()).files == Entries{{scratch / "d", 1}});
  const Outcome given = walked({fifo, "-", scratch / "missing", scratch / "d"});
  CHECK(given.files == Entries{{scratch / "d", 1}});
  REQUIRE(given.dead.size() == 3);
  CHECK(given.dead[0].subject == fifo);
  CHECK(given.dead[0].error == "neither a regular file nor a directory");
  CHECK(given.dead[1].subject == "standard input");
  CHECK(given.dead[2].subject == scratch / "missing");
  CHECK(given.dead[2].error == "cannot open: No such file or directory (errno 2)");
}

TEST_CASE("FileWalk: a directory that is left out is not entered, by whatever name", "[stages]") {
  const Scratch scratch;
  scratch.file("in/a", "1");
  scratch.file("in/out/b", "1");
  scratch.file("in/out too/c", "1");
  const auto files = [&](const std::vector<std::string>& left_out) {
    stages::FileWalk walk({scratch / "in"});
    for (const std::string& path : left_out) {
      walk.leave_out(detail::Directory(path).own_inode(path).identity);
    }
    std::vector<std::string> found;
    for (;;) {
      stages::FileWalk::Found next = walk.next();
      if (next.kind == stages::FileWalk::Kind::end) return found;
      CHECK(next.kind == stages::FileWalk::Kind::file);
      found.push_back(next.path.substr(scratch.path().size()));
    }
  };
  CHECK(files({}) == std::vector<std::string>{"/in/a", "/in/out too/c", "/in/out/b"});
  CHECK(files({scratch / "in/./out/../out"}) == std::vector<std::string>{"/in/a", "/in/out too/c"});
  CHECK(files({scratch / "in/out", scratch / "in/out too"}) == std::vector<std::string>{"/in/a"});
}

TEST_CASE("FileWalk: a directory larger than a piece loses and doubles nothing", "[stages]") {
  const Scratch scratch;
  std::vector<std::string> expected;
  for (int i = 0; i < 50; ++i) {
    expected.push_back(scratch.file("d" + std::to_string(i % 7) + "/" + std::to_string(i), ""));
    expected.push_back(scratch.file("f" + std::to_string(i), ""));
  }
  std::sort(expected.begin(), expected.end());
  stages::FileWalk walk({scratch.path()}, 3);
  std::vector<std::string> got;
  for (;;) {
    stages::FileWalk::Found found = walk.next();
    if (found.kind == stages::FileWalk::Kind::end) break;
    got.push_back(std::move(found.path));
  }
  CHECK(walk.next().kind == stages::FileWalk::Kind::end);
  std::sort(got.begin(), got.end());
  CHECK(got == expected);
}

TEST_CASE("FileWalk: a file that vanishes after its directory was listed is told as unreadable",
          "[stages]") {
  const Scratch scratch;
  scratch.file("a", "x");
  const std::string gone = scratch.file("b", "x");
  stages::FileWalk walk({scratch.path()});
  CHECK(walk.next().path == scratch / "a");
  std::filesystem::remove(gone);
  const stages::FileWalk::Found found = walk.next();
  CHECK(found.kind == stages::FileWalk::Kind::unreadable);
  CHECK(found.path == gone);
  CHECK(found.reason == "cannot open: No such file or directory (errno 2)");
}

TEST_CASE("FileWalk: a directory swapped for a link after it was listed is not entered",
          "[stages]") {
  const Scratch scratch;
  const Scratch elsewhere;
  elsewhere.file("inside", "x");
  scratch.file("a", "x");
  scratch.file("b/c", "x");
  stages::FileWalk walk({scratch.path()});
  CHECK(walk.next().path == scratch / "a");
  std::filesystem::remove_all(scratch / "b");
  std::filesystem::create_directory_symlink(elsewhere.path(), scratch / "b");
  const stages::FileWalk::Found found = walk.next();
  CHECK(found.kind == stages::FileWalk::Kind::unreadable);
  CHECK(found.path == scratch / "b");
}
