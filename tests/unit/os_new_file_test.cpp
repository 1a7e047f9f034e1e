// tests/unit/os_new_file_test.cpp: a file has its name when it is whole, and not before.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/scratch.hpp>

#include <sluice/error.hpp>
#include <sluice/os/new_file.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace {

namespace fs = std::filesystem;
using sluice::detail::NewFile;
using namespace sluice::testing_support;

std::ptrdiff_t entries_of(const std::string& directory) {
  return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
}

}  // namespace

TEST_CASE("NewFile: has its name after commit, and leaves nothing without it", "[os]") {
  const Scratch scratch;
  const std::string path = scratch / "file";
  {
    NewFile file(path);
    file.write("some");
    CHECK_FALSE(fs::exists(path));
    CHECK(file.identities().size() == 1);
  }
  CHECK(fs::is_empty(scratch.path()));
  NewFile file(path);
  file.write("some ");
  file.write("text");
  CHECK(file.written_bytes() == 9);
  file.commit();
  CHECK(content_of(path) == "some text");
  CHECK(entries_of(scratch.path()) == 1);
}

TEST_CASE("NewFile: an old file is whole until the new one is, and keeps its permissions", "[os]") {
  const Scratch scratch;
  const std::string path = scratch.file("file", "old");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  {
    NewFile file(path);
    REQUIRE(file.identities().size() == 2);
    CHECK(file.identities()[1] == sluice::detail::inode_of(path).identity);
    file.write("new");
    CHECK(content_of(path) == "old");
    file.commit();
  }
  CHECK(content_of(path) == "new");
  CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("NewFile: through a link, what it leads to is replaced", "[os]") {
  const Scratch scratch;
  const std::string path = scratch.file("d/file", "old");
  fs::create_symlink("d/file", scratch / "link");
  NewFile file(scratch / "link");
  CHECK(entries_of(scratch / "d") == 2);
  file.write("new");
  file.commit();
  CHECK(content_of(path) == "new");
  CHECK(fs::is_symlink(scratch / "link"));
}

TEST_CASE("NewFile: what is no regular file is written in place", "[os]") {
  NewFile file("/dev/null");
  file.write("x");
  file.commit();
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("NewFile: several at a time do not disturb each other", "[os]") {
  const Scratch scratch;
  NewFile one(scratch / "same");
  NewFile two(scratch / "same");
  one.write("one");
  two.write("two");
  one.commit();
  two.commit();
  CHECK(content_of(scratch / "same") == "two");
  CHECK(entries_of(scratch.path()) == 1);
}

TEST_CASE("NewFile: a place that can't be written is told by its name", "[os]") {
  const Scratch scratch;
  CHECK_THROWS_WITH(NewFile(scratch.path()),
                    Catch::StartsWith("cannot open for writing " + scratch.path() + " (errno 21)"));
  CHECK_THROWS_WITH(NewFile(scratch / "no/file"),
                    Catch::StartsWith("cannot open for writing " + scratch / "no/file (errno 2)"));
}

TEST_CASE("NewFile: what could not be written whole can't be committed", "[os]") {
  NewFile file("/dev/full");
  CHECK_THROWS_AS(file.write("x"), std::system_error);
  CHECK_THROWS_AS(file.commit(), sluice::UsageError);
}
