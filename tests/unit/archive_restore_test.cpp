// tests/unit/archive_restore_test.cpp: entries are made below the output directory, all or none.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <archive_index.hpp>
#include <archive_restore.hpp>
#include <support/scratch.hpp>
#include <support/serial_archive.hpp>

#include <sluice/error.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace {

namespace fs = std::filesystem;
using namespace sluice::samples;
using namespace sluice::testing_support;

ArchiveContents contents_of(const ArchiveIndex& index) {
  ByteBuffer raw;
  raw.append(index.encode());
  return {std::move(raw), kHeadBytes, "archive"};
}

void put(ArchiveIndex& index, NewEntry entry) {
  if (entry.attributes.mode == 0) entry.attributes.mode = 0755;
  REQUIRE(index.add(entry).refusal == "");
}

// d/, d/sub/, d/sub/file (empty), link -> d
ArchiveContents small_tree() {
  ArchiveIndex index;
  put(index, {.kind = EntryKind::directory, .path = "d"});
  put(index, {.kind = EntryKind::directory, .path = "d/sub"});
  put(index, {.kind = EntryKind::file, .path = "d/sub/file"});
  put(index, {.kind = EntryKind::symlink, .path = "link", .target = "d"});
  return contents_of(index);
}

std::string private_directory(const std::string& output) {
  for (const auto& entry : fs::directory_iterator(output)) {
    if (entry.path().filename().string().starts_with(".sluice-")) return entry.path().string();
  }
  return {};
}

void make_all(ArchiveRestore& restore, const ArchiveContents& contents) {
  for (std::size_t i = 0; i < contents.entries().size(); ++i) {
    restore.make(i);
    if (contents.entries()[i].kind == EntryKind::file) restore.end_file();
  }
}

}  // namespace

TEST_CASE("ArchiveRestore: nothing is seen before commit, everything after it", "[pack]") {
  const Scratch scratch;
  const ArchiveContents contents = small_tree();
  {
    ArchiveRestore restore(contents, scratch / "out");
    make_all(restore, contents);
    CHECK_FALSE(fs::exists(scratch / "out/d"));
    CHECK_FALSE(private_directory(scratch / "out").empty());
    restore.commit();
  }
  CHECK(fs::exists(scratch / "out/d/sub/file"));
  CHECK(fs::read_symlink(scratch / "out/link") == "d");
  CHECK(private_directory(scratch / "out").empty());
}

TEST_CASE("ArchiveRestore: without commit, all of it is removed again", "[pack]") {
  const Scratch scratch;
  const ArchiveContents contents = small_tree();
  {
    ArchiveRestore restore(contents, scratch / "out");
    make_all(restore, contents);
  }
  CHECK_FALSE(fs::exists(scratch / "out"));
  fs::create_directory(scratch / "there");
  {
    ArchiveRestore restore(contents, scratch / "there");
    for (std::size_t i = 0; i < 4; ++i) restore.make(i);  // with a file still open
  }
  CHECK(fs::is_empty(scratch / "there"));
}

TEST_CASE("ArchiveRestore: a directory that is not empty is refused and left alone", "[pack]") {
  const Scratch scratch;
  scratch.file("out/old", "x");
  const ArchiveContents contents = small_tree();
  CHECK_THROWS_WITH(
      ArchiveRestore(contents, scratch / "out"),
      scratch / "out" + ": the directory is not empty, old is in it; give a new or an empty one");
  CHECK(content_of(scratch / "out/old") == "x");
  CHECK_THROWS_AS(ArchiveRestore(contents, scratch / "out/old"), std::system_error);
  CHECK_THROWS_AS(ArchiveRestore(contents, scratch / "missing/out"), std::system_error);
}

TEST_CASE("ArchiveRestore: a directory swapped for a link meanwhile leads nowhere", "[pack]") {
  const Scratch scratch;
  const Scratch outside;
  fs::create_directory(outside / "sub");
  const ArchiveContents contents = small_tree();
  ArchiveRestore restore(contents, scratch / "out");
  restore.make(0);
  restore.make(1);
  const std::string base = private_directory(scratch / "out");
  SECTION("the directory itself") {
    restore.make(2);
    fs::remove(base + "/d/sub");
    fs::create_directory_symlink(outside / "sub", base + "/d/sub");
    CHECK_THROWS_AS(restore.make(3), std::system_error);
    CHECK_THROWS_AS(restore.commit(), sluice::UsageError);
  }
  SECTION("one above it") {
    fs::remove_all(base + "/d");
    fs::create_directory_symlink(outside.path(), base + "/d");
    CHECK_THROWS_AS(restore.make(2), std::system_error);
  }
  CHECK(fs::is_empty(outside / "sub"));
  CHECK(std::distance(fs::directory_iterator(outside.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("ArchiveRestore: removal does not follow a link that was put there", "[pack]") {
  const Scratch scratch;
  const Scratch outside;
  outside.file("precious/file", "x");
  const ArchiveContents contents = small_tree();
  {
    ArchiveRestore restore(contents, scratch / "out");
    restore.make(1);
    const std::string base = private_directory(scratch / "out");
    fs::create_directory_symlink(outside.path(), base + "/d/to");
    fs::create_directory_symlink(outside / "precious", base + "/precious");
  }
  CHECK_FALSE(fs::exists(scratch / "out"));
  CHECK(content_of(outside / "precious/file") == "x");
}

TEST_CASE("ArchiveRestore: a name that was taken meanwhile is not replaced", "[pack]") {
  const Scratch scratch;
  const ArchiveContents contents = small_tree();
  {
    ArchiveRestore restore(contents, scratch / "out");
    make_all(restore, contents);
    scratch.file("out/link", "somebody else's");
    CHECK_THROWS_AS(restore.commit(), std::system_error);
  }
  CHECK(content_of(scratch / "out/link") == "somebody else's");
  CHECK_FALSE(fs::exists(scratch / "out/d"));
}

TEST_CASE("ArchiveRestore: set-ID bits are kept or dropped, as asked", "[pack]") {
  const Scratch scratch;
  ArchiveIndex index;
  put(index, {.kind = EntryKind::directory, .path = "d", .attributes = {.mode = 03755}});
  put(index, {.kind = EntryKind::file, .path = "d/f", .attributes = {.mode = 06755}});
  const ArchiveContents contents = contents_of(index);
  const auto modes = [&](SetIdBits bits, const std::string& output) {
    ArchiveRestore restore(contents, output, bits);
    make_all(restore, contents);
    restore.commit();
    struct stat directory = {};
    struct stat file = {};
    REQUIRE(::stat((output + "/d").c_str(), &directory) == 0);
    REQUIRE(::stat((output + "/d/f").c_str(), &file) == 0);
    return std::pair(directory.st_mode & 07777, file.st_mode & 07777);
  };
  CHECK(modes(SetIdBits::keep, scratch / "keep") == std::pair<mode_t, mode_t>(03755, 06755));
  CHECK(modes(SetIdBits::drop, scratch / "drop") == std::pair<mode_t, mode_t>(01755, 0755));
}

TEST_CASE("ArchiveRestore: a tree deeper than there are descriptors is made and removed",
          "[pack]") {
  const Scratch scratch;
  ArchiveIndex index;
  std::string path = "d";
  while (path.size() < 4000) path += "/d";
  put(index, {.kind = EntryKind::directory, .path = path});
  put(index, {.kind = EntryKind::file, .path = path + "/file"});
  const ArchiveContents contents = contents_of(index);
  {
    ArchiveRestore restore(contents, scratch / "out");
    make_all(restore, contents);
    restore.commit();
  }
  CHECK(fs::exists(scratch / "out/d/d/d/d"));
  {
    ArchiveRestore restore(contents, scratch / "other");
    make_all(restore, contents);
  }
  CHECK_FALSE(fs::exists(scratch / "other"));
}

TEST_CASE("ArchiveRestore: a file that is not whole, or not begun, is misuse", "[pack]") {
  const Scratch scratch;
  const ArchiveContents contents = small_tree();
  ArchiveRestore restore(contents, scratch / "out");
  CHECK_THROWS_AS(restore.write("x"), sluice::UsageError);
  CHECK_THROWS_AS(restore.end_file(), sluice::UsageError);
  restore.make(1);
  restore.make(2);
  restore.make(3);
  CHECK_THROWS_AS(restore.make(4), sluice::UsageError);
  CHECK_THROWS_AS(restore.commit(), sluice::UsageError);
  restore.write("too much");
  CHECK_THROWS_AS(restore.end_file(), sluice::UsageError);
}
