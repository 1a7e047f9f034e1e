// tests/unit/os_entry_maker_test.cpp: what is made through an open directory stays in it.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/scratch.hpp>

#include <sluice/error.hpp>
#include <sluice/os/entry_maker.hpp>
#include <sluice/os/file.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::detail;
using namespace sluice::testing_support;

}  // namespace

TEST_CASE("entry maker: a name that is not one entry is misuse", "[os]") {
  const Scratch scratch;
  const Descriptor here = open_directory(scratch.path());
  const std::string good = "good";
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("/"), std::string("a/b"),
        std::string("../x"), std::string("a\0b", 3)}) {
    CHECK_FALSE(is_entry_name(bad));
    CHECK_THROWS_AS(make_entry_directory(here, bad, true, "p"), sluice::UsageError);
    CHECK_THROWS_AS(make_entry_file(here, bad, "p"), sluice::UsageError);
    CHECK_THROWS_AS(make_entry_symlink(here, bad, "t", "p"), sluice::UsageError);
    CHECK_THROWS_AS(open_entry_directory(here, bad, "p"), sluice::UsageError);
    CHECK_THROWS_AS(set_entry_time(here, bad, {}, "p"), sluice::UsageError);
    CHECK_THROWS_AS(link_entry({here, bad}, {here, good}, "p"), sluice::UsageError);
    CHECK_THROWS_AS(link_entry({here, good}, {here, bad}, "p"), sluice::UsageError);
    CHECK_THROWS_AS(move_entry({here, good}, {here, bad}, "p"), sluice::UsageError);
  }
  CHECK(is_entry_name("..."));
  CHECK(fs::is_empty(scratch.path()));
}

TEST_CASE("entry maker: no name that is taken is opened, followed or replaced", "[os]") {
  const Scratch scratch;
  const Scratch outside;
  outside.file("precious", "x");
  fs::create_symlink(outside / "precious", scratch / "link");
  fs::create_symlink(outside / "new", scratch / "dangling");
  fs::create_directory_symlink(outside.path(), scratch / "to");
  const std::string file = scratch.file("file", "old");
  const Descriptor here = open_directory(scratch.path());
  for (const char* name : {"link", "dangling", "to", "file"}) {
    CHECK_THROWS_AS(make_entry_file(here, name, name), std::system_error);
    CHECK_THROWS_AS(make_entry_directory(here, name, true, name), std::system_error);
    CHECK_THROWS_AS(make_entry_symlink(here, name, "x", name), std::system_error);
    CHECK_THROWS_AS(open_entry_directory(here, name, name), std::system_error);
  }
  scratch.file("new", "new");
  const std::string from = "new";
  const std::string to = "file";
  CHECK_THROWS_AS(move_entry({here, from}, {here, to}, "file"), std::system_error);
  CHECK_THROWS_AS(link_entry({here, from}, {here, to}, "file"), std::system_error);
  CHECK(content_of(file) == "old");
  CHECK(content_of(outside / "precious") == "x");
  CHECK_FALSE(fs::exists(outside / "new"));
}

TEST_CASE("entry maker: a name that is taken is replaced where that is asked for", "[os]") {
  const Scratch scratch;
  const std::string precious = scratch.file("precious", "old");
  scratch.file("file", "old");
  fs::create_symlink(precious, scratch / "link");
  fs::create_directory(scratch / "directory");
  const Descriptor here = open_directory(scratch.path());
  const std::string made = "made";
  for (const std::string name : {"free", "file", "link"}) {
    close_written(make_entry_file(here, made, made, false), made);
    replace_entry({here, made}, {here, name}, name);
    CHECK(fs::is_regular_file(fs::symlink_status(scratch / name)));
    CHECK(fs::is_empty(scratch / name));
    CHECK_FALSE(fs::exists(scratch / made));
  }
  CHECK(content_of(precious) == "old");
  close_written(make_entry_file(here, made, made), made);
  CHECK(fs::status(scratch / made).permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write));
  CHECK_THROWS_AS(replace_entry({here, made}, {here, "directory"}, "p"), std::system_error);
  CHECK_THROWS_AS(replace_entry({here, made}, {here, "a/b"}, "p"), sluice::UsageError);
  CHECK_THROWS_AS(replace_entry({here, ".."}, {here, made}, "p"), sluice::UsageError);
}

TEST_CASE("entry maker: attributes and times are those asked for", "[os]") {
  const Scratch scratch;
  const Descriptor here = open_directory(scratch.path());
  const FileTime time{.seconds = -77, .nanoseconds = 123'456'789};
  Descriptor file = make_entry_file(here, "file", "file");
  CHECK(inode_of(file, "file").mode == 0600);
  set_attributes(file, 04641, time, "file");
  CHECK(inode_of(file, "file").mode == 04641);
  CHECK(inode_of(file, "file").modified == time);
  make_entry_symlink(here, "link", "file", "link");
  const FileTime other{.seconds = 5, .nanoseconds = 6};
  set_entry_time(here, "link", other, "link");
  const Inode link = inode_of(scratch / "link");
  CHECK(link.kind == FileKind::symlink);
  CHECK(link.modified == other);
  CHECK(inode_of(file, "file").modified == time);
  CHECK(link_target(scratch / "link") == "file");
}

TEST_CASE("entry maker: a tree is removed whole, and nothing that links in it lead to", "[os]") {
  const Scratch scratch;
  const Scratch outside;
  outside.file("precious", "x");
  for (const char* name : {"in/a/b/c/file", "in/a/file", "in/b/file", "in/d/e/f/g"}) {
    scratch.file(name, "x");
  }
  fs::create_directory_symlink(outside.path(), scratch / "in/a/to");
  fs::permissions(scratch / "in/b", fs::perms::none);
  scratch.file("kept", "x");
  const Descriptor here = open_directory(scratch.path());
  remove_entry_tree(here, "missing");
  remove_entry_tree(here, "..");
  remove_entry_tree(here, "in");
  CHECK_FALSE(fs::exists(scratch / "in"));
  CHECK(content_of(scratch / "kept") == "x");
  CHECK(content_of(outside / "precious") == "x");
  remove_entry_tree(here, "kept");
  CHECK(fs::is_empty(scratch.path()));
}

TEST_CASE("names_in: lists a directory as often as it is asked", "[os]") {
  const Scratch scratch;
  scratch.file("a", "");
  scratch.file("b/c", "");
  const Descriptor here = open_directory(scratch.path());
  for (int i = 0; i < 2; ++i) {
    std::vector<std::string> names = names_in(here, scratch.path());
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{"a", "b"});
  }
}

TEST_CASE("link_target: reads links of any length", "[os]") {
  const Scratch scratch;
  for (const std::size_t size : {1U, 255U, 256U, 257U, 4000U}) {
    const std::string path = scratch / "link" + std::to_string(size);
    fs::create_symlink(std::string(size, 'x'), path);
    CHECK(link_target(path) == std::string(size, 'x'));
  }
}
