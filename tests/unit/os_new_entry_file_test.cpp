// tests/unit/os_new_entry_file_test.cpp: an entry of an open directory has its name when it is whole, whatever the
// file system can do.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/poor_file_system.hpp>
#include <support/sample_tree.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>

#include <sluice/error.hpp>
#include <sluice/os/entry_maker.hpp>
#include <sluice/os/file.hpp>
#include <sluice/os/new_entry_file.hpp>

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::detail;
using namespace sluice::testing_support;
using Names = std::vector<std::string>;

Names names_of(const Scratch& scratch) {
  return names_in(open_directory(scratch.path()), scratch.path());
}

void write_new(const Descriptor& here, const std::string& name, const std::string& text) {
  NewEntryFile file(here, name, "message/" + name);
  write_all(file.descriptor(), text, name);
  file.commit();
}

// That it came out well was no accident.
void check_refusals(const PoorFileSystem& poor, Lack lack, const std::string& directory) {
  if (lack == Lack::nameless_files) CHECK(poor.refused() > 0);
  if (lack == Lack::links && has_nameless_files(directory)) CHECK(poor.refused() > 0);
}

}  // namespace

TEST_CASE("NewEntryFile: is made and replaced on every file system, and nothing is beside it",
          "[os]") {
  const Lack lack = GENERATE(Lack::nothing, Lack::nameless_files, Lack::links);
  const Scratch scratch;
  auto random = random_engine();
  const Descriptor here = open_directory(scratch.path());
  // Also more than is copied at once, and exactly that.
  for (const std::size_t size : {0U, 1U, 128U << 10U, 300'000U}) {
    const PoorFileSystem poor(lack);
    const std::string first = random_bytes(random, size);
    const std::string second = random_bytes(random, size);
    write_new(here, "file", first);
    CHECK((content_of(scratch / "file") == first));
    write_new(here, "file", second);
    CHECK((content_of(scratch / "file") == second));
    CHECK(names_of(scratch) == Names{"file"});
    check_refusals(poor, lack, scratch.path());
    fs::remove(scratch / "file");
  }
}

TEST_CASE("NewEntryFile: permissions are those it had at commit, also of a copy", "[os]") {
  const Lack lack = GENERATE(Lack::nothing, Lack::nameless_files, Lack::links);
  const Scratch scratch;
  const Descriptor here = open_directory(scratch.path());
  const PoorFileSystem poor(lack);
  NewEntryFile file(here, "file", "file");
  REQUIRE(::fchmod(file.descriptor().number(), 0461) == 0);
  file.commit();
  CHECK(inode_of(scratch / "file").mode == 0461);
  check_refusals(poor, lack, scratch.path());
}

TEST_CASE("NewEntryFile: without commit, or with one that fails, what was there stays", "[os]") {
  const Lack lack = GENERATE(Lack::nothing, Lack::nameless_files, Lack::links);
  const Scratch scratch;
  scratch.file("file", "old");
  fs::create_directory(scratch / "directory");
  const Descriptor here = open_directory(scratch.path());
  const PoorFileSystem poor(lack);
  { write_all(NewEntryFile(here, "file", "file").descriptor(), "new", "file"); }
  CHECK(content_of(scratch / "file") == "old");
  CHECK_THROWS_WITH(write_new(here, "directory", "new"),
                    Catch::StartsWith("cannot rename to message/directory (errno 21)"));
  CHECK(fs::is_empty(scratch / "directory"));
  CHECK(names_of(scratch).size() == 2);
  check_refusals(poor, lack, scratch.path());
}

TEST_CASE("NewEntryFile: a link that has the name is replaced and not followed", "[os]") {
  const Lack lack = GENERATE(Lack::nothing, Lack::nameless_files, Lack::links);
  const Scratch scratch;
  const Scratch outside;
  const std::string precious = outside.file("precious", "old");
  const Descriptor here = open_directory(scratch.path());
  for (const std::string target : {"precious", "dangling"}) {
    fs::create_symlink(outside / target, scratch / "link");
    const PoorFileSystem poor(lack);
    write_new(here, "link", "new");
    CHECK(fs::is_regular_file(fs::symlink_status(scratch / "link")));
    CHECK(content_of(scratch / "link") == "new");
    fs::remove(scratch / "link");
  }
  CHECK(content_of(precious) == "old");
  CHECK_FALSE(fs::exists(outside / "dangling"));
}

TEST_CASE("NewEntryFile: it lies in the directory that was opened, wherever that has gone",
          "[os]") {
  const Lack lack = GENERATE(Lack::nothing, Lack::nameless_files, Lack::links);
  const Scratch scratch;
  const Scratch outside;
  scratch.file("in/file", "old");
  const std::string precious = outside.file("file", "precious");
  const Descriptor here = open_directory(scratch / "in");
  const PoorFileSystem poor(lack);
  NewEntryFile file(here, "file", "file");
  fs::rename(scratch / "in", scratch / "moved");
  fs::create_directory_symlink(outside.path(), scratch / "in");
  write_all(file.descriptor(), "new", "file");
  file.commit();
  CHECK(content_of(scratch / "moved/file") == "new");
  CHECK(content_of(precious) == "precious");
  CHECK(names_of(outside) == Names{"file"});
}

TEST_CASE("NewEntryFile: a directory that is gone at commit is an error, and is not made again",
          "[os]") {
  const Lack lack = GENERATE(Lack::nothing, Lack::nameless_files, Lack::links);
  const Scratch scratch;
  const Descriptor here = open_directory(scratch.path());
  const PoorFileSystem poor(lack);
  NewEntryFile file(here, "file", "message");
  fs::remove_all(scratch.path());
  CHECK_THROWS_AS(file.commit(), std::system_error);
  CHECK_FALSE(fs::exists(scratch.path()));
}

TEST_CASE("NewEntryFile: a name that is not one entry is misuse", "[os]") {
  const Scratch scratch;
  const Descriptor here = open_directory(scratch.path());
  for (const std::string& bad : Names{"", ".", "..", "/", "a/b", "../x", std::string("a\0b", 3)}) {
    CHECK_THROWS_AS(NewEntryFile(here, bad, "p"), sluice::UsageError);
  }
  CHECK(fs::is_empty(scratch.path()));
}
