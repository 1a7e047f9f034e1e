// pipelines/thumbnails_kill_test.cpp: `kill -9` of the whole command: what has a name is whole, and nothing else is
// left.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <pipelines/child_program.hpp>
#include <shrink_image.hpp>
#include <support/image_files.hpp>
#include <support/places.hpp>
#include <support/poor_file_system.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/watchdog.hpp>

#include <signal.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::samples;
using namespace sluice::testing_support;
using Words = std::vector<std::string>;

// So small that the command is writing for a good part of its time.
constexpr std::size_t kImages = 600;
constexpr std::size_t kPerDirectory = 200;
constexpr std::size_t kKinds = 4;

std::string name_of(std::size_t image) {
  return std::to_string(image / kPerDirectory) + '/' + std::to_string(1000 + image % kPerDirectory);
}

// Some images, under many names.
void make_album(const Scratch& scratch, std::mt19937_64& random) {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    scratch.file(std::to_string(kind), made_png(made_noise({24, 24}, 3, random)));
  }
  for (std::size_t image = 0; image < kImages; ++image) {
    const std::string path = scratch / "in/" + name_of(image);
    fs::create_directories(fs::path(path).parent_path());
    fs::create_hard_link(scratch / std::to_string(image % kKinds), path);
  }
}

Words words_for(const Scratch& scratch, const std::string& output, const std::string& size,
                const std::string& carrier) {
  return {SLUICE_COMMAND, "run",      "thumbnails", scratch / "in",
          "--output",     output,     "--size",     size,
          "--format",     "png",      "--carrier",  "shrink=" + carrier,
          "--workers",    "shrink=2", "--workers",  "encode=2",
          "--workers",    "write=2",  "--quiet"};
}

// Thumbnails that exist, by what they may be: of an image, one size or another.
std::vector<Words> whole_thumbnails(const Scratch& scratch, const Words& sizes) {
  std::vector<Words> whole(kKinds);
  for (const std::string& size : sizes) {
    const Scratch place;
    const Ended ended = run_program(words_for(scratch, place / "out", size, "pool"));
    INFO(ended.err);
    REQUIRE(ended.exit_code == 0);
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      whole[kind].push_back(content_of(place / "out/" + name_of(kind) + ".png"));
      CHECK(shrink_image(whole[kind].back(), 1000).size.width == std::stoul(size));
    }
  }
  return whole;
}

// Runs until a thumbnail at random has its name, and a random while longer. Returns  whether it was killed, and had
// not ended before.
bool run_and_kill(const Words& words, const std::string& output, std::mt19937_64& random) {
  const std::string awaited = output + '/' + name_of(random() % (kImages / 2)) + ".png";
  const fs::file_time_type before =
      fs::exists(awaited) ? fs::last_write_time(awaited) : fs::file_time_type::min();
  ChildProgram program(words);
  wait_until([&] { return fs::exists(awaited) && fs::last_write_time(awaited) != before; });
  for (auto spins = random() % 20'000; spins > 0; --spins) static_cast<void>(random());
  program.send(SIGKILL);
  return program.wait().signal == SIGKILL;
}

struct Left {
  std::size_t whole = 0;
  std::size_t broken = 0;
  std::size_t partial = 0;         // under a temporary name
  std::size_t partial_broken = 0;  // and not whole
};

Left left_in(const std::string& output, const std::vector<Words>& whole) {
  const auto is_of = [](const Words& kind, const std::string& content) {
    return std::find(kind.begin(), kind.end(), content) != kind.end();
  };
  Left left;
  for (const auto& entry : fs::recursive_directory_iterator(output)) {
    if (entry.is_directory()) continue;
    const std::string content = content_of(entry.path());
    const std::string stem = entry.path().stem();
    if (stem.find("partial") != std::string::npos || entry.path().extension() != ".png") {
      ++left.partial;
      const bool is_whole = std::any_of(whole.begin(), whole.end(),
                                        [&](const Words& kind) { return is_of(kind, content); });
      if (!is_whole) ++left.partial_broken;
      continue;
    }
    // 1000 and kPerDirectory are multiples of kKinds.
    ++(is_of(whole[std::stoul(stem) % kKinds], content) ? left.whole : left.broken);
  }
  return left;
}

}  // namespace

TEST_CASE("thumbnails: kill -9 leaves whole files only, and none without its name",
          "[thumbnails][cli]") {
  const std::string carrier = GENERATE("pool", "process");
  auto random = random_engine();
  const Scratch scratch;
  make_album(scratch, random);
  const std::vector<Words> whole = whole_thumbnails(scratch, {"20"});
  const bool is_nameless = has_nameless_files(scratch.path());
  const std::size_t wanted = scaled(std::size_t{20});
  for (std::size_t killed = 0; killed < wanted;) {
    const std::string output = scratch / "out";
    killed += run_and_kill(words_for(scratch, output, "20", carrier), output, random) ? 1U : 0U;
    const Left left = left_in(output, whole);
    CAPTURE(carrier, killed, left.whole);
    REQUIRE(left.broken == 0);
    if (is_nameless) REQUIRE(left.partial == 0);
    CHECK(left.whole > 0);
    fs::remove_all(output);
  }
}

// Between link and rename there is a moment in which a file has a temporary name. It is whole then.
TEST_CASE(
    "thumbnails: kill -9 while others are replaced leaves old and new ones, all of them whole",
    "[thumbnails][cli]") {
  const std::string carrier = GENERATE("pool", "process");
  auto random = random_engine();
  const Scratch scratch;
  make_album(scratch, random);
  const std::vector<Words> whole = whole_thumbnails(scratch, {"20", "16"});
  const bool is_nameless = has_nameless_files(scratch.path());
  const std::string output = scratch / "out";
  REQUIRE(run_program(words_for(scratch, output, "20", "pool")).exit_code == 0);
  const std::size_t wanted = scaled(std::size_t{20});
  std::size_t runs = 0;
  std::size_t partial = 0;
  for (std::size_t killed = 0; killed < wanted; ++runs) {
    const std::string size = runs % 2 == 0 ? "16" : "20";
    killed += run_and_kill(words_for(scratch, output, size, carrier), output, random) ? 1U : 0U;
    const Left left = left_in(output, whole);
    CAPTURE(carrier, killed, size);
    REQUIRE(left.broken == 0);
    REQUIRE(left.whole == kImages);
    if (is_nameless) REQUIRE(left.partial_broken == 0);
    partial = left.partial;
  }
  // Two workers, one such file each in a run.
  INFO(partial << " under temporary names after " << runs << " runs");
  CHECK(partial <= 2 * runs);
}
