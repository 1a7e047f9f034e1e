// tests/unit/archive_index_test.cpp: an index says what was put in; a hostile one is refused.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <archive_bytes.hpp>
#include <archive_contents.hpp>
#include <archive_index.hpp>

#include <sluice/error.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace sluice::samples;

constexpr std::uint32_t kChunkBytes = 1000;

// A frame of chunks of 1000 bytes that is stored in 50.
StoredFrame frame_of(std::uint32_t chunks) {
  StoredFrame frame;
  frame.bytes.resize(50);
  frame.checksum = 42;
  for (std::uint32_t i = 0; i < chunks; ++i) {
    frame.chunks.push_back({.digest = digest_of(std::to_string(i)), .size_bytes = kChunkBytes});
  }
  return frame;
}

ArchiveContents decoded(const std::string& raw, std::uint64_t frames_end) {
  ByteBuffer bytes;
  bytes.append(raw);
  return {std::move(bytes), frames_end, "archive"};
}

std::string wrong_with(const std::string& raw, std::uint64_t frames_end = kHeadBytes) {
  try {
    const ArchiveContents contents = decoded(raw, frames_end);
  } catch (const ArchiveError& error) {
    return error.what();
  }
  return "nothing";
}

// An index of these counts; the rest is appended by the test.
ByteWriter index_of(std::uint64_t frames, std::uint64_t chunks, std::uint64_t entries) {
  ByteWriter index;
  index.varint(frames);
  index.varint(chunks);
  index.varint(entries);
  return index;
}

void put_entry(ByteWriter& index, EntryKind kind, std::int64_t parent_step, std::string_view name) {
  index.u8(static_cast<std::uint8_t>(kind));
  index.signed_varint(parent_step);
  index.varint(name.size());
  index.bytes(name);
  if (kind == EntryKind::implied_directory) return;
  index.varint(0644);
  index.signed_varint(5);
  index.varint(6);
}

void put_root(ByteWriter& index) { put_entry(index, EntryKind::implied_directory, 0, ""); }

// An archive without frames that holds, besides the root, an entry of this name.
std::string with_name(std::string_view name) {
  ByteWriter index = index_of(0, 0, 2);
  put_root(index);
  put_entry(index, EntryKind::directory, 0, name);
  return index.text();
}

NewEntry directory(std::string path) {
  return {.kind = EntryKind::directory, .path = std::move(path), .attributes = {.mode = 0755}};
}
NewEntry file(std::string path, std::vector<ChunkRun> runs = {}) {
  return {.path = std::move(path), .attributes = {.mode = 0644}, .runs = std::move(runs)};
}

std::string contains(const std::string& text, const std::string& part) {
  return text.find(part) == std::string::npos ? text : part;
}

#define CHECK_SAYS(text, part) CHECK(contains(text, part) == (part))

}  // namespace

TEST_CASE("ArchiveIndex: what was put in comes out", "[pack]") {
  ArchiveIndex index;
  index.add_frame(frame_of(3));
  index.add_frame(frame_of(2));
  const EntryAttributes odd{.mode = 06751,
                            .modified = {.seconds = std::numeric_limits<std::int64_t>::min(),
                                         .nanoseconds = 999'999'999}};
  const EntryAttributes late{
      .mode = 0,
      .modified = {.seconds = std::numeric_limits<std::int64_t>::max(), .nanoseconds = 0}};
  CHECK(index.add({.kind = EntryKind::directory, .path = "", .attributes = odd}).refusal == "");
  CHECK(index.add({.kind = EntryKind::directory, .path = "a", .attributes = late}).number == 1);
  const std::vector<ChunkRun> runs{{3, 2, false}, {0, 1000, true}, {0, 3, false}, {4, 1, false}};
  CHECK(index.add({.path = "a/file", .attributes = odd, .runs = runs}).number == 2);
  CHECK(
      index
          .add(
              {.kind = EntryKind::symlink, .path = "x/y/link", .attributes = odd, .target = "../a"})
          .number == 5);
  CHECK(index.add({.kind = EntryKind::hard_link, .path = "a/name", .attributes = odd, .link_to = 2})
            .number == 6);
  const ArchiveContents contents = decoded(index.encode(), kHeadBytes + 100);
  REQUIRE(contents.entries().size() == 7);
  REQUIRE(contents.frames().size() == 2);
  CHECK(contents.frames()[1].offset == kHeadBytes + 50);
  CHECK(contents.frames()[1].raw_bytes == 2 * kChunkBytes);
  CHECK(contents.frames()[1].first_chunk == 3);
  CHECK(contents.frames()[1].checksum == 42);
  CHECK(contents.chunks()[4].frame == 1);
  CHECK(contents.chunks()[4].offset == kChunkBytes);
  const Digest last = digest_of("1");
  CHECK(contents.digest(4) ==
        std::string_view(reinterpret_cast<const char*>(last.bytes.data()), kStoredDigestBytes));
  CHECK(contents.entries()[0].attributes == odd);
  CHECK(contents.entries()[1].attributes == late);
  const ArchiveEntry& packed = contents.entries()[2];
  CHECK(packed.kind == EntryKind::file);
  CHECK(packed.attributes == odd);
  CHECK(packed.size_bytes == (2 + 1000 + 3 + 1) * kChunkBytes);
  CHECK(std::vector<ChunkRun>(contents.runs(packed).begin(), contents.runs(packed).end()) == runs);
  CHECK(contents.entries()[3].kind == EntryKind::implied_directory);
  CHECK(contents.path(5) == "x/y/link");
  CHECK(contents.entries()[5].target == "../a");
  CHECK(contents.path(6) == "a/name");
  CHECK(contents.entries()[6].link_to == 2);
}

TEST_CASE("ArchiveIndex: refuses what a reader would refuse", "[pack]") {
  ArchiveIndex index;
  CHECK(index.add(file("a")).refusal == "");
  CHECK(index.add(directory("d")).number == 2);
  CHECK(index.add(directory("d")).number == 2);
  CHECK_SAYS(index.add(file("a")).refusal, "has an entry of this path already");
  CHECK_SAYS(index.add(file("d")).refusal, "has an entry of this path already");
  CHECK_SAYS(index.add(directory("a")).refusal, "has an entry of this path already");
  CHECK_SAYS(index.add(file("a/b/c")).refusal, "its directory a is stored as something else");
  for (const char* path : {"x/", "x//y", "../x", "x/../y", "x/.", ".", ".."}) {
    CHECK_SAYS(index.add(file(path)).refusal, "is no name of a file");
  }
  CHECK_SAYS(index.add(file("/x")).refusal, "its path begins with a slash");
  CHECK_SAYS(index.add(file(std::string("x\0y", 3))).refusal, "is no name of a file");
  CHECK_SAYS(index.add(file(std::string(256, 'x'))).refusal, "is no name of a file");
  std::string deep = "d";
  while (deep.size() <= kMostPathBytes) deep += "/d";
  CHECK_SAYS(index.add(file(deep)).refusal, "an archive takes 4095");
  CHECK_SAYS(index.add({.kind = EntryKind::symlink, .path = "l", .target = std::string(5000, 'x')})
                 .refusal,
             "leads to a path of 5000 bytes");
  CHECK(index.entries() == 3);
  CHECK(wrong_with(index.encode()) == "nothing");
  CHECK_THROWS_AS(index.add({.kind = EntryKind::hard_link, .path = "h", .link_to = 9}),
                  sluice::UsageError);
  ArchiveIndex incomplete;
  CHECK(incomplete.add(file("f", {{0, 1, false}})).refusal == "");
  CHECK_THROWS_AS(incomplete.encode(), sluice::UsageError);
}

TEST_CASE("ArchiveContents: a name that is not one component is refused", "[pack]") {
  CHECK(wrong_with(with_name("good")) == "nothing");
  const std::string complaint = "the name of entry 1 is none of a file";
  for (const char* name : {"", ".", "..", "/", "/etc", "a/b", "../x", "a/"}) {
    CAPTURE(name);
    CHECK_SAYS(wrong_with(with_name(name)), complaint);
  }
  CHECK_SAYS(wrong_with(with_name(std::string("a\0b", 3))), complaint);
  CHECK_SAYS(wrong_with(with_name(std::string("\0", 1))), complaint);
  CHECK_SAYS(wrong_with(with_name(std::string(256, 'x'))), complaint);
  CHECK(wrong_with(with_name(std::string(255, 'x'))) == "nothing");
}

TEST_CASE("ArchiveContents: an entry lies in a directory before it, and nowhere else", "[pack]") {
  const std::string complaint = "which is no directory before it";
  for (const std::int64_t parent : {1, 2, -1, 1 << 30}) {
    ByteWriter index = index_of(0, 0, 2);
    put_root(index);
    put_entry(index, EntryKind::directory, parent, "x");
    CAPTURE(parent);
    CHECK_SAYS(wrong_with(index.text()), complaint);
  }
  ByteWriter through_link = index_of(0, 0, 3);
  put_root(through_link);
  put_entry(through_link, EntryKind::symlink, 0, "link");
  through_link.varint(1);
  through_link.bytes("/");
  put_entry(through_link, EntryKind::directory, 1, "x");
  CHECK_SAYS(wrong_with(through_link.text()), "entry 2 lies in entry 1, " + complaint);
}

TEST_CASE("ArchiveContents: two entries of one path are refused", "[pack]") {
  for (const EntryKind second : {EntryKind::directory, EntryKind::symlink}) {
    ByteWriter index = index_of(0, 0, 4);
    put_root(index);
    put_entry(index, EntryKind::directory, 0, "same");
    put_entry(index, EntryKind::directory, 1, "same");  // in the first: no fault
    put_entry(index, second, -1, "same");
    if (second == EntryKind::symlink) {
      index.varint(1);
      index.bytes("x");
    }
    CHECK_SAYS(wrong_with(index.text()), "entries 1 and 3 have one path");
  }
}

TEST_CASE("ArchiveContents: a hard link names a file of the archive before it", "[pack]") {
  const auto with_link = [](EntryKind first, std::uint64_t back) {
    ByteWriter index = index_of(0, 0, 3);
    put_root(index);
    put_entry(index, first, 0, "first");
    if (first == EntryKind::file) index.varint(0);
    put_entry(index, EntryKind::hard_link, 0, "second");
    index.varint(back);
    return index.text();
  };
  CHECK(wrong_with(with_link(EntryKind::file, 1)) == "nothing");
  CHECK_SAYS(wrong_with(with_link(EntryKind::directory, 1)), "names entry 1, which is no file");
  CHECK_SAYS(wrong_with(with_link(EntryKind::file, 2)), "names entry 0, which is no file");
  for (const std::uint64_t back : {std::uint64_t{0}, std::uint64_t{3}, ~std::uint64_t{0}}) {
    CHECK_SAYS(wrong_with(with_link(EntryKind::file, back)),
               "a hard link names no entry before it");
  }
}

TEST_CASE("ArchiveContents: absurd counts and sizes are refused before memory is taken", "[pack]") {
  for (const std::uint64_t absurd :
       {std::uint64_t{1} << 20, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    CAPTURE(absurd);
    CHECK_SAYS(wrong_with(index_of(absurd, 0, 1).text()), "frames, for which");
    CHECK_SAYS(wrong_with(index_of(0, absurd, 1).text()), "chunks, for which");
    CHECK_SAYS(wrong_with(index_of(0, 0, absurd).text()), "entries, for which");
    ByteWriter name = index_of(0, 0, 2);
    put_root(name);
    name.u8(1);
    name.signed_varint(0);
    name.varint(absurd);
    CHECK_SAYS(wrong_with(name.text()), "it ends too early");
    ByteWriter runs = index_of(0, 0, 2);
    put_root(runs);
    put_entry(runs, EntryKind::file, 0, "f");
    runs.varint(absurd);
    CHECK_SAYS(wrong_with(runs.text()), "runs of chunks, for which");
  }
  CHECK_SAYS(wrong_with(index_of(0, 0, 0).text()), "it has no root");
  CHECK_SAYS(wrong_with(""), "it ends too early");
}

TEST_CASE("ArchiveContents: frames and chunks fit the archive and each other", "[pack]") {
  const auto with_frame = [](std::uint64_t stored, std::uint64_t held, std::uint64_t chunk_bytes) {
    ByteWriter index = index_of(1, 2, 1);
    index.varint(stored);
    index.varint(held);
    index.u64(0);
    index.varint(chunk_bytes);
    index.varint(7);
    index.bytes(std::string(2 * kStoredDigestBytes, 'd'));
    put_root(index);
    return index.text();
  };
  const std::uint64_t end = kHeadBytes + 100;
  CHECK(wrong_with(with_frame(100, 2, 7), end) == "nothing");
  CHECK_SAYS(wrong_with(with_frame(0, 2, 7), end), "declares 0 bytes");
  CHECK_SAYS(wrong_with(with_frame(101, 2, 7), end), "declares 101 bytes");
  CHECK_SAYS(wrong_with(with_frame(99, 2, 7), end), "frames end at byte 115");
  CHECK_SAYS(wrong_with(with_frame(~std::uint64_t{0}, 2, 7), end), "declares 18446744073709551615");
  CHECK_SAYS(wrong_with(with_frame(100, 0, 7), end), "declares 0 chunks");
  CHECK_SAYS(wrong_with(with_frame(100, 3, 7), end), "declares 3 chunks");
  CHECK_SAYS(wrong_with(with_frame(100, 1, 7), end), "frames hold 1 of 2 chunks");
  CHECK_SAYS(wrong_with(with_frame(100, 2, 0), end), "chunk 0 declares 0 bytes");
  CHECK_SAYS(wrong_with(with_frame(100, 2, 65537), end), "chunk 0 declares 65537 bytes");
  ArchiveIndex large;
  large.add_frame(frame_of(1115));  // more than a frame may hold
  CHECK_SAYS(wrong_with(large.encode(), kHeadBytes + 50), "chunk 1114 declares 1000 bytes");
}

TEST_CASE("ArchiveContents: a file's chunks exist and its size is that of a file", "[pack]") {
  const auto with_run = [](std::int64_t step, std::uint64_t count, bool repeats) {
    ByteWriter index = index_of(1, 2, 2);
    index.varint(50);
    index.varint(2);
    index.u64(0);
    index.varint(10);
    index.varint(20);
    index.bytes(std::string(2 * kStoredDigestBytes, 'd'));
    put_root(index);
    put_entry(index, EntryKind::file, 0, "f");
    index.varint(1);
    index.signed_varint(step);
    index.varint(2 * count + (repeats ? 1 : 0));
    return index.text();
  };
  const std::uint64_t end = kHeadBytes + 50;
  CHECK(wrong_with(with_run(0, 2, false), end) == "nothing");
  CHECK(wrong_with(with_run(1, 4'000'000'000, true), end) == "nothing");
  for (const auto& [step, count, repeats] :
       std::vector<std::tuple<std::int64_t, std::uint64_t, bool>>{
           {2, 1, false},
           {-1, 1, false},
           {0, 3, false},
           {1, 2, false},
           {0, 0, false},
           {0, 0, true},
           {0, std::uint64_t{1} << 62, false},
           {0, std::uint64_t{1} << 33, true}}) {
    CAPTURE(step, count, repeats);
    CHECK_SAYS(wrong_with(with_run(step, count, repeats), end), "a file wants");
  }
}

TEST_CASE("ArchiveContents: attributes and links have values that exist", "[pack]") {
  const auto with_attributes = [](std::uint64_t mode, std::uint64_t nanoseconds) {
    ByteWriter index = index_of(0, 0, 2);
    put_root(index);
    index.u8(1);
    index.signed_varint(0);
    index.varint(1);
    index.bytes("d");
    index.varint(mode);
    index.signed_varint(-1);
    index.varint(nanoseconds);
    return index.text();
  };
  CHECK(wrong_with(with_attributes(07777, 999'999'999)) == "nothing");
  CHECK_SAYS(wrong_with(with_attributes(010000, 0)), "permissions are 10000");
  CHECK_SAYS(wrong_with(with_attributes(0, 1'000'000'000)), "1000000000 nanoseconds");
  for (const std::string& target :
       {std::string(), std::string(4096, 'x'), std::string("a\0b", 3)}) {
    ByteWriter index = index_of(0, 0, 2);
    put_root(index);
    put_entry(index, EntryKind::symlink, 0, "l");
    index.varint(target.size());
    index.bytes(target);
    CHECK_SAYS(wrong_with(index.text()), "a symbolic link leads to no path");
  }
  ByteWriter kind = index_of(0, 0, 2);
  put_root(kind);
  kind.u8(5);
  kind.bytes(std::string(20, '\0'));
  CHECK_SAYS(wrong_with(kind.text()), "is of kind 5");
}

TEST_CASE("ArchiveContents: a path longer than the limit is refused, however it is made",
          "[pack]") {
  const auto with_depth = [](std::uint64_t depth) {
    ByteWriter index = index_of(0, 0, depth + 1);
    put_root(index);
    for (std::uint64_t i = 0; i < depth; ++i) {
      put_entry(index, EntryKind::implied_directory, i == 0 ? 0 : 1, "d");
    }
    return index.text();
  };
  CHECK(wrong_with(with_depth(2048)) == "nothing");
  CHECK_SAYS(wrong_with(with_depth(2049)), "the path of entry 2049 is too long");
}

TEST_CASE("ArchiveContents: nothing follows the last entry, and no index ends early", "[pack]") {
  ArchiveIndex index;
  index.add_frame(frame_of(3));
  CHECK(index.add(file("a/b/file", {{0, 3, false}, {1, 5, true}})).refusal == "");
  CHECK(index.add({.kind = EntryKind::symlink, .path = "l", .target = "t"}).refusal == "");
  const std::string raw = index.encode();
  const std::uint64_t end = kHeadBytes + 50;
  REQUIRE(wrong_with(raw, end) == "nothing");
  CHECK_SAYS(wrong_with(raw + '\0', end), "1 bytes follow the last entry");
  for (std::size_t size = 0; size < raw.size(); ++size) {
    CAPTURE(size);
    CHECK(wrong_with(raw.substr(0, size), end) != "nothing");
  }
}
