// tests/unit/restore_plan_test.cpp: every file gets its contents, from frames that are there.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <archive_reader.hpp>
#include <restore_plan.hpp>
#include <support/frame_cache.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/serial_archive.hpp>

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace sluice::samples;
using namespace sluice::testing_support;
using Kind = RestorePlan::Kind;

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// Eight files of a frame and a half each, then pieces of all of them in no order.
std::map<std::string, std::string> pack_files(const Scratch& scratch, std::mt19937_64& random) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < 8; ++i) files["a" + std::to_string(i)] = random_bytes(random, 1'500'000);
  for (int i = 0; i < 20; ++i) {
    files["b" + std::to_string(i)] =
        files["a" + std::to_string(random() % 8)] + files["a" + std::to_string(random() % 8)];
  }
  files["zeros"] = std::string(1'000'000, '\0');
  files["empty"] = "";
  for (const auto& [name, content] : files) scratch.file("in/" + name, content);
  static_cast<void>(pack_serially({scratch / "in"}, scratch / "archive"));
  return files;
}

struct Followed {
  std::map<std::string, std::string> files;
  std::size_t loads = 0;
  std::set<std::size_t> slots;
};

// Loads frames into slots only when the plan says so.
Followed follow(const ArchiveReader& archive, std::size_t slots) {
  const ArchiveContents& contents = archive.contents();
  RestorePlan plan(contents, slots);
  std::vector<ByteBuffer> kept(slots);
  FrameLoader loader;
  Followed followed;
  std::string* file = nullptr;
  for (RestorePlan::Step step = plan.next(); step.kind != Kind::end; step = plan.next()) {
    if (step.kind == Kind::make && contents.entries()[step.entry].kind == EntryKind::file) {
      REQUIRE(file == nullptr);
      file = &followed.files[std::string(contents.entries()[step.entry].name)];
    }
    if (step.kind == Kind::end_file) file = nullptr;
    if (step.kind != Kind::contents) continue;
    REQUIRE(step.slot < slots);
    if (step.loads) load_frame(archive, step.frame, loader, kept[step.slot]);
    if (step.loads) ++followed.loads;
    followed.slots.insert(step.slot);
    *file += kept[step.slot].view().substr(step.offset, step.size_bytes);
  }
  CHECK(plan.next().kind == Kind::end);
  return followed;
}

}  // namespace

TEST_CASE("RestorePlan: every file gets its contents, however few slots there are", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const auto files = pack_files(scratch, random);
  const ArchiveReader archive(scratch / "archive");
  const std::size_t frames = archive.contents().frames().size();
  REQUIRE(frames > 10);
  for (const std::size_t slots : {std::size_t{1}, std::size_t{2}, frames, frames + 5}) {
    CAPTURE(slots);
    const Followed followed = follow(archive, slots);
    CHECK((followed.files == files));
    CHECK(followed.loads >= frames);
    if (slots >= frames) CHECK(followed.loads == frames);
    if (slots < 3) CHECK(followed.loads > frames);
    CHECK(followed.slots.size() == std::min(slots, frames));
  }
}

TEST_CASE("RestorePlan: the frame that was used least lately makes room", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  // One chunk at the end of the first file comes again between all others.
  const std::string often = random_bytes(random, 3000);
  scratch.file("in/0", often);
  for (int i = 0; i < 6; ++i) {
    scratch.file("in/" + std::to_string(i) + "a", random_bytes(random, 1'200'000));
    scratch.file("in/" + std::to_string(i) + "b", often);
  }
  static_cast<void>(pack_serially({scratch / "in"}, scratch / "archive"));
  const ArchiveReader archive(scratch / "archive");
  CHECK(follow(archive, 3).loads == archive.contents().frames().size());
}
