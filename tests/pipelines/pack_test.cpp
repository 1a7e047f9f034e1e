// tests/pipelines/pack_test.cpp: packed and unpacked by pipelines, whatever their workers do.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <pack.hpp>
#include <support/sample_tree.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/serial_archive.hpp>
#include <support/watched_run.hpp>
#include <unpack.hpp>

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice;
using namespace sluice::testing_support;
using Strings = std::vector<std::string>;

struct Outcome {
  Report report;
  Strings dead;  // "subject: error"
  Strings log;
};

Outcome run_collected(const Pipeline& pipeline, std::vector<StageOverride> overrides = {}) {
  Outcome outcome;
  RunOptions options;
  options.overrides = std::move(overrides);
  options.on_dead_letter = [&](const DeadLetter& letter) {
    outcome.dead.push_back(letter.subject + ": " + letter.error);
  };
  options.on_log = [&](std::string_view, std::string_view text) { outcome.log.emplace_back(text); };
  outcome.report = run_watched(pipeline, std::move(options));
  CHECK(outcome.report.ledger.balanced);
  CHECK(outcome.report.status == RunStatus::done);
  return outcome;
}

Outcome pack(const samples::PackOptions& options, std::vector<StageOverride> overrides = {}) {
  Pipeline p("pack");
  samples::describe_pack(p, options);
  return run_collected(p, std::move(overrides));
}

Outcome unpack(const samples::UnpackOptions& options, std::vector<StageOverride> overrides = {}) {
  Pipeline p("unpack");
  samples::describe_unpack(p, options);
  return run_collected(p, std::move(overrides));
}

// Stages in order; the parallel ones get `workers`.
std::vector<StageOverride> overrides_for(const Strings& stages, const Strings& parallel,
                                         const StageOverride& setting) {
  std::vector<StageOverride> all;
  for (const std::string& stage : stages) {
    StageOverride over = setting;
    over.stage = stage;
    if (std::find(parallel.begin(), parallel.end(), stage) == parallel.end()) over.workers = kAuto;
    all.push_back(std::move(over));
  }
  return all;
}

struct Sizes {
  std::vector<std::size_t> workers;
  std::vector<std::size_t> capacities;
};

const Sizes kPackSizes =
    kUnderSanitizer ? Sizes{{1, 3}, {1, 5000}} : Sizes{{1, 2, 3, 4}, {1, 2, 5000}};
const Sizes kUnpackSizes = kUnderSanitizer ? Sizes{{1, 3}, {1}} : Sizes{{1, 2, 4}, {1, 5000}};

template <class Test>
void for_every_setting_of(const Strings& stages, const Strings& parallel, const Sizes& sizes,
                          Test test) {
  for (const Carrier carrier : {Carrier::thread, Carrier::pool}) {
    for (const std::size_t workers : sizes.workers) {
      for (const std::size_t capacity : sizes.capacities) {
        for (const std::size_t batch : {1U, 64U}) {
          INFO(to_string(carrier) << ", workers " << workers << ", capacity " << capacity
                                  << ", batch " << batch);
          test(overrides_for(
              stages, parallel,
              {.workers = workers, .capacity = capacity, .batch = batch, .carrier = carrier}));
        }
      }
    }
  }
}

Strings names_in(const std::string& directory) {
  Strings names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("pack: the archive is that of one thread, whatever the workers, batch and capacity",
          "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string tree = make_sample_tree(scratch, "in", random);
  const Packed serially = pack_serially({tree}, scratch / "serial", 1);
  REQUIRE(serially.skipped.empty());
  REQUIRE(serially.summary.frames > 3);
  const std::string expected = content_of(scratch / "serial");
  for_every_setting_of({"walk", "cut", "group", "compress", "write"}, {"cut", "compress"},
                       kPackSizes, [&](const std::vector<StageOverride>& overrides) {
                         const Outcome outcome = pack(
                             {.paths = {tree}, .output = scratch / "piped", .level = 1}, overrides);
                         CHECK(outcome.dead.empty());
                         CHECK(outcome.log == serially.notes);
                         CHECK((content_of(scratch / "piped") == expected));
                       });
  CHECK(names_in(scratch.path()) == Strings{"in", "piped", "serial"});
}

TEST_CASE("unpack: every entry comes out as it was, whatever the workers, batch and capacity",
          "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string tree = make_sample_tree(scratch, "in", random);
  const auto expected = snapshot(tree);
  static_cast<void>(pack_serially({tree}, scratch / "archive", 1));
  for_every_setting_of({"read", "load", "restore"}, {"load"}, kUnpackSizes,
                       [&](const std::vector<StageOverride>& overrides) {
                         unpack({.archive = scratch / "archive", .output = scratch / "out"},
                                overrides);
                         CHECK((snapshot(scratch / "out" + tree) == expected));
                         fs::remove_all(scratch / "out");
                       });
}

TEST_CASE("pack: every level is there, and what it packs is read by one thread", "[pack]") {
  const Scratch scratch;
  for (int i = 0; i < 20; ++i) {
    std::string text;
    for (int line = 0; line < 400; ++line) text += "line " + std::to_string(line * i) + '\n';
    scratch.file("in/" + std::to_string(i), text);
  }
  const std::string tree = scratch / "in";
  std::uintmax_t largest = 0;
  for (const std::uint64_t level : {1U, 3U, 9U, 19U}) {
    const std::string archive = scratch / "archive" + std::to_string(level);
    pack({.paths = {tree}, .output = archive, .level = level});
    verify_serially(archive);
    unpack_serially(archive, scratch / "out" + std::to_string(level));
    CHECK(snapshot(scratch / "out" + std::to_string(level) + tree) == snapshot(tree));
    largest = std::max(largest, fs::file_size(archive));
  }
  CHECK(fs::file_size(scratch / "archive19") < largest);
}

TEST_CASE("pack: a level that does not exist is refused while the pipeline is described",
          "[pack]") {
  for (const std::uint64_t level : {std::uint64_t{0}, std::uint64_t{20}, ~std::uint64_t{0}}) {
    Pipeline p("pack");
    CHECK_THROWS_AS(samples::describe_pack(p, {.paths = {"x"}, .output = "y", .level = level}),
                    UsageError);
  }
}

TEST_CASE("pack: nothing at all is an archive too", "[pack]") {
  const Scratch scratch;
  fs::create_directories(scratch / "in");
  pack({.paths = {scratch / "in"}, .output = scratch / "archive"});
  unpack({.archive = scratch / "archive", .output = scratch / "out"});
  CHECK(snapshot(scratch / "out" + scratch / "in") == snapshot(scratch / "in"));
}

TEST_CASE("pack: neither the archive nor the one it replaces is packed into itself", "[pack]") {
  const Scratch scratch;
  scratch.file("in/file", "content");
  const std::string archive = scratch.file("in/archive", "what was there before");
  const Outcome outcome = pack({.paths = {scratch / "in"}, .output = archive});
  CHECK(outcome.dead.empty());
  unpack({.archive = archive, .output = scratch / "out"});
  CHECK(names_in(scratch / "out" + scratch / "in") == Strings{"file"});
  CHECK(names_in(scratch / "in") == Strings{"archive", "file"});
}

TEST_CASE("pack: what can't be stored is a dead letter, the rest is packed", "[pack]") {
  const Scratch scratch;
  scratch.file("in/a", "a");
  scratch.fifo("in/b");
  scratch.file("in/c", "c");
  const std::string gone = scratch / "gone";
  const Outcome outcome = pack({.paths = {gone, scratch / "in"}, .output = scratch / "archive"});
  CHECK(outcome.dead ==
        Strings{gone + ": cannot open: No such file or directory (errno 2)",
                scratch / "in/b" + ": it is a FIFO; only files, directories and links are stored"});
  unpack({.archive = scratch / "archive", .output = scratch / "out"});
  CHECK(names_in(scratch / "out" + scratch / "in") == Strings{"a", "c"});
}

TEST_CASE("unpack: set-ID bits are left out when that is asked for", "[pack]") {
  const Scratch scratch;
  const std::string file = scratch.file("in/file", "x");
  fs::permissions(file, fs::perms::set_uid | fs::perms::owner_all);
  pack({.paths = {scratch / "in"}, .output = scratch / "archive"});
  unpack({.archive = scratch / "archive", .output = scratch / "kept"});
  unpack({.archive = scratch / "archive",
          .output = scratch / "dropped",
          .set_id = samples::SetIdBits::drop});
  CHECK(fs::status(scratch / "kept" + file).permissions() ==
        (fs::perms::set_uid | fs::perms::owner_all));
  CHECK(fs::status(scratch / "dropped" + file).permissions() == fs::perms::owner_all);
}
