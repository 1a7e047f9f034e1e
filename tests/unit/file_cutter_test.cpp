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

std::vector<ChunkMark> expected_chunks(std::string_view bytes) {
  std::vector<ChunkMark> chunks;
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(bytes.size(), kRange))) {
    std::string_view range = bytes.substr(0, kRange);
    while (!range.empty()) {
      const std::size_t size = ContentChunker::first_chunk_bytes(range);
      chunks.push_back({.digest = digest_of(range.substr(0, size)),
                        .size_bytes = static_cast<std::uint32_t>(size)});
      range.remove_prefix(size);
    }
  }
  return chunks;
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

TEST_CASE("FileCutter: ranges of files are appended as their chunks", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  FileCutter cutter;
  ChunkGroup group;
  std::string all;
  std::vector<ChunkMark> chunks;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{65536}, std::size_t{kRange},
        std::size_t{kRange + 1}, std::size_t{2 * kRange + 12345}}) {
    std::string bytes = random_bytes(random, size);
    if (size > kRange) bytes.replace(kRange / 2, 300'000, 300'000, 'x');
    const std::string path = scratch.file("file", bytes);
    const Inode inode = inode_of(path);
    std::uint64_t at = 0;
    do {
      const FileRange range = FileRange::at(at, size);
      cutter.append(path, inode, range, group);
      at = range.end();
    } while (at < size);
    all += bytes;
    const std::vector<ChunkMark> more = expected_chunks(bytes);
    chunks.insert(chunks.end(), more.begin(), more.end());
  }
  CHECK((group.bytes.view() == all));
  CHECK((group.chunks == chunks));
}

TEST_CASE("FileCutter: content that was shifted is mostly found again in a large file", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string bytes = random_bytes(random, 3 * kRange);
  const auto chunks_of = [&](const std::string& content) {
    const std::string path = scratch.file("file", content);
    ChunkGroup group;
    FileCutter cutter;
    for (std::uint64_t at = 0; at < content.size(); at += kRange) {
      cutter.append(path, inode_of(path), FileRange::at(at, content.size()), group);
    }
    return group.chunks;
  };
  const std::vector<ChunkMark> before = chunks_of(bytes);
  const std::vector<ChunkMark> after = chunks_of("inserted" + bytes);
  const auto found = std::count_if(after.begin(), after.end(), [&](const ChunkMark& chunk) {
    return std::find(before.begin(), before.end(), chunk) != before.end();
  });
  CHECK(static_cast<double>(found) > 0.93 * static_cast<double>(after.size()));
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
