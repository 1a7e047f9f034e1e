// tests/unit/content_comparer_test.cpp: files of one size: which have the same bytes, whatever the hash says.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <content_comparer.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::samples;
using namespace sluice::testing_support;
using Names = std::set<std::string>;

std::string random_content(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

ContentHash constant_hash(std::string_view) { return {.low = 1, .high = 2}; }

// Files of one directory, found as they are now.
FoundFiles found_in(const Scratch& scratch, const std::vector<std::string>& names) {
  FileBatch batch{.prefix = scratch.path() + '/'};
  for (const std::string& name : names) {
    batch.add(name, sluice::detail::inode_of(scratch / name));
  }
  FoundFiles files;
  files.add(std::move(batch));
  return files;
}

struct Compared {
  std::set<Names> equal{};
  std::set<Names> alike{};
  std::vector<std::string> failed{};

  friend bool operator==(const Compared&, const Compared&) = default;
};

Compared compare(const FoundFiles& files, const CompareOptions& options) {
  std::vector<FileId> members;
  for (std::uint32_t at = 0; at < files.batches()[0].files.size(); ++at) members.push_back({0, at});
  const auto names = [&](const std::vector<FileId>& ids) {
    Names set;
    for (const FileId id : ids) set.emplace(files.name(id));
    return set;
  };
  ContentComparer comparer(options);
  const ContentClasses classes = comparer.compare(files, members, files[{0, 0}].size_bytes);
  Compared compared;
  for (const auto& one : classes.equal) compared.equal.insert(names(one));
  for (const auto& one : classes.alike) compared.alike.insert(names(one));
  for (const FailedFile& one : classes.failed) {
    compared.failed.push_back(std::string(files.name(one.file)) + ": " + one.reason);
  }
  return compared;
}

const std::vector<CompareOptions> kOptions{{},
                                           {.open_files = 0},
                                           {.open_files = 2},
                                           {.hash = constant_hash},
                                           {.open_files = 1, .hash = constant_hash}};

}  // namespace

TEST_CASE("comparer: every byte counts, at every place of every block", "[duplicates]") {
  auto random = random_engine();
  for (const std::size_t size : {1U, 100U, 4095U, 4096U, 4097U, 8192U, 150'000U, 600'001U}) {
    const Scratch scratch;
    const std::string content = random_content(random, size);
    std::vector<std::string> names{"a", "b", "c"};
    for (const std::string& name : names) scratch.file(name, content);
    std::set<std::size_t> places{0, size - 1, size / 2};
    for (const std::size_t edge : {4095U, 4096U, 135'167U, 135'168U}) {
      if (edge < size) places.insert(edge);
    }
    for (const std::size_t place : places) {
      for (const char* copy : {"x", "y"}) {
        std::string other = content;
        other[place] = static_cast<char>(other[place] ^ 1);
        names.push_back(copy + std::to_string(place));
        scratch.file(names.back(), other);
      }
    }
    std::set<Names> expected{{"a", "b", "c"}};
    for (const std::size_t place : places) {
      expected.insert({"x" + std::to_string(place), "y" + std::to_string(place)});
    }
    const FoundFiles files = found_in(scratch, names);
    for (const CompareOptions& options : kOptions) {
      CAPTURE(size, options.open_files, options.hash == constant_hash);
      CHECK((compare(files, options) == Compared{.equal = expected}));
    }
  }
}

TEST_CASE("comparer: a hash that is the same for everything changes no result", "[duplicates]") {
  const Scratch scratch;
  std::vector<std::string> names;
  std::set<Names> expected;
  for (int content = 0; content < 40; ++content) {
    Names same;
    for (int copy = 0; copy < content % 4; ++copy) {
      names.push_back(std::to_string(content) + '_' + std::to_string(copy));
      scratch.file(names.back(), "content " + std::to_string(100 + content));
      same.insert(names.back());
    }
    if (same.size() > 1) expected.insert(same);
  }
  const FoundFiles files = found_in(scratch, names);
  for (const CompareOptions& options : kOptions) {
    CHECK((compare(files, options) == Compared{.equal = expected}));
  }
}

TEST_CASE("comparer: files that fall apart early and are long are left to several calls",
          "[duplicates]") {
  const Scratch scratch;
  for (const char* name : {"a1", "a2"}) scratch.file(name, std::string(10'000, 'a'));
  for (const char* name : {"b1", "b2"}) scratch.file(name, std::string(10'000, 'b'));
  const FoundFiles files = found_in(scratch, {"a1", "a2", "b1", "b2"});
  CHECK((compare(files, {.most_bytes = 10}) == Compared{.alike = {{"a1", "a2"}, {"b1", "b2"}}}));
  const FoundFiles one = found_in(scratch, {"a1", "a2"});  // or it would never end
  CHECK((compare(one, {.most_bytes = 10}) == Compared{.equal = {{"a1", "a2"}}}));
}

TEST_CASE("comparer: files that vanish, are replaced or change are told, and the rest is compared",
          "[duplicates]") {
  for (const std::size_t size : {10U, 300'000U}) {
    for (const CompareOptions& options : kOptions) {
      const Scratch scratch;
      const std::string content(size, 'x');
      const std::vector<std::string> names{"a", "b", "gone", "longer", "replaced", "shorter", "z"};
      for (const std::string& name : names) scratch.file(name, content);
      const FoundFiles files = found_in(scratch, names);
      fs::remove(scratch / "gone");
      scratch.file("longer", content + 'x');
      scratch.file("shorter", content.substr(1));
      scratch.file("other", content);
      fs::rename(scratch / "other", scratch / "replaced");
      fs::last_write_time(scratch / "z",
                          fs::last_write_time(scratch / "z") + std::chrono::seconds(1));
      Compared compared = compare(files, options);
      CHECK(compared.equal == std::set<Names>{{"a", "b"}});
      const std::string changed = ": changed or was replaced since it was found";
      CHECK(compared.failed ==
            std::vector<std::string>{"gone: cannot open: No such file or directory (errno 2)",
                                     "longer" + changed, "replaced" + changed, "shorter" + changed,
                                     "z" + changed});
    }
  }
}

TEST_CASE("comparer: a link or a FIFO in a file's place is not read", "[duplicates]") {
  const Scratch scratch;
  for (const char* name : {"a", "b", "fifo", "link"}) scratch.file(name, "x");
  const FoundFiles files = found_in(scratch, {"a", "b", "fifo", "link"});
  fs::remove(scratch / "fifo");
  scratch.fifo("fifo");
  fs::remove(scratch / "link");
  fs::create_symlink("a", scratch / "link");
  const Compared compared = compare(files, {});
  CHECK(compared.equal == std::set<Names>{{"a", "b"}});
  CHECK(compared.failed.size() == 2);
}

TEST_CASE("comparer: the hash of a head is that of its bytes, the hash of a file that of all",
          "[duplicates]") {
  const Scratch scratch;
  std::string content(300'000, 'x');
  scratch.file("a", content);
  content.back() = 'y';
  scratch.file("b", content);
  const FoundFiles files = found_in(scratch, {"a", "b"});
  ContentComparer comparer{CompareOptions{}};
  CHECK((comparer.hash(files, {0, 0}, 4096) == comparer.hash(files, {0, 1}, 4096)));
  CHECK((comparer.hash(files, {0, 0}, 300'000) != comparer.hash(files, {0, 1}, 300'000)));
  fs::remove(scratch / "a");
  CHECK_THROWS_WITH((comparer.hash(files, {0, 0}, 4096)),
                    "cannot open: No such file or directory (errno 2)");
}
