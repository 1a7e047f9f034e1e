// tests/unit/digest_test.cpp: digests, and the index that finds chunks by them.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <chunk_index.hpp>
#include <digest.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>

using namespace sluice::samples;
using namespace sluice::testing_support;

// RFC 7693, appendix A.
TEST_CASE("digest_of: is the first half of BLAKE2b-512", "[pack]") {
  CHECK(digest_of("abc").text() ==
        "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1");
  CHECK(digest_of("").text() == "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419");
}

TEST_CASE("DigestMaker: one digest does not depend on those before it", "[pack]") {
  DigestMaker maker;
  const std::string large(100'000, 'x');
  CHECK(maker(large) == digest_of(large));
  CHECK(maker("abc") == digest_of("abc"));
  CHECK(maker("") == digest_of(""));
  CHECK(maker("abc") != maker("abd"));
  DigestMaker moved = std::move(maker);
  CHECK(moved(large) == digest_of(large));
}

TEST_CASE("Digest: has an order and a hash", "[pack]") {
  std::set<Digest> ordered;
  std::set<std::size_t> hashes;
  for (int i = 0; i < 100; ++i) {
    ordered.insert(digest_of(std::to_string(i)));
    hashes.insert(DigestHash()(digest_of(std::to_string(i))));
  }
  CHECK(ordered.size() == 100);
  CHECK(hashes.size() == 100);
}

TEST_CASE("ChunkIndex: numbers digests in the order of their first appearance", "[pack]") {
  auto random = random_engine();
  ChunkIndex index;
  DigestMaker maker;
  std::map<Digest, std::uint32_t> expected;
  const int rounds = scaled(60'000);
  for (int i = 0; i < rounds; ++i) {
    const Digest digest = maker(std::to_string(random() % 20'000));
    const auto [known, is_new] =
        expected.try_emplace(digest, static_cast<std::uint32_t>(expected.size()));
    const ChunkIndex::Place place = index.find_or_add(digest);
    REQUIRE(place.is_new == is_new);
    REQUIRE(place.number == known->second);
  }
  REQUIRE(index.size() == expected.size());
  for (const auto& [digest, number] : expected) REQUIRE(index.digests()[number] == digest);
}

TEST_CASE("ChunkIndex: digests that want the same slot are told apart", "[pack]") {
  ChunkIndex index;
  for (unsigned round = 0; round < 2; ++round) {
    for (unsigned i = 0; i < 3000; ++i) {
      Digest digest;
      digest.bytes[30] = static_cast<unsigned char>(i & 0xff);  // not in the hash
      digest.bytes[31] = static_cast<unsigned char>(i >> 8);
      const ChunkIndex::Place place = index.find_or_add(digest);
      REQUIRE(place.number == i);
      REQUIRE(place.is_new == (round == 0));
    }
  }
}
