// tests/unit/archive_round_trip_test.cpp: what is packed comes out again, exactly; by one thread.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/serial_archive.hpp>

#include <sluice/os/entry_maker.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::testing_support;

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

void set_mode(const std::string& path, unsigned mode) {
  REQUIRE(::chmod(path.c_str(), static_cast<mode_t>(mode)) == 0);
}

// Packs, verifies and unpacks `in` of the scratch directory; both trees must be equal.
void check_round_trip(const Scratch& scratch) {
  const std::string archive = scratch / "archive";
  const Packed packed = pack_serially({scratch / "in"}, archive);
  CHECK(packed.skipped.empty());
  verify_serially(archive);
  unpack_serially(archive, scratch / "out");
  const std::string unpacked = scratch / "out" + scratch / "in";
  CHECK(snapshot(unpacked) == snapshot(scratch / "in"));
  // Directories that are closed to their owner are in the way of those who remove a scratch
  // directory.
  const auto here = sluice::detail::open_directory(scratch.path());
  for (const char* tree : {"in", "out"}) sluice::detail::remove_entry_tree(here, tree);
}

}  // namespace

TEST_CASE("an archive keeps contents, empty files and directories, permissions and times",
          "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const auto put = [&](const std::string& name, const std::string& content, unsigned mode,
                       long seconds, long nanoseconds) {
    const std::string path = scratch.file("in/" + name, content);
    set_mode(path, mode);
    set_time(path, seconds, nanoseconds);
  };
  put("empty", "", 0644, 1, 0);
  put("one", "1", 0600, 1'700'000'000, 123'456'789);
  put("before 1970", "old", 0444, -5, 999'999'999);
  put("far future", "new", 0777, 7'000'000'000, 1);
  put("a/b/c/deep", "deep", 0400, 0, 0);
  put("set-id", "#!", 06755, 5, 5);
  put("large", random_bytes(random, 5'000'000), 0640, 77, 7);
  put("zeros", std::string(3'000'000, '\0'), 0640, 78, 8);
  put("large again", content_of(scratch / "in/large") + "and more", 0640, 79, 9);
  fs::create_directories(scratch / "in/empty directory/another");
  set_mode(scratch / "in/a/b", 01777);
  set_mode(scratch / "in/a", 0555);
  set_time(scratch / "in/a/b/c", 100, 1);
  set_time(scratch / "in/a/b", 200, 2);
  set_time(scratch / "in/a", 300, 3);
  set_time(scratch / "in", 400, 4);
  check_round_trip(scratch);
}

TEST_CASE("an archive keeps symbolic links as they are, with their times", "[pack]") {
  const Scratch scratch;
  scratch.file("in/file", "x");
  const std::vector<std::string> targets = {
      "file",  "/etc/passwd", "nowhere", "../../..",
      "sub/x", "link0",       " \n",     std::string(4000, 'x')};
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string path = scratch / "in/link" + std::to_string(i);
    fs::create_symlink(targets[i], path);
    set_time(path, 1000 + static_cast<long>(i), 17);
  }
  check_round_trip(scratch);
}

TEST_CASE("an archive keeps hard links, of files and of symbolic links", "[pack]") {
  const Scratch scratch;
  scratch.file("in/b/first", "shared");
  fs::create_directories(scratch / "in/a");
  fs::create_directories(scratch / "in/c/d");
  fs::create_hard_link(scratch / "in/b/first", scratch / "in/a/second");
  fs::create_hard_link(scratch / "in/b/first", scratch / "in/c/d/third");
  fs::create_symlink("nowhere", scratch / "in/link");
  REQUIRE(::linkat(AT_FDCWD, (scratch / "in/link").c_str(), AT_FDCWD,
                   (scratch / "in/c/link").c_str(), 0) == 0);
  scratch.file("in/other", "shared");
  check_round_trip(scratch);
}

TEST_CASE("an archive keeps names of any bytes", "[pack]") {
  const Scratch scratch;
  scratch.file("in/ lead and trail ", "1");
  scratch.file("in/new\nline\ttab\x1b[31m", "2");
  scratch.file("in/\xff\xfe not utf-8 \x80", "3");
  scratch.file("in/-", "4");
  scratch.file("in/--output", "5");
  scratch.file("in/...", "6");
  scratch.file("in/*?[]{}'\"\\", "7");
  scratch.file("in/" + std::string(255, 'n') + "/" + std::string(255, 'm'), "8");
  std::string bytes = "in/";
  for (int byte = 1; byte < 256; ++byte) {
    if (byte != '/') bytes.push_back(static_cast<char>(byte));
  }
  scratch.file(bytes, "9");
  check_round_trip(scratch);
}

TEST_CASE("an archive keeps a tree of random shape", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  fs::create_directories(scratch / "in");
  std::vector<std::string> files;
  const int count = scaled(250);
  for (int i = 0; i < count; ++i) {
    std::string name = "in";
    for (std::uint64_t depth = random() % 6; depth > 0; --depth) {
      name += "/d" + std::to_string(random() % 4);
    }
    const std::string path = scratch / name + "/f" + std::to_string(i);
    fs::create_directories(scratch / name);
    if (random() % 8 == 0 && !files.empty()) {
      fs::create_hard_link(files[random() % files.size()], path);
    } else if (random() % 8 == 0) {
      fs::create_symlink(std::to_string(random()), path);
    } else if (random() % 4 == 0 && !files.empty()) {
      scratch.file(name + "/f" + std::to_string(i),
                   content_of(files[random() % files.size()]) + "!");
    } else {
      scratch.file(name + "/f" + std::to_string(i), random_bytes(random, random() % 60'000));
      files.push_back(path);
    }
    set_time(path, static_cast<long>(random() % 4'000'000'000),
             static_cast<long>(random() % 1'000'000'000));
  }
  check_round_trip(scratch);
}

TEST_CASE("an archive of many paths keeps the order, and makes directories that lead to them",
          "[pack]") {
  const Scratch scratch;
  scratch.file("x/y/file", "1");
  scratch.file("x/z/other", "2");
  scratch.file("x/y/left out", "3");
  const Packed packed = pack_serially({scratch / "x/z", scratch / "x/y/file"}, scratch / "archive");
  CHECK(packed.notes.size() == 2);
  unpack_serially(scratch / "archive", scratch / "out");
  const std::string base = scratch / "out" + scratch.path() + "/x/";
  CHECK(content_of(base + "y/file") == "1");
  CHECK(content_of(base + "z/other") == "2");
  CHECK_FALSE(fs::exists(base + "y/left out"));
}

TEST_CASE(
    "an archive of a directory without a name has its contents at the top, and its attributes",
    "[pack]") {
  const Scratch tree;
  const Scratch scratch;
  tree.file("in/file", "1");
  set_mode(tree.path(), 0711);
  set_time(tree.path(), 55, 66);
  // As for ".", which would ask a test to change the current directory of its process.
  const Packed packed = pack_serially({tree / "in/.."}, scratch / "archive");
  CHECK(packed.notes.size() == 1);  // what is left out of the path
  const auto expected = snapshot(tree.path());
  SECTION("into a new directory") {
    unpack_serially(scratch / "archive", scratch / "out");
    CHECK(snapshot(scratch / "out") == expected);
  }
  SECTION("into one that is there") {
    fs::create_directory(scratch / "out");
    unpack_serially(scratch / "archive", scratch / "out");
    CHECK(snapshot(scratch / "out") == expected);
  }
}

TEST_CASE("an archive of nothing is an archive", "[pack]") {
  const Scratch scratch;
  const Packed packed = pack_serially({scratch / "missing"}, scratch / "archive");
  CHECK(packed.skipped.size() == 1);
  verify_serially(scratch / "archive");
  unpack_serially(scratch / "archive", scratch / "out");
  CHECK(fs::is_empty(scratch / "out"));
}

TEST_CASE("equal trees make equal archives, and repeated contents are stored once", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string content = random_bytes(random, 300'000);
  for (const char* tree : {"one/in/", "two/in/"}) {
    for (const char* name : {"a", "b/c", "b/d", "e"}) {
      const std::string path = scratch.file(tree + std::string(name), content);
      set_time(path, 9, 9);
    }
    set_time(scratch / tree + "b", 9, 9);
    set_time(scratch / tree, 9, 9);
  }
  // After the last "..", both are called "in".
  const Packed packed = pack_serially({scratch / "one/in/../in"}, scratch / "1");
  pack_serially({scratch / "two/in/../in"}, scratch / "2");
  CHECK(packed.summary.frames == 1);
  CHECK(packed.summary.archive_bytes < 302'000);
  CHECK(packed.summary.archive_bytes == fs::file_size(scratch / "1"));
  CHECK(content_of(scratch / "1") == content_of(scratch / "2"));
}

TEST_CASE("an archive within the tree it is made of does not hold itself, nor the one before it",
          "[pack]") {
  const Scratch scratch;
  scratch.file("in/file", "x");
  for (int i = 0; i < 2; ++i) {
    pack_serially({scratch / "in/../in"}, scratch / "in/archive");
    unpack_serially(scratch / "in/archive", scratch / "out" + std::to_string(i));
    CHECK(snapshot(scratch / "out" + std::to_string(i)).size() == 3);  // the output, in/, in/file
  }
}

TEST_CASE("an archive that is made again replaces the old one, whole", "[pack]") {
  const Scratch scratch;
  scratch.file("in", "1");
  scratch.file("archive", "something else");
  pack_serially({scratch / "in"}, scratch / "archive");
  verify_serially(scratch / "archive");
  const std::string first = content_of(scratch / "archive");
  pack_serially({scratch / "in"}, scratch / "archive");
  CHECK(content_of(scratch / "archive") == first);
}

// Names of one long beginning: zstd would shrink the index more than a reader believes.
TEST_CASE("an archive with an index of much repetition is stored so that it can be read",
          "[pack]") {
  const Scratch scratch;
  const std::string beginning(240, 'n');
  sluice::samples::ArchiveWriter writer(scratch / "archive", 3);
  constexpr int kEntries = 5000;
  for (int i = 0; i < kEntries; ++i) {
    REQUIRE(writer.add({.path = beginning + std::to_string(i)}).refusal == "");
  }
  const auto summary = writer.commit();
  CHECK(summary.index_bytes > kEntries * beginning.size());
  const sluice::samples::ArchiveReader reader(scratch / "archive");
  REQUIRE(reader.contents().entries().size() == kEntries + 1);
  CHECK(reader.contents().path(kEntries) == beginning + std::to_string(kEntries - 1));
}
