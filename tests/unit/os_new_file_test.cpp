// tests/unit/os_new_file_test.cpp: a file has its name when it is whole, and not before.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/poor_file_system.hpp>
#include <support/scratch.hpp>

#include <sluice/error.hpp>
#include <sluice/os/new_file.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace {

namespace fs = std::filesystem;
using sluice::detail::NewFile;
using namespace sluice::testing_support;

using Way = NewFile::Way;

std::ptrdiff_t entries_of(const std::string& directory) {
  return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
}

// Where there are nameless files, no other way is taken.
std::ptrdiff_t names_before_commit(const std::string& directory, Way way) {
  return way == Way::unnamed && has_nameless_files(directory) ? 0 : 1;
}

// What new files may not be used for, put back at the end.
class Mask {
 public:
  explicit Mask(mode_t mask) : before_(::umask(mask)) {}
  Mask(const Mask&) = delete;
  Mask& operator=(const Mask&) = delete;
  ~Mask() { ::umask(before_); }

 private:
  mode_t before_;
};

}  // namespace

TEST_CASE("NewFile: has its name after commit, and leaves nothing without it", "[os]") {
  const Way way = GENERATE(Way::unnamed, Way::beside);
  const Scratch scratch;
  const std::string path = scratch / "file";
  {
    NewFile file(path, way);
    file.write("some");
    CHECK_FALSE(fs::exists(path));
    CHECK(file.identities().size() == 1);
    CHECK(entries_of(scratch.path()) == names_before_commit(scratch.path(), way));
  }
  CHECK(fs::is_empty(scratch.path()));
  NewFile file(path, way);
  file.write("some ");
  file.write("text");
  CHECK(file.written_bytes() == 9);
  const auto identity = file.identities()[0];
  file.commit();
  CHECK(content_of(path) == "some text");
  CHECK(sluice::detail::inode_of(path).identity == identity);
  CHECK(entries_of(scratch.path()) == 1);
}

TEST_CASE("NewFile: a new file has the permissions of any new file", "[os]") {
  const Way way = GENERATE(Way::unnamed, Way::beside);
  const Scratch scratch;
  const Mask mask(027);
  NewFile file(scratch / "file", way);
  file.write("x");
  file.commit();
  CHECK(sluice::detail::inode_of(scratch / "file").mode == 0640);
}

TEST_CASE("NewFile: an old file is whole until the new one is, and keeps its permissions", "[os]") {
  const Way way = GENERATE(Way::unnamed, Way::beside);
  const Scratch scratch;
  const std::string path = scratch.file("file", "old");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  {
    NewFile file(path, way);
    REQUIRE(file.identities().size() == 2);
    CHECK(file.identities()[1] == sluice::detail::inode_of(path).identity);
    file.write("new");
    CHECK(content_of(path) == "old");
    CHECK(entries_of(scratch.path()) == 1 + names_before_commit(scratch.path(), way));
    file.commit();
  }
  CHECK(content_of(path) == "new");
  CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(entries_of(scratch.path()) == 1);
}

TEST_CASE("NewFile: without commit an old file stays, and nothing is beside it", "[os]") {
  const Way way = GENERATE(Way::unnamed, Way::beside);
  const Scratch scratch;
  const std::string path = scratch.file("file", "old");
  { NewFile(path, way).write("new"); }
  CHECK(content_of(path) == "old");
  CHECK(entries_of(scratch.path()) == 1);
}

TEST_CASE("NewFile: a name that somebody took meanwhile is replaced", "[os]") {
  const Way way = GENERATE(Way::unnamed, Way::beside);
  const Scratch scratch;
  NewFile file(scratch / "file", way);
  file.write("new");
  scratch.file("file", "somebody's");
  file.commit();
  CHECK(content_of(scratch / "file") == "new");
  CHECK(entries_of(scratch.path()) == 1);
}

TEST_CASE("NewFile: a name that has become a directory's is left alone, and nothing is beside it",
          "[os]") {
  const Way way = GENERATE(Way::unnamed, Way::beside);
  const Scratch scratch;
  {
    NewFile file(scratch / "file", way);
    file.write("new");
    fs::create_directory(scratch / "file");
    CHECK_THROWS_WITH(file.commit(), Catch::StartsWith("cannot rename to " + scratch / "file"));
  }
  CHECK(fs::is_directory(scratch / "file"));
  CHECK(entries_of(scratch.path()) == 1);
}

TEST_CASE("NewFile: names of the same kind that are taken are passed over", "[os]") {
  const Way way = GENERATE(Way::unnamed, Way::beside);
  const Scratch scratch;
  scratch.file("file", "old");
  const std::string taken = ".sluice-" + std::to_string(::getpid()) + "-0.partial";
  scratch.file(taken, "left behind");
  NewFile file(scratch / "file", way);
  file.write("new");
  file.commit();
  CHECK(content_of(scratch / "file") == "new");
  CHECK(content_of(scratch / taken) == "left behind");
  CHECK(entries_of(scratch.path()) == 2);
}

TEST_CASE("NewFile: where links are refused it has its name all the same, and the old permissions",
          "[os]") {
  const Scratch scratch;
  const std::string path = scratch / "file";
  const PoorFileSystem poor(Lack::links);
  const bool asks = has_nameless_files(scratch.path());
  for (const std::string text : {"new", "newer"}) {
    NewFile file(path);
    file.write(text);
    CHECK(entries_of(scratch.path()) == (text == "new" ? 0 : 1) + (asks ? 0 : 1));
    file.commit();
    CHECK(content_of(path) == text);
    CHECK(entries_of(scratch.path()) == 1);
    if (text == "new") fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  }
  CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(poor.refused() == (asks ? 2 : 0));
}

TEST_CASE("NewFile: a directory need not be one that may be listed", "[os]") {
  const Way way = GENERATE(Way::unnamed, Way::beside);
  const Scratch scratch;
  fs::permissions(scratch.path(), fs::perms::owner_write | fs::perms::owner_exec);
  NewFile file(scratch / "file", way);
  file.write("x");
  file.commit();
  fs::permissions(scratch.path(), fs::perms::owner_all);
  CHECK(content_of(scratch / "file") == "x");
}

TEST_CASE("NewFile: through a link, what it leads to is replaced", "[os]") {
  const Way way = GENERATE(Way::unnamed, Way::beside);
  const Scratch scratch;
  const std::string path = scratch.file("d/file", "old");
  fs::create_symlink("d/file", scratch / "link");
  NewFile file(scratch / "link", way);
  CHECK(entries_of(scratch / "d") == 1 + names_before_commit(scratch.path(), way));
  file.write("new");
  file.commit();
  CHECK(content_of(path) == "new");
  CHECK(fs::is_symlink(scratch / "link"));
}

TEST_CASE("NewFile: a path without a directory is one in the current directory", "[os]") {
  const Way way = GENERATE(Way::unnamed, Way::beside);
  const Scratch scratch;
  const fs::path before = fs::current_path();
  fs::current_path(scratch.path());
  NewFile file("file", way);
  file.write("x");
  file.commit();
  fs::current_path(before);
  CHECK(content_of(scratch / "file") == "x");
  CHECK(entries_of(scratch.path()) == 1);
}

TEST_CASE("NewFile: what is no regular file is written in place", "[os]") {
  NewFile file("/dev/null");
  file.write("x");
  file.commit();
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("NewFile: several at a time do not disturb each other", "[os]") {
  const Way way = GENERATE(Way::unnamed, Way::beside);
  const Scratch scratch;
  NewFile one(scratch / "same", way);
  NewFile two(scratch / "same", way);
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
  CHECK_THROWS_WITH(NewFile(scratch / "no/"),
                    Catch::StartsWith("cannot open for writing " + scratch / "no/ (errno 2)"));
  CHECK_THROWS_WITH(NewFile(""), Catch::StartsWith("cannot open for writing  (errno 2)"));
}

TEST_CASE("NewFile: what could not be written whole can't be committed", "[os]") {
  NewFile file("/dev/full");
  CHECK_THROWS_AS(file.write("x"), std::system_error);
  CHECK_THROWS_AS(file.commit(), sluice::UsageError);
}
