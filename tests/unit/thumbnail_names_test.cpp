// unit/thumbnail_names_test.cpp: no two files share a thumbnail, and none leaves its directory.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/scale.hpp>
#include <support/seeds.hpp>
#include <thumbnail_names.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace sluice::samples;
using namespace sluice::testing_support;
using Strings = std::vector<std::string>;

std::string given(const Strings& paths, std::size_t path, const std::string& suffix = ".jpg") {
  return ThumbnailNames(paths, suffix).of_given(path).value_or("none");
}
std::string found(const Strings& paths, std::size_t path, const std::string& below,
                  const std::string& suffix = ".jpg") {
  return ThumbnailNames(paths, suffix).of_found(path, below).value_or("none");
}

// Files and directories as a file system may hold them: each name once in its directory.
struct Tree {
  Strings files{};

  void grow(std::mt19937_64& random, const std::string& prefix, int depth) {
    static const Strings names{"a",       "a.jpg", "a.jpg.jpg",   "a.jpg.d",     "a.jpg.d.d",
                               "a.jpg~2", "b~2",   "a.jpg.d.jpg", ".jpg",        ".jpg.d",
                               ".d",      "a.d",   "b",           "a.jpg.jpg.d", "~2"};
    for (const std::string& name : names) {
      switch (random() % (depth > 0 ? 3 : 2)) {
        case 0:
          files.push_back(prefix + name);
          break;
        case 2:
          grow(random, prefix + name + '/', depth - 1);
          break;
        default:
          break;
      }
    }
  }
};

void check_component(const std::string& name) {
  std::istringstream parts(name);
  for (std::string part; std::getline(parts, part, '/');) {
    if (part.empty() || part == "." || part == ".." || part.size() > 255) FAIL("name " << name);
  }
  if (name.empty() || name.front() == '/' || name.back() == '/') FAIL("name " << name);
}

}  // namespace

TEST_CASE("thumbnail names: the path below the one that was given, and a suffix",
          "[thumbnails][names]") {
  CHECK(found({"photos"}, 0, "2024/a.jpg") == "2024/a.jpg.jpg");
  CHECK(found({"photos"}, 0, "2024/a.png") == "2024/a.png.jpg");
  CHECK(found({"/"}, 0, "2024/a.png", ".png") == "2024/a.png.png");
  CHECK(given({"x/y/photo.JPG"}, 0) == "photo.JPG.jpg");
  CHECK(given({"../../etc/photo"}, 0) == "photo.jpg");
  CHECK(given({"/photo"}, 0) == "photo.jpg");
}

TEST_CASE("thumbnail names: several paths have directories, in which they are told apart",
          "[thumbnails][names]") {
  const Strings paths{"a/photos/", "b/photos", "c/photos/.", "photos~2", "/", "..", "x/..", "."};
  const Strings names{"photos/f.jpg", "photos~2/f.jpg", "photos~3/f.jpg", "photos~2~2/f.jpg",
                      "root/f.jpg",   "root~2/f.jpg",   "root~3/f.jpg",   "root~4/f.jpg"};
  for (std::size_t i = 0; i < paths.size(); ++i) CHECK(found(paths, i, "f") == names[i]);
  CHECK(given({"a/f", "b/f", "f"}, 0) == "f.jpg");
  CHECK(given({"a/f", "b/f", "f"}, 2) == "f~3.jpg");
}

TEST_CASE("thumbnail names: a directory that is called like a thumbnail makes room",
          "[thumbnails][names]") {
  CHECK(found({"r"}, 0, "a") == "a.jpg");
  CHECK(found({"r"}, 0, "a.jpg/a") == "a.jpg.d/a.jpg");
  CHECK(found({"r"}, 0, "a.jpg.d/a") == "a.jpg.d.d/a.jpg");
  CHECK(found({"r"}, 0, "a.d/a") == "a.d/a.jpg");
  CHECK(found({"r"}, 0, "a.jpg/a", ".png") == "a.jpg/a.png");
}

TEST_CASE("thumbnail names: one that no file system takes is none", "[thumbnails][names]") {
  const std::string fits(251, 'x');
  CHECK(found({"r"}, 0, "d/" + fits) == "d/" + fits + ".jpg");
  CHECK(found({"r"}, 0, "d/" + fits + 'x') == "none");
  CHECK(found({"r"}, 0, fits + ".jpg/x") == "none");
  CHECK(found({"r"}, 0, std::string(255, 'x') + "/" + fits) ==
        std::string(255, 'x') + "/" + fits + ".jpg");
  CHECK(given({std::string(252, 'x')}, 0) == "none");
  CHECK(given({std::string(251, 'x'), std::string(251, 'x')}, 1) == "none");
}

TEST_CASE("thumbnail names: in random trees no two are equal, none is a directory of another",
          "[thumbnails][names]") {
  auto random = random_engine();
  std::size_t files = 0;
  for (int round = 0; round < scaled(300); ++round) {
    const Strings roots{"a", "x/a", "a.jpg", "y/a.jpg", "b~2", "x/b", "b", "..", "a.jpg.d", "a~2"};
    Strings paths;
    for (std::size_t i = 1 + random() % 6; i > 0; --i) paths.push_back(roots[random() % 10]);
    const ThumbnailNames names(paths, ".jpg");
    std::set<std::string> made;
    std::set<std::string> directories;
    const auto add = [&](const std::optional<std::string>& name) {
      REQUIRE(name.has_value());
      check_component(*name);
      if (!made.insert(*name).second) FAIL("twice: " << *name);
      for (std::size_t at = name->find('/'); at != std::string::npos;
           at = name->find('/', at + 1)) {
        directories.insert(name->substr(0, at));
      }
      ++files;
    };
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (random() % 4 == 0) {
        add(names.of_given(i));
        continue;
      }
      Tree tree;
      tree.grow(random, "", 2);
      for (const std::string& file : tree.files) add(names.of_found(i, file));
    }
    for (const std::string& directory : directories) {
      if (made.count(directory) > 0) FAIL("file and directory: " << directory);
    }
  }
  CHECK(files > 1000);
}
