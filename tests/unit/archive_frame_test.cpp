// tests/unit/archive_frame_test.cpp: compressing and grouping, and what decompression refuses.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <archive_format.hpp>
#include <archive_frame.hpp>
#include <frame_grouper.hpp>
#include <support/seeds.hpp>

#include <sluice/error.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice::samples;
using namespace sluice::testing_support;

std::string words(std::mt19937_64& random, std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(random() % 1000) + " and then ";
  text.resize(size);
  return text;
}

std::string compressed(FrameCompressor& compressor, std::string_view raw) {
  ByteBuffer stored;
  compressor.compress(raw, stored);
  return std::string(stored.view());
}

RawFrame frame_of(std::string_view bytes) {
  RawFrame frame;
  frame.bytes.append(bytes);
  frame.chunks.push_back(
      {.digest = digest_of(bytes), .size_bytes = static_cast<std::uint32_t>(bytes.size())});
  return frame;
}

}  // namespace

TEST_CASE("FrameCompressor: what it makes becomes the same bytes again", "[pack]") {
  auto random = random_engine();
  FrameDecompressor decompressor;
  for (const int level : {1, 3, 9}) {
    FrameCompressor compressor(level);
    for (const std::size_t size : {std::size_t{1}, std::size_t{5000}, kMostFrameBytes}) {
      const std::string raw = words(random, size);
      const StoredFrame stored = compressor.compress(frame_of(raw));
      CHECK(stored.checksum == checksum_of(stored.bytes.view()));
      CHECK(stored.chunks == frame_of(raw).chunks);
      ByteBuffer back;
      CHECK(decompressor.decompress(stored.bytes.view(), raw.size(), back) == "");
      CHECK(back.view() == raw);
    }
  }
}

TEST_CASE("FrameCompressor: the bytes do not depend on what was compressed before", "[pack]") {
  auto random = random_engine();
  for (const int level : {1, 3, 5, 9, 13}) {
    CAPTURE(level);
    FrameCompressor used(level);
    for (int i = 0; i < 6; ++i) {
      const std::string raw = words(random, 1 + random() % 400'000);
      FrameCompressor fresh(level);
      REQUIRE(compressed(used, raw) == compressed(fresh, raw));
    }
  }
}

TEST_CASE("FrameCompressor: a level that does not exist is refused", "[pack]") {
  for (const int level : {-1, 0, 20, 100})
    CHECK_THROWS_AS(FrameCompressor(level), sluice::UsageError);
}

TEST_CASE("FrameDecompressor: a frame that is not what it should be is refused", "[pack]") {
  auto random = random_engine();
  FrameCompressor compressor(3);
  FrameDecompressor decompressor;
  const std::string raw = words(random, 10'000);
  const std::string stored = compressed(compressor, raw);
  ByteBuffer to;
  CHECK(decompressor.decompress(stored, raw.size() - 1, to) ==
        "it does not declare 9999 bytes of content");
  CHECK(decompressor.decompress(stored + stored, raw.size(), to) ==
        "it does not end where it should");
  CHECK(decompressor.decompress(stored + '\0', raw.size(), to) ==
        "it does not end where it should");
  CHECK(decompressor.decompress("not a frame at all", 10, to) == "it is no frame of zstd");
  CHECK(decompressor.decompress("", 0, to) != "");
  for (std::size_t size = 0; size < stored.size(); size += 1 + size / 8) {
    CHECK(decompressor.decompress(stored.substr(0, size), raw.size(), to) != "");
  }
  CHECK(to.empty());
  CHECK(decompressor.decompress(stored, raw.size(), to) == "");
  CHECK(to.view() == raw);
}

// The header of the frame says 2^60 bytes, and so does the caller's number, which is for callers to
// check: but no caller asks for more than a frame may hold.
TEST_CASE("FrameDecompressor: an absurd size in a frame takes no memory", "[pack]") {
  FrameDecompressor decompressor;
  const std::string bomb("\x28\xb5\x2f\xfd\xc0\x00\x00\x00\x00\x00\x00\x00\x00\x10\x01\x00\x00",
                         17);
  ByteBuffer to;
  CHECK(decompressor.decompress(bomb, kMostFrameBytes, to) != "");
  CHECK(to.capacity() == 0);
}

TEST_CASE("FrameGrouper: keeps the first of equal chunks and fills frames of a megabyte",
          "[pack]") {
  FrameGrouper grouper;
  std::vector<RawFrame> frames;
  std::string all;
  RunList first;
  RunList second;
  const auto keep = [&](std::optional<RawFrame> frame) {
    if (frame) frames.push_back(std::move(*frame));
  };
  for (RunList* file : {&first, &second}) {
    for (int i = 0; i < 50; ++i) {
      const std::string bytes(50'000, static_cast<char>('0' + i));
      if (file == &first) all += bytes;
      keep(grouper.add({.digest = digest_of(bytes), .size_bytes = 50'000}, bytes, *file));
    }
  }
  keep(grouper.finish());
  CHECK_FALSE(grouper.finish());
  CHECK(grouper.distinct_chunks() == 50);
  CHECK(grouper.seen_bytes() == 5'000'000);
  CHECK(grouper.kept_bytes() == 2'500'000);
  const std::vector<ChunkRun> whole{{.first = 0, .count = 50}};
  CHECK(first.runs() == whole);
  CHECK(second.runs() == whole);
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].bytes.size() == 1'050'000);
  CHECK(frames[0].chunks.size() == 21);
  std::string kept;
  for (const RawFrame& frame : frames) kept += frame.bytes.view();
  CHECK(kept == all);
}

TEST_CASE("RunList: counts up, or repeats", "[pack]") {
  const auto runs_of = [](const std::vector<std::uint32_t>& chunks) {
    RunList list;
    for (const std::uint32_t chunk : chunks) list.add(chunk);
    return list.runs();
  };
  CHECK(runs_of({}).empty());
  CHECK(runs_of({7}) == std::vector<ChunkRun>{{7, 1, false}});
  CHECK(runs_of({7, 8, 9}) == std::vector<ChunkRun>{{7, 3, false}});
  CHECK(runs_of({7, 7, 7, 7}) == std::vector<ChunkRun>{{7, 4, true}});
  CHECK(runs_of({7, 7, 8}) == std::vector<ChunkRun>{{7, 2, true}, {8, 1, false}});
  CHECK(runs_of({7, 8, 8, 7, 7}) ==
        std::vector<ChunkRun>{{7, 2, false}, {8, 1, false}, {7, 2, true}});
  CHECK(runs_of({5, 4, 3}) == std::vector<ChunkRun>{{5, 1, false}, {4, 1, false}, {3, 1, false}});
}
