// tests/pipelines/pack_trouble_test.cpp: files that change under `pack`, and runs that end early.
//
// A stage of the test's own stands between the walk and the cutters: what it does to a file happens
// after the file was found and before it is read, in every run.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <archive_reader.hpp>
#include <pack_stages.hpp>
#include <pack_walk.hpp>
#include <support/gate.hpp>
#include <support/sample_tree.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/serial_archive.hpp>
#include <support/watched_run.hpp>
#include <unpack.hpp>

#include <sluice/run.hpp>
#include <sluice/sluice.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice;
using namespace sluice::samples;
using namespace sluice::testing_support;
using Strings = std::vector<std::string>;
using Meddle = std::function<void(const PackJob&)>;

// `pack` as it is described in pipelines/pack.cpp, but for the stage that meddles.
void describe_meddled(Pipeline& p, const Strings& paths, const std::string& output, Meddle meddle) {
  const auto buffers = std::make_shared<BufferPool>();
  const auto hand_over = std::make_shared<ArchiveHandOver>();
  p.source("walk", factory([=] { return PackSource(paths, output, 1, hand_over); }),
           {.blocking = true}) |
      map("meddle",
          [meddle = std::move(meddle)](PackJob job) {
            meddle(job);
            return job;
          },
          {.workers = 1, .carrier = Carrier::thread}) |
      map("cut", factory([buffers] { return CutFiles(buffers); }),
          {.workers = 2, .order = Order::keep, .capacity = 4}) |
      stage("group", factory([buffers] { return GroupChunks(buffers); }),
            {.workers = 1, .capacity = 4}) |
      map("compress", factory([buffers] { return CompressFrames(1, buffers); }),
          {.workers = 2, .order = Order::keep, .capacity = 4}) |
      sink("write", factory([hand_over, buffers] { return WriteArchive(hand_over, buffers); }),
           {.workers = 1, .capacity = 4});
}

// Calls `act` when the walk hands out a part of that file, for the `time`-th time.
Meddle when_found(std::string path, int time, std::function<void()> act) {
  return [=, seen = 0](const PackJob& job) mutable {
    for (const EntryPart& part : job.parts) {
      if (part.entry.path == path && ++seen == time) act();
    }
  };
}

Strings pack_meddled(const Scratch& scratch, const Strings& paths, Meddle meddle) {
  Pipeline p("pack");
  describe_meddled(p, paths, scratch / "archive", std::move(meddle));
  Strings dead;
  RunOptions options;
  options.on_dead_letter = [&](const DeadLetter& letter) {
    dead.push_back(letter.subject + ": " + letter.error);
  };
  const Report report = run_watched(p, std::move(options));
  CHECK(report.ledger.balanced);
  return dead;
}

Strings packed_paths(const std::string& archive) {
  const ArchiveReader reader(archive);
  Strings paths;
  for (std::size_t i = 1; i < reader.contents().entries().size(); ++i) {
    if (!reader.contents().entries()[i].is_directory()) paths.push_back(reader.contents().path(i));
  }
  return paths;
}

Strings without_slash(Strings paths) {
  for (std::string& path : paths) path.erase(0, 1);
  return paths;
}

Strings names_in(const std::string& directory) {
  Strings names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("pack: a file that vanishes before it is read is a dead letter", "[pack]") {
  const Scratch scratch;
  const std::string file = scratch.file("in/b", "b");
  scratch.file("in/a", "a");
  scratch.file("in/c", "c");
  const Strings dead =
      pack_meddled(scratch, {scratch / "in"}, when_found(file, 1, [&] { fs::remove(file); }));
  CHECK(dead == Strings{file + ": cannot read: No such file or directory (errno 2)"});
  CHECK(packed_paths(scratch / "archive") == without_slash({scratch / "in/a", scratch / "in/c"}));
  verify_serially(scratch / "archive");
}

TEST_CASE("pack: a file that is replaced before it is read is a dead letter", "[pack]") {
  const Scratch scratch;
  const std::string file = scratch.file("in/a", "a");
  const Strings dead = pack_meddled(scratch, {scratch / "in"}, when_found(file, 1, [&] {
                                      scratch.file("b", "b");
                                      fs::rename(scratch / "b", file);
                                    }));
  CHECK(dead == Strings{file + ": was replaced by another file since it was found"});
}

TEST_CASE("pack: a large file whose later part changed is left out as a whole", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string file = scratch.file("in/b", random_bytes(random, 5'000'000));
  scratch.file("in/a", "before");
  scratch.file("in/c", "behind");
  for (const int time : {1, 2, 3}) {
    CAPTURE(time);
    const auto touch = [&] {
      fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(1));
    };
    const Strings dead = pack_meddled(scratch, {scratch / "in"}, when_found(file, time, touch));
    REQUIRE(dead.size() == 1);  // which of the two depends on how far it was read
    CHECK((dead[0] == file + ": changed since it was found" ||
           dead[0] == file + ": changed while it was read"));
    CHECK(packed_paths(scratch / "archive") == without_slash({scratch / "in/a", scratch / "in/c"}));
    verify_serially(scratch / "archive");
    unpack_serially(scratch / "archive", scratch / "out");
    CHECK(content_of(scratch / "out" + scratch / "in/c") == "behind");
    fs::remove_all(scratch / "out");
  }
}

TEST_CASE("pack: names of a file that was left out are left out, and named", "[pack]") {
  const Scratch scratch;
  const std::string file = scratch.file("in/a", "a");
  fs::create_hard_link(file, scratch / "in/b");
  scratch.file("in/c", "c");
  const auto touch = [&] {
    fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(1));
  };
  const Strings dead = pack_meddled(scratch, {scratch / "in"}, when_found(file, 1, touch));
  CHECK(dead == Strings{file + ": changed since it was found",
                        scratch / "in/b" + ": what it names was skipped"});
  CHECK(packed_paths(scratch / "archive") == without_slash({scratch / "in/c"}));
}

TEST_CASE("pack: a run that is stopped or cancelled leaves no archive, however far it was",
          "[pack]") {
  auto random = random_engine();
  for (const bool at_the_end : {false, true}) {
    for (const bool stops : {false, true}) {
      CAPTURE(at_the_end, stops);
      const Scratch scratch;
      const std::string tree = make_sample_tree(scratch, "in", random);
      scratch.file("out/archive", "what was there before");
      Gate gate;
      Pipeline p("pack");
      describe_meddled(p, {tree}, scratch / "out/archive",
                       [&, first = true](const PackJob& job) mutable {
                         if (at_the_end ? job.complete : std::exchange(first, false)) gate.pass();
                       });
      {
        WatchedRun run(p);
        const OpensAtEnd opens(gate);
        gate.wait_for_arrivals();
        if (stops) run->stop();
        if (!stops) run->cancel();
        gate.open();
        const Report report = run.end();
        CHECK(report.status == RunStatus::cancelled);
        CHECK(report.ledger.balanced);
      }
      CHECK(names_in(scratch / "out") == Strings{"archive"});
      CHECK(content_of(scratch / "out/archive") == "what was there before");
    }
  }
}

TEST_CASE("pack: a stage that fails leaves no archive, however far the run was", "[pack]") {
  auto random = random_engine();
  for (const bool at_the_end : {false, true}) {
    CAPTURE(at_the_end);
    const Scratch scratch;
    const std::string tree = make_sample_tree(scratch, "in", random);
    fs::create_directory(scratch / "out");
    Pipeline p("pack");
    describe_meddled(p, {tree}, scratch / "out/archive", [&](const PackJob& job) {
      if (job.complete == at_the_end) throw std::runtime_error("this stage fails");
    });
    CHECK_THROWS_AS(run_watched(p), StageError);
    CHECK(names_in(scratch / "out").empty());
  }
}

// As when the process of a stage has died too often at an item.
TEST_CASE("pack: an item that gets lost between stages fails the run, and there is no archive",
          "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string tree = make_sample_tree(scratch, "in", random);
  fs::create_directory(scratch / "out");
  enum class Lost { none, job, last_job, part, last_part };
  for (const Lost lost : {Lost::none, Lost::job, Lost::last_job, Lost::part, Lost::last_part}) {
    CAPTURE(static_cast<int>(lost));
    const auto buffers = std::make_shared<BufferPool>();
    const auto hand_over = std::make_shared<ArchiveHandOver>();
    Pipeline p("pack");
    p.source("walk", factory([=, output = scratch / "out/archive"] {
               return PackSource({tree}, output, 1, hand_over);
             })) |
        map("cut", factory([=] { return CutFiles(buffers); }), {.workers = 1}) |
        filter("jobs",
               [=](const PackJob& job) {
                 return lost == Lost::last_job ? !job.complete
                                               : lost != Lost::job || job.number != 1;
               },
               {.workers = 1}) |
        stage("group", factory([=] { return GroupChunks(buffers); }), {.workers = 1}) |
        map("compress", factory([=] { return CompressFrames(1, buffers); }), {.workers = 1}) |
        filter("parts",
               [=](const StoredPart& part) {
                 return lost == Lost::last_part ? !part.complete
                                                : lost != Lost::part || part.number != 2;
               },
               {.workers = 1}) |
        sink("write", factory([=] { return WriteArchive(hand_over, buffers); }), {.workers = 1});
    if (lost == Lost::none) {
      CHECK(run_watched(p).status == RunStatus::done);
      CHECK(names_in(scratch / "out") == Strings{"archive"});
      fs::remove(scratch / "out/archive");
    } else {
      CHECK_THROWS_WITH(run_watched(p), Catch::Contains("missing: no archive is written"));
      CHECK(names_in(scratch / "out").empty());
    }
  }
}

TEST_CASE("unpack: a run that is stopped or cancelled leaves nothing", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  // More frames than the edges hold, so the run can't have ended when the first dead line is read.
  std::string content = random_bytes(random, 40'000'000);
  scratch.file("in/file", content);
  static_cast<void>(pack_serially({scratch / "in"}, scratch / "archive", 1));
  for (const bool stops : {false, true}) {
    CAPTURE(stops);
    Pipeline p("unpack");
    describe_unpack(p, {.archive = scratch / "archive", .output = scratch / "out"});
    WatchedRun run(p);
    wait_until([&] { return fs::exists(scratch / "out"); });
    if (stops) run->stop();
    if (!stops) run->cancel();
    const Report report = run.end();
    CHECK(report.ledger.balanced);
    if (report.status == RunStatus::cancelled &&
        !fs::exists(scratch / "out" + scratch / "in/file")) {
      CHECK_FALSE(fs::exists(scratch / "out"));
    } else {  // it was faster than this test
      CHECK(content_of(scratch / "out" + scratch / "in/file") == content);
    }
    fs::remove_all(scratch / "out");
  }
}
