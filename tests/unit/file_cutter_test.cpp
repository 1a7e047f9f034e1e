// tests/unit/file_cutter_test.cpp: ranges of files in chunks, and files that change meanwhile.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <file_cutter.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>

#include <sluice/stages/content_chunker.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

using namespace sluice::samples;
using namespace sluice::testing_support;
using sluice::detail::Inode;
using sluice::detail::inode_of;
using sluice::stages::ContentChunker;

constexpr std::uint64_t kRange = FileRange::kMostBytes;

FileRange first_range(const Inode& inode) { return FileRange::at(0, inode.size_bytes); }

// Those of the whole file, cut from front to back.
std::vector<ChunkMark> chunks_in_a_row(std::string_view bytes) {
  std::vector<ChunkMark> chunks;
  while (!bytes.empty()) {
    const std::size_t size = ContentChunker::first_chunk_bytes(bytes);
    chunks.push_back({.digest = digest_of(bytes.substr(0, size)),
                      .size_bytes = static_cast<std::uint32_t>(size)});
    bytes.remove_prefix(size);
  }
  return chunks;
}

// Each range by a cutter of its own.
ChunkGroup cut_by_ranges(const std::string& path) {
  ChunkGroup group;
  const Inode inode = inode_of(path);
  std::uint64_t at = 0;
  do {
    const FileRange range = FileRange::at(at, inode.size_bytes);
    FileCutter().append(path, inode, range, group);
    at = range.end();
  } while (at < inode.size_bytes);
  return group;
}

double part_in_common(const std::vector<ChunkMark>& a, const std::vector<ChunkMark>& b) {
  const auto found = std::count_if(a.begin(), a.end(), [&](const ChunkMark& chunk) {
    return std::find(b.begin(), b.end(), chunk) != b.end();
  });
  return static_cast<double>(found) / static_cast<double>(a.size());
}

void check_digests(const ChunkGroup& group) {
  std::size_t at = 0;
  for (const ChunkMark& chunk : group.chunks) {
    REQUIRE(chunk.size_bytes > 0);
    REQUIRE(chunk.size_bytes <= ContentChunker::kMost);
    REQUIRE(digest_of(group.bytes.view().substr(at, chunk.size_bytes)) == chunk.digest);
    at += chunk.size_bytes;
  }
  REQUIRE(at == group.bytes.size());
}

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

}  // namespace

TEST_CASE("FileRange: ranges follow one another and end with the file", "[pack]") {
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{1}, kRange - 1, kRange, kRange + 1, 3 * kRange + 5}) {
    CAPTURE(size);
    std::uint64_t at = 0;
    std::uint64_t ranges = 0;
    do {
      const FileRange range = FileRange::at(at, size);
      CHECK(range.offset == at);
      CHECK(range.size_bytes <= kRange);
      at = range.end();
      ++ranges;
    } while (at < size);
    CHECK(at == size);
    CHECK(ranges == std::max<std::uint64_t>(1, (size + kRange - 1) / kRange));
  }
}

TEST_CASE("FileCutter: the ranges of a file have all of its bytes, once, in chunks", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{65536}, std::size_t{kRange - 1},
        std::size_t{kRange}, std::size_t{kRange + 1}, std::size_t{kRange + 65535},
        std::size_t{2 * kRange + 12345}}) {
    CAPTURE(size);
    const std::string bytes = random_bytes(random, size);
    std::string dull(size, 'x');  // chunks of the greatest length, which do not fall into step
    if (size > 0) dull[size / 2] = 'y';
    std::string half = bytes;
    half.replace(size / 2, size - size / 2, size - size / 2, '\0');
    for (const std::string& content : std::vector<std::string>{bytes, dull, half}) {
      const ChunkGroup group = cut_by_ranges(scratch.file("file", content));
      CHECK((group.bytes.view() == content));
      check_digests(group);
    }
  }
}

TEST_CASE("FileCutter: a small file is cut from front to back, and appended to what is there",
          "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  FileCutter cutter;
  ChunkGroup group;
  std::string all;
  std::vector<ChunkMark> chunks;
  for (const std::size_t size : {0U, 1U, 4096U, 65536U, 1'000'000U}) {
    const std::string bytes = random_bytes(random, size);
    const std::string path = scratch.file("file", bytes);
    cutter.append(path, inode_of(path), first_range(inode_of(path)), group);
    all += bytes;
    const std::vector<ChunkMark> more = chunks_in_a_row(bytes);
    chunks.insert(chunks.end(), more.begin(), more.end());
  }
  CHECK((group.bytes.view() == all));
  CHECK((group.chunks == chunks));
}

TEST_CASE("FileCutter: a large file has the chunks it had if it were cut from front to back",
          "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string bytes = random_bytes(random, 4 * kRange + 99);
  const ChunkGroup group = cut_by_ranges(scratch.file("file", bytes));
  CHECK(part_in_common(group.chunks, chunks_in_a_row(bytes)) > 0.98);
}

TEST_CASE("FileCutter: content that was shifted is found again in a large file", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string bytes = random_bytes(random, 4 * kRange);
  const ChunkGroup before = cut_by_ranges(scratch.file("before", bytes));
  const ChunkGroup after = cut_by_ranges(scratch.file("after", "some bytes more" + bytes));
  CHECK(part_in_common(after.chunks, before.chunks) > 0.98);
}

TEST_CASE("FileCutter: a file that is no longer what was found is told, and leaves no bytes",
          "[pack]") {
  const Scratch scratch;
  const std::string path = scratch.file("file", "before");
  const Inode found = inode_of(path);
  FileCutter cutter;
  ChunkGroup group;
  const std::string other = scratch.file("first", "what is there already");
  cutter.append(other, inode_of(other), first_range(inode_of(other)), group);
  const auto append = [&] { cutter.append(path, found, first_range(found), group); };
  SECTION("longer") {
    std::ofstream(path, std::ios::app) << "more";
    CHECK_THROWS_WITH(append(), "changed since it was found");
  }
  SECTION("shorter") {
    std::filesystem::resize_file(path, 3);
    CHECK_THROWS_WITH(append(), "changed since it was found");
  }
  SECTION("rewritten") {
    std::filesystem::last_write_time(
        path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(5));
    CHECK_THROWS_WITH(append(), "changed since it was found");
  }
  SECTION("another file") {
    scratch.file("other", "before");
    std::filesystem::rename(scratch / "other", path);
    CHECK_THROWS_WITH(append(), "was replaced by another file since it was found");
  }
  SECTION("a link") {
    std::filesystem::rename(path, scratch / "other");
    std::filesystem::create_symlink("other", path);
    CHECK_THROWS_AS(append(), std::system_error);
  }
  SECTION("gone") {
    std::filesystem::remove(path);
    CHECK_THROWS_AS(append(), std::system_error);
  }
  SECTION("a FIFO without a writer, which does not make the reader wait") {
    std::filesystem::remove(path);
    scratch.fifo("file");
    CHECK_THROWS_WITH(append(), "was replaced by another file since it was found");
  }
  CHECK(group.bytes.view() == "what is there already");
  CHECK(group.chunks.size() == 1);
}

TEST_CASE("FileCutter: a file that says it is empty and is not is told", "[pack]") {
  FileCutter cutter;
  ChunkGroup group;
  const std::string path = "/proc/self/status";
  CHECK_THROWS_WITH(cutter.append(path, inode_of(path), {}, group), "changed while it was read");
  CHECK(group.bytes.empty());
}

// The files of /sys say that they hold a page and hold less: what comes is not what was found.
TEST_CASE("FileCutter: a file that ends before its size is told", "[pack]") {
  const std::string path = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (!std::filesystem::exists(path)) {
    SUCCEED("no such file here");
    return;
  }
  FileCutter cutter;
  ChunkGroup group;
  const Inode inode = inode_of(path);
  CHECK_THROWS_WITH(cutter.append(path, inode, first_range(inode), group),
                    "changed while it was read");
  CHECK(group.bytes.empty());
}
