// unit/pack_items_test.cpp: what travels through `pack`, as bytes and back.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <fuzz/target.hpp>
#include <pack_items.hpp>
#include <support/block_shelf.hpp>
#include <support/sample_tree.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <sluice/codec.hpp>
#include <sluice/weight.hpp>

#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace sluice;
using namespace sluice::samples;
using namespace sluice::testing_support;
using Row = std::vector<std::byte>;

ByteBuffer buffer_of(std::string_view bytes) {
  ByteBuffer buffer;
  buffer.append(bytes);
  return buffer;
}

template <class T>
Row row_of(const T& value, BlockSink* sink = nullptr) {
  Bytes bytes;
  encode(value, bytes, sink);
  return {bytes.data(), bytes.data() + bytes.size()};
}

PackJob some_job(std::mt19937_64& random) {
  PackJob job{.archive = 7, .number = 3, .complete = true};
  job.parts.push_back({.entry = {.kind = EntryKind::file,
                                 .path = "in/a \n\xff",
                                 .stored = "a",
                                 .inode = {.kind = sluice::detail::FileKind::regular,
                                           .mode = 0644,
                                           .size_bytes = 90,
                                           .links = 2,
                                           .identity = {.device = 1, .number = 2},
                                           .modified = {.seconds = -1, .nanoseconds = 5}},
                                 .number = 4},
                       .range = {.size_bytes = 90},
                       .chunk_count = 2});
  job.parts.push_back({.entry = {.kind = EntryKind::symlink, .target = "b"}, .failure = "why"});
  job.content.bytes = buffer_of(random_bytes(random, 90));
  job.content.chunks = {{.digest = digest_of("x"), .size_bytes = 40}, {.size_bytes = 50}};
  return job;
}

RawPart some_part(std::mt19937_64& random) {
  RawPart part{.archive = 7, .number = 9};
  part.frame = RawFrame{.bytes = buffer_of(random_bytes(random, 60)), .chunks = {{}, {}}};
  part.entries.push_back(
      {.entry = {.path = "a", .runs = {{.first = 1, .count = 2, .repeats = true}}},
       .path = "in/a",
       .number = 4,
       .has_other_names = true});
  return part;
}

// Every cut is refused, every flipped bit is refused or some value.
template <class T>
void check_damage(Row row) {
  REQUIRE(fuzz::try_decode<T>(row) == fuzz::Outcome::accepted);
  for (std::size_t length = 0; length < row.size(); ++length) {
    if (fuzz::try_decode<T>(std::span(row).first(length)) != fuzz::Outcome::refused) {
      FAIL(length << " of " << row.size() << " bytes are accepted");
    }
  }
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < 8 * row.size(); ++bit) {
    const auto mask = static_cast<std::byte>(1U << bit % 8);
    row[bit / 8] ^= mask;
    if (fuzz::try_decode<T>(row) == fuzz::Outcome::refused) ++refused;
    row[bit / 8] ^= mask;
  }
  CHECK(refused > 0);
}

}  // namespace

TEST_CASE("pack: a buffer comes back as it was, also by reference", "[pack][codec]") {
  auto random = random_engine();
  BlockShelf shelf{100};
  for (const std::size_t size : {0U, 1U, 99U, 101U, 100'000U}) {
    const ByteBuffer buffer = buffer_of(random_bytes(random, size));
    CHECK((decode<ByteBuffer>(row_of(buffer)).view() == buffer.view()));
    const Row lent = row_of(buffer, &shelf);
    CHECK((decode<ByteBuffer>(lent, &shelf).view() == buffer.view()));
    CHECK((lent.size() < 100) == (size != 99));  // what the shelf takes is a reference
  }
}

TEST_CASE(
    "pack: a buffer that claims to be larger than its bytes is refused before memory is taken",
    "[pack][codec]") {
  for (const std::uint64_t claimed :
       {std::uint64_t{5}, std::uint64_t{1} << 40, std::numeric_limits<std::uint64_t>::max()}) {
    Bytes bytes;
    Writer to(bytes);
    to.put(std::byte{0});  // shared bytes that are here
    to.put_count(static_cast<std::size_t>(claimed));
    to.put_raw("four", 4);
    CHECK_THROWS_AS(decode<ByteBuffer>(bytes), DecodeError);
  }
}

TEST_CASE("pack: damaged bytes of its items are refused or some value", "[pack][codec]") {
  auto random = random_engine();
  check_damage<ByteBuffer>(row_of(buffer_of(random_bytes(random, 200))));
  check_damage<PackJob>(row_of(some_job(random)));
  const Row raw = row_of(some_part(random));
  check_damage<RawPart>(raw);
  StoredPart stored{.archive = 1, .number = 2, .complete = true};
  stored.frame = StoredFrame{.bytes = buffer_of("stored"), .checksum = 5, .chunks = {{}}};
  check_damage<StoredPart>(row_of(stored));
}

TEST_CASE("pack: a job and a part come back whole", "[pack][codec]") {
  auto random = random_engine();
  const PackJob job = some_job(random);
  const auto there = decode<PackJob>(row_of(job));
  CHECK(there.archive == 7);
  CHECK(there.number == 3);
  CHECK(there.complete);
  CHECK((there.content.bytes.view() == job.content.bytes.view()));
  CHECK((there.content.chunks == job.content.chunks));
  REQUIRE(there.parts.size() == 2);
  CHECK(there.parts[0].entry.path == job.parts[0].entry.path);
  CHECK(there.parts[0].entry.inode.identity == job.parts[0].entry.inode.identity);
  CHECK(there.parts[0].entry.inode.modified == job.parts[0].entry.inode.modified);
  CHECK(there.parts[1].failure == "why");
  const auto part = decode<RawPart>(row_of(some_part(random)));
  CHECK(part.number == 9);
  REQUIRE(part.entries.size() == 1);
  CHECK(part.entries[0].entry.runs ==
        std::vector<ChunkRun>{{.first = 1, .count = 2, .repeats = true}});
  CHECK(part.entries[0].has_other_names);
}

TEST_CASE("pack: what its items weigh has their contents in it", "[pack][weight]") {
  STATIC_REQUIRE(is_weighed_in_full_v<PackJob>);
  STATIC_REQUIRE(is_weighed_in_full_v<RawPart>);
  STATIC_REQUIRE(is_weighed_in_full_v<StoredPart>);
  auto random = random_engine();
  RawPart part = some_part(random);
  REQUIRE(part.frame.has_value());
  const std::size_t before = weight_of(part);
  const std::size_t capacity = part.frame->bytes.capacity();
  CHECK(before > capacity);
  part.frame->bytes.reserve(capacity + 1'000'000);
  CHECK(weight_of(part) == before + 1'000'000);
}

TEST_CASE("pack: an entry of a kind that does not exist is refused", "[pack][codec]") {
  Row row = row_of(EntryKind::hard_link);
  CHECK(decode<EntryKind>(row) == EntryKind::hard_link);
  row[0] = std::byte{5};
  CHECK_THROWS_AS(decode<EntryKind>(row), DecodeError);
}
