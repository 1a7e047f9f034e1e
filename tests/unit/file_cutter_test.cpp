// tests/unit/file_cutter_test.cpp: a file in groups of chunks, and files that change meanwhile.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <file_cutter.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>

#include <sluice/stages/content_chunker.hpp>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <system_error>
#include <vector>

namespace {

using namespace sluice::samples;
using namespace sluice::testing_support;
using sluice::detail::inode_of;
using sluice::stages::ContentChunker;

struct Cut {
  std::string bytes;
  std::vector<ChunkMark> chunks;
  std::size_t groups = 0;
};

Cut cut_file(FileCutter& cutter, const std::string& path) {
  Cut cut;
  cutter.open(path, inode_of(path));
  ChunkGroup group;
  do {
    cutter.next(group);
    REQUIRE(group.bytes.size() <= FileCutter::kGroupBytes + ContentChunker::kMost);
    REQUIRE((group.last || group.bytes.size() >= FileCutter::kGroupBytes));
    cut.bytes += group.bytes.view();
    cut.chunks.insert(cut.chunks.end(), group.chunks.begin(), group.chunks.end());
    ++cut.groups;
  } while (!group.last);
  return cut;
}

std::vector<ChunkMark> expected_chunks(std::string_view bytes) {
  std::vector<ChunkMark> chunks;
  while (!bytes.empty()) {
    const std::size_t size = ContentChunker::first_chunk_bytes(bytes);
    chunks.push_back({.digest = digest_of(bytes.substr(0, size)),
                      .size_bytes = static_cast<std::uint32_t>(size)});
    bytes.remove_prefix(size);
  }
  return chunks;
}

std::string words_of_failure(FileCutter& cutter, ChunkGroup& group) {
  try {
    cutter.next(group);
  } catch (const ChangedFile& changed) {
    return changed.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("FileCutter: the chunks of a file do not depend on the groups", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  FileCutter cutter;
  constexpr std::size_t kGroup = FileCutter::kGroupBytes;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{65536}, kGroup - 1, kGroup,
        kGroup + 1, kGroup + 65536, kGroup + 65537, 3 * kGroup + 12345}) {
    CAPTURE(size);
    std::string bytes(size, '\0');
    for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<char>(random());
    if (size > 2 * kGroup) bytes.replace(kGroup - 5000, 300'000, 300'000, 'x');
    const Cut cut = cut_file(cutter, scratch.file("file", bytes));
    CHECK((cut.bytes == bytes));
    CHECK(cut.chunks == expected_chunks(bytes));
    CHECK(cut.groups == std::max<std::size_t>(1, cut.groups));
  }
}

TEST_CASE("FileCutter: a file that changes while it is read is told", "[pack]") {
  const Scratch scratch;
  const std::string path = scratch.file("file", std::string(3'000'000, 'x'));
  FileCutter cutter;
  ChunkGroup group;
  cutter.open(path, inode_of(path));
  cutter.next(group);
  REQUIRE_FALSE(group.last);
  SECTION("longer") { std::ofstream(path, std::ios::app) << "more"; }
  SECTION("shorter") { std::filesystem::resize_file(path, 2'000'000); }
  SECTION("rewritten") {
    std::filesystem::last_write_time(
        path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(5));
  }
  std::string words = "nothing";
  while (words == "nothing" && !group.last) words = words_of_failure(cutter, group);
  CHECK(words == "changed while it was read");
}

TEST_CASE("FileCutter: a file that is no longer what was found is told", "[pack]") {
  const Scratch scratch;
  const std::string path = scratch.file("file", "before");
  const auto found = inode_of(path);
  FileCutter cutter;
  SECTION("another size") {
    std::ofstream(path, std::ios::app) << "more";
    CHECK_THROWS_WITH(cutter.open(path, found), "changed since it was found");
  }
  SECTION("another file") {
    scratch.file("other", "before");
    std::filesystem::rename(scratch / "other", path);
    CHECK_THROWS_WITH(cutter.open(path, found), "was replaced by another file since it was found");
  }
  SECTION("a link") {
    std::filesystem::rename(path, scratch / "other");
    std::filesystem::create_symlink("other", path);
    CHECK_THROWS_AS(cutter.open(path, found), std::system_error);
  }
  SECTION("gone") {
    std::filesystem::remove(path);
    CHECK_THROWS_AS(cutter.open(path, found), std::system_error);
  }
  SECTION("a FIFO without a writer, which does not make the reader wait") {
    std::filesystem::remove(path);
    scratch.fifo("file");
    CHECK_THROWS_WITH(cutter.open(path, found), "was replaced by another file since it was found");
  }
}

TEST_CASE("FileCutter: a file that says it is empty and is not is told", "[pack]") {
  FileCutter cutter;
  ChunkGroup group;
  cutter.open("/proc/self/status", inode_of("/proc/self/status"));
  CHECK(words_of_failure(cutter, group) == "changed while it was read");
}
