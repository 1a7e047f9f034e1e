// tests/unit/spill_disk_test.cpp: memory stays flat, space is used again, and a full disk loses
// nothing.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/scale.hpp>
#include <support/scratch.hpp>

#include <sluice/flow/spill_store.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace {

using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using sluice::detail::SpillLog;
using sluice::detail::SpillStore;

std::string text_of(std::size_t number) {
  return std::to_string(number) + std::string(number % 100, 'x');
}

std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmRSS:") {
      std::size_t kib = 0;
      status >> kib;
      return kib;
    }
  }
  return 0;
}

// The size of the only nameless file of this process below `directory`.
std::uint64_t size_of_spill_file(const std::string& directory) {
  std::uint64_t size = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
    if (target.compare(0, directory.size(), directory) != 0) continue;
    struct stat found = {};
    if (::stat(entry.path().c_str(), &found) == 0)
      size += static_cast<std::uint64_t>(found.st_size);
  }
  return size;
}

// A limit on the size of files is the full disk of who is not root.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  ~FileLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_ = {};
};

}  // namespace

TEST_CASE("SpillStore: a million items wait in flat memory", "[spill]") {
  const std::size_t count = scaled(std::size_t{1000000});
  SpillStore<std::string> store({.memory_items = 1000});
  for (std::size_t i = 0; i < count / 10; ++i) store.put(text_of(i));
  const std::size_t before_kib = resident_kib();
  for (std::size_t i = count / 10; i < count; ++i) store.put(text_of(i));
  CHECK(store.size() == count);
  CHECK(store.spilled() > count / 2);
  const std::size_t kept_kib = resident_kib() - std::min(resident_kib(), before_kib);
  CAPTURE(before_kib, kept_kib, store.spilled_bytes());
  if (!kUnderSanitizer) CHECK(kept_kib * 1024 < store.spilled_bytes() / 10);
  for (std::size_t i = 0; i < count; ++i) {
    if (store.take() != text_of(i)) FAIL("a wrong item at " << i);
  }
  CHECK(store.empty());
}

TEST_CASE("SpillStore: no file before one is needed, none in the directory after", "[spill]") {
  const Scratch scratch;
  SpillStore<std::string> store({.memory_items = 10, .directory = scratch.path()});
  for (std::size_t i = 0; i < 100; ++i) store.put(text_of(i));
  CHECK(size_of_spill_file(scratch.path()) == 0);
  for (std::size_t i = 100; i < 20000; ++i) store.put(text_of(i));
  CHECK(size_of_spill_file(scratch.path()) >= store.spilled_bytes());
  CHECK(std::filesystem::is_empty(scratch.path()));
}

TEST_CASE("SpillStore: a row that never ends uses the same space again", "[spill]") {
  const Scratch scratch;
  SpillStore<std::string> store({.memory_items = 10, .directory = scratch.path()});
  const std::string item(1000, 'x');
  for (int i = 0; i < 4000; ++i) store.put(std::string(item));
  const std::uint64_t full = size_of_spill_file(scratch.path());
  for (int i = scaled(100000); i > 0; --i) {
    static_cast<void>(store.take());
    store.put(std::string(item));
  }
  CHECK(size_of_spill_file(scratch.path()) <= full + 4 * SpillLog::kBlock);
  while (!store.empty()) static_cast<void>(store.take());
  CHECK(size_of_spill_file(scratch.path()) == 0);
}

TEST_CASE("SpillStore: a full disk refuses the item and keeps all others", "[spill]") {
  const Scratch scratch;
  SpillStore<std::string> store({.memory_items = 10, .directory = scratch.path()});
  std::size_t put = 0;
  std::string refused;
  {
    const FileLimit limit(3 * SpillLog::kBlock + 1000);  // the fourth block is cut off
    try {
      for (;; ++put) {
        refused = std::to_string(put) + std::string(5000, 'x');
        store.put(std::move(refused));
      }
    } catch (const std::system_error& error) {
      CHECK(error.code() == std::errc::file_too_large);
      CHECK_THAT(error.what(), Contains("in " + scratch.path()) && Contains("free space"));
    }
    CHECK(store.size() == put);
    CHECK(refused == std::to_string(put) + std::string(5000, 'x'));
    CHECK_THROWS_AS(store.put(std::move(refused)), std::system_error);
    CHECK(store.size() == put);
  }
  store.put(std::move(refused));  // there is room again
  for (std::size_t i = 0; i <= put; ++i) {
    if (store.take() != std::to_string(i) + std::string(5000, 'x')) FAIL("a wrong item at " << i);
  }
  CHECK(store.empty());
}

TEST_CASE("SpillStore: a directory that is missing refuses the item and keeps the others",
          "[spill]") {
  const Scratch scratch;
  SpillStore<std::string> store({.memory_items = 2, .directory = scratch / "missing"});
  std::size_t put = 0;
  const std::string item(100000, 'x');
  try {
    for (;; ++put) store.put(std::string(item));
  } catch (const std::system_error& error) {
    CHECK_THAT(error.what(), Contains("missing"));
  }
  CHECK(put >= 4);
  CHECK(store.size() == put);
  for (std::size_t i = 0; i < put; ++i) {
    if (store.take() != item) FAIL("a wrong item");
  }
  CHECK(store.empty());
}
