// tests/unit/content_chunker_test.cpp: where a stream is cut, which its content alone decides.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/stages/content_chunker.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using sluice::stages::ContentChunker;
using namespace sluice::testing_support;

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size + 8, '\0');
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + at, &word, sizeof word);
  }
  bytes.resize(size);
  return bytes;
}

std::vector<std::size_t> lengths_at_once(std::string_view bytes) {
  std::vector<std::size_t> lengths;
  while (!bytes.empty()) {
    lengths.push_back(ContentChunker::first_chunk_bytes(bytes));
    bytes.remove_prefix(lengths.back());
  }
  return lengths;
}

// `next_read` says how many bytes come with the next read.
template <class NextRead>
std::vector<std::size_t> lengths_in_reads(std::string_view bytes, NextRead next_read) {
  ContentChunker chunker;
  std::vector<std::size_t> lengths;
  std::size_t length = 0;
  while (!bytes.empty()) {
    std::string_view read = bytes.substr(0, next_read());
    bytes.remove_prefix(read.size());
    while (!read.empty()) {
      const ContentChunker::Step step = chunker.feed(read);
      length += step.taken_bytes;
      read.remove_prefix(step.taken_bytes);
      if (step.cut) lengths.push_back(std::exchange(length, 0));
    }
  }
  if (length > 0) lengths.push_back(length);
  return lengths;
}

}  // namespace

TEST_CASE("ContentChunker: the cuts are the same for any split of the reads", "[pack]") {
  auto random = random_engine();
  std::string bytes = random_bytes(random, scaled(std::size_t{3'000'000}));
  bytes.insert(bytes.size() / 2, 300'000, 'x');  // and where only the greatest length cuts
  const std::vector<std::size_t> expected = lengths_at_once(bytes);
  for (const std::size_t most : {1U, 7U, 64U, 4096U, 16385U, 65536U, 1U << 20U}) {
    CAPTURE(most);
    CHECK(lengths_in_reads(bytes, [&] { return most; }) == expected);
    CHECK(lengths_in_reads(bytes, [&] { return 1 + random() % most; }) == expected);
  }
}

TEST_CASE("ContentChunker: no chunk but the last is shorter than the least or longer than the most",
          "[pack]") {
  auto random = random_engine();
  const std::string bytes = random_bytes(random, scaled(std::size_t{32} << 20));
  const std::vector<std::size_t> lengths = lengths_at_once(bytes);
  std::size_t sum = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    sum += lengths[i];
    if (i + 1 < lengths.size()) REQUIRE(lengths[i] > ContentChunker::kLeast);
    REQUIRE(lengths[i] <= ContentChunker::kMost);
  }
  CHECK(sum == bytes.size());
  CHECK(ContentChunker::first_chunk_bytes({}) == 0);
  CHECK(lengths_at_once("a few bytes") == std::vector<std::size_t>{11});
}

// Single lengths scatter by about 8 KiB, so 2000 of them have a mean within 200 bytes of the
// expected one two times in three; the bounds are five times that and more.
TEST_CASE("ContentChunker: random bytes come in chunks of 16 KiB on average", "[pack]") {
  auto random = random_engine();
  const std::string bytes = random_bytes(random, scaled(std::size_t{32} << 20));
  const std::size_t mean = bytes.size() / lengths_at_once(bytes).size();
  const std::size_t slack = kUnderSanitizer ? 4000 : 1200;
  CHECK(mean > ContentChunker::kMean - slack);
  CHECK(mean < ContentChunker::kMean + slack);
}

TEST_CASE("ContentChunker: after an insertion the cuts fall into step again", "[pack]") {
  auto random = random_engine();
  const std::string before = random_bytes(random, 2'000'000);
  std::string after = before;
  after.insert(1'000'003, "something new");
  const auto chunks_of = [](std::string_view bytes) {
    std::vector<std::string_view> chunks;
    for (const std::size_t length : lengths_at_once(bytes)) {
      chunks.push_back(bytes.substr(0, length));
      bytes.remove_prefix(length);
    }
    return chunks;
  };
  const std::vector<std::string_view> old_chunks = chunks_of(before);
  const std::set<std::string_view> known(old_chunks.begin(), old_chunks.end());
  std::size_t fresh = 0;
  for (const std::string_view chunk : chunks_of(after)) {
    fresh += known.contains(chunk) ? 0 : chunk.size();
  }
  CHECK(fresh > 0);
  CHECK(fresh < 400'000);
}

TEST_CASE("ContentChunker: repetition is cut into equal chunks", "[pack]") {
  for (const char byte : {'\0', 'a', '\xff'}) {
    const std::string bytes(10 * ContentChunker::kMost, byte);
    const std::vector<std::size_t> lengths = lengths_at_once(bytes);
    CHECK(std::set<std::size_t>(lengths.begin(), lengths.end()).size() == 1);
  }
}

// Other cuts would still make good archives, but an archive made before and one made now would no
// longer be equal. These lengths were computed by another program, in another language, byte by
// byte.
TEST_CASE("ContentChunker: the cuts of a known stream stay where they are", "[pack]") {
  std::mt19937_64 random(20161104);
  const std::string bytes = random_bytes(random, 200'000);
  CHECK(lengths_at_once(bytes) == std::vector<std::size_t>{24812, 6898, 7887, 12142, 33262, 24284,
                                                           7630, 13063, 20118, 18398, 14754, 15149,
                                                           1603});
}
