// tests/pipelines/pack_verify_test.cpp: whole archives and damaged ones: what is said of them.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <archive_reader.hpp>
#include <archive_writer.hpp>
#include <entry_line.hpp>
#include <pack_list.hpp>
#include <pack_verify.hpp>
#include <support/sample_tree.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/serial_archive.hpp>
#include <support/watched_run.hpp>
#include <unpack.hpp>

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice;
using namespace sluice::samples;
using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using Strings = std::vector<std::string>;

struct Outcome {
  std::string text;
  Strings dead;
};

Outcome run_collected(const Pipeline& p, const std::string& output,
                      std::vector<StageOverride> overrides = {}) {
  Outcome outcome;
  RunOptions options;
  options.overrides = std::move(overrides);
  options.on_dead_letter = [&](const DeadLetter& letter) {
    outcome.dead.push_back(letter.subject + ": " + letter.error);
  };
  const Report report = run_watched(p, std::move(options));
  CHECK(report.ledger.balanced);
  outcome.text = content_of(output);
  return outcome;
}

Outcome verify(const Scratch& scratch, std::vector<StageOverride> overrides = {}) {
  Pipeline p("pack_verify");
  describe_pack_verify(p, {.archive = scratch / "archive", .output = scratch / "result"});
  return run_collected(p, scratch / "result", std::move(overrides));
}

std::string list(const Scratch& scratch, std::vector<StageOverride> overrides = {}) {
  Pipeline p("pack_list");
  describe_pack_list(p, {.archive = scratch / "archive", .output = scratch / "result"});
  return run_collected(p, scratch / "result", std::move(overrides)).text;
}

void flip_byte(const std::string& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(file.get() ^ 0x10);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(byte);
}

// Five files of one frame and a quarter, a link to one of them, and a file that is nowhere damaged.
std::uint64_t pack_files(const Scratch& scratch) {
  auto random = random_engine();
  const std::size_t size = 1'300'000;
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) {
    scratch.file(std::string("in/") + name, random_bytes(random, size));
  }
  fs::create_hard_link(scratch / "in/b", scratch / "in/name of b");
  scratch.file("in/empty", "");
  static_cast<void>(pack_serially({scratch / "in"}, scratch / "archive", 1));
  return ArchiveReader(scratch / "archive").contents().frames()[2].offset;
}

// A file of two chunks, the second of which has the digest of something else.
void pack_wrong_digest(const std::string& path) {
  ArchiveWriter writer(path, 1);
  RawFrame frame;
  for (const std::string content : {"first chunk", "second chunk"}) {
    const bool is_first = frame.chunks.empty();
    frame.bytes.append(content);
    frame.chunks.push_back({.digest = digest_of(is_first ? content : "something else"),
                            .size_bytes = static_cast<std::uint32_t>(content.size())});
  }
  writer.append(FrameCompressor(1).compress(std::move(frame)));
  REQUIRE(writer.add({.path = "file", .runs = {{.first = 0, .count = 2}}}).refusal.empty());
  writer.commit();
}

}  // namespace

TEST_CASE("pack_verify: a whole archive is found to be whole", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string tree = make_sample_tree(scratch, "in", random);
  static_cast<void>(pack_serially({tree}, scratch / "archive", 1));
  const ArchiveReader reader(scratch / "archive");
  const std::string expected =
      scratch / "archive" + ": " + std::to_string(reader.contents().frames().size()) + " frames, " +
      std::to_string(reader.contents().chunks().size()) + " chunks, " +
      std::to_string(reader.contents().entries().size()) + " entries: no damage\n";
  for (std::size_t workers = 1; workers <= 4; ++workers) {
    for (const std::size_t capacity : {1U, 5000U}) {
      const Outcome outcome =
          verify(scratch, {{.stage = "verify", .workers = workers, .capacity = capacity}});
      CHECK(outcome.text == expected);
      CHECK(outcome.dead.empty());
    }
  }
}

TEST_CASE("pack_verify: says which frame is damaged and which entries it takes along", "[pack]") {
  const Scratch scratch;
  const std::uint64_t offset = pack_files(scratch);
  flip_byte(scratch / "archive", offset + 1000);
  // Frames are filled in order: the third holds the end of b, all of c's beginning.
  const std::string in = (scratch / "in").substr(1);
  for (std::size_t workers = 1; workers <= 3; ++workers) {
    const Outcome outcome = verify(scratch, {{.stage = "verify", .workers = workers}});
    REQUIRE(outcome.dead.size() == 1);
    CHECK(outcome.dead[0] == scratch / "archive" + ": at byte " + std::to_string(offset) +
                                 ": frame 2: its checksum is wrong; the archive is damaged, get "
                                 "another copy; it holds parts of 2 entries: " +
                                 in + "/b, " + in + "/c");
    CHECK(outcome.text ==
          "damaged: " + in + "/b\ndamaged: " + in + "/c\ndamaged: " + in + "/name of b\n" +
              scratch / "archive" + ": 7 frames, " +
              std::to_string(ArchiveReader(scratch / "archive").contents().chunks().size()) +
              " chunks, " +
              std::to_string(ArchiveReader(scratch / "archive").contents().entries().size()) +
              " entries: 1 frame is damaged, 3 entries can't be restored\n");
  }
}

TEST_CASE("pack_verify: several damaged frames are told in their order", "[pack]") {
  const Scratch scratch;
  static_cast<void>(pack_files(scratch));
  std::vector<std::uint64_t> offsets;
  const ArchiveReader reader(scratch / "archive");
  for (const FrameRecord& frame : reader.contents().frames()) offsets.push_back(frame.offset);
  for (const std::uint64_t offset : offsets) flip_byte(scratch / "archive", offset + 7);
  const Outcome outcome = verify(scratch);
  REQUIRE(outcome.dead.size() == offsets.size());
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    CHECK_THAT(outcome.dead[i], Contains("frame " + std::to_string(i) + ": "));
  }
  CHECK_THAT(outcome.text, Contains("frames are damaged, 6 entries can't be restored"));
  CHECK_THAT(outcome.text, !Contains("empty"));
}

TEST_CASE("pack_verify: a chunk that is not what its digest says is found", "[pack]") {
  const Scratch scratch;
  pack_wrong_digest(scratch / "archive");
  const Outcome outcome = verify(scratch);
  REQUIRE(outcome.dead.size() == 1);
  CHECK_THAT(outcome.dead[0], Contains("the digest of chunk 1 is wrong") &&
                                  Contains("it holds parts of one entry: file"));
}

TEST_CASE("pack_verify: an archive without a footer is refused in one line", "[pack]") {
  const Scratch scratch;
  static_cast<void>(pack_files(scratch));
  fs::resize_file(scratch / "archive", fs::file_size(scratch / "archive") - 1);
  CHECK_THROWS_WITH(verify(scratch), Contains("no footer; the archive was cut short"));
  CHECK_THROWS_WITH(list(scratch), Contains("no footer; the archive was cut short"));
}

TEST_CASE("unpack: a damaged archive leaves nothing behind", "[pack]") {
  const Scratch scratch;
  const std::uint64_t offset = pack_files(scratch);
  flip_byte(scratch / "archive", offset + 1000);
  Pipeline p("unpack");
  describe_unpack(p, {.archive = scratch / "archive", .output = scratch / "out"});
  CHECK_THROWS_WITH(run_watched(p), Contains("frame 2: its checksum is wrong"));
  CHECK_FALSE(fs::exists(scratch / "out"));
}

TEST_CASE("pack_list: a line for each entry, in the order of the archive", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string tree = make_sample_tree(scratch, "in", random);
  static_cast<void>(pack_serially({tree}, scratch / "archive", 1));
  const ArchiveReader reader(scratch / "archive");
  std::string expected;
  for (std::size_t i = 1; i < reader.contents().entries().size(); ++i) {
    expected += entry_line(listed_entry(reader.contents(), i)) + '\n';
  }
  for (std::size_t workers = 1; workers <= 4; ++workers) {
    for (const std::size_t capacity : {1U, 5000U}) {
      CHECK((list(scratch, {{.stage = "format", .workers = workers, .capacity = capacity},
                            {.stage = "write", .capacity = capacity}}) == expected));
    }
  }
}
