// pipelines/pack_process_test.cpp: the archive tools with stages in worker processes: the same bytes, whatever
// happens to these.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/process_samples.hpp>
#include <support/sample_tree.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/serial_archive.hpp>
#include <support/watchdog.hpp>

#include <support/places.hpp>

#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using Words = std::vector<std::string>;

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Words names_in(const std::string& directory) {
  Words names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

const std::vector<Words> kStages{{"cut"}, {"compress"}, {"cut", "compress"}};

}  // namespace

TEST_CASE("pack: with stages on processes it is the archive of one thread", "[pack][process]") {
  const std::string method = GENERATE("forkserver", "spawn");
  const Scratch scratch;
  auto random = random_engine();
  const std::string tree = make_sample_tree(scratch, "in", random);
  static_cast<void>(pack_serially({tree}, scratch / "serial", 1));
  const std::string expected = content_of(scratch / "serial");
  for (const Words& stages : kStages) {
    CAPTURE(method, stages);
    Words words{"pack", tree, "--output", scratch / "out/archive", "--level", "1"};
    for (const std::string& stage : stages) {
      words = with(words, {"--workers", stage + "=3", "--capacity", stage + "=1"});
    }
    fs::create_directory(scratch / "out");
    const ProcessRun run =
        run_on_processes(with(words, {"--start-method", method}), stages, scratch / "report");
    INFO(run.ended.err);
    CHECK(run.ended.exit_code == 0);
    CHECK(run.balanced);
    CHECK(run.processes == std::vector<std::uint64_t>(stages.size(), 3));
    CHECK(run.deaths == std::vector<std::uint64_t>(stages.size(), 0));
    CHECK((content_of(scratch / "out/archive") == expected));
    CHECK(names_in(scratch / "out") == Words{"archive"});
    fs::remove_all(scratch / "out");
  }
}

// Runs until so many processes have died, and so many were stopped: how many a run meets is for the machine to say.
TEST_CASE(
    "pack: with stages on processes that are killed and stopped it is the archive of one thread",
    "[pack][process]") {
  const std::string method = GENERATE("forkserver", "spawn");
  const Words stages = GENERATE(Words{"cut"}, Words{"compress"}, Words{"cut", "compress"});
  const Scratch scratch;
  auto random = random_engine();
  const std::string tree = make_sample_tree(scratch, "in", random);
  static_cast<void>(pack_serially({tree}, scratch / "serial", 1));
  const std::string expected = content_of(scratch / "serial");
  // So few a second that no item meets eight of them, however slowly it is made.
  const unsigned rate = kUnderSanitizer ? 2 : 20;
  const std::uint64_t wanted = scaled(10);
  std::vector<std::uint64_t> deaths(stages.size());
  std::uint64_t stops = 0;
  int runs = 0;
  for (; *std::min_element(deaths.begin(), deaths.end()) < wanted || stops < wanted; ++runs) {
    const std::uint64_t seed = random() % 1'000'000;
    CAPTURE(method, stages, seed);
    const Words words{"pack",    tree, "--output",       scratch / "out/archive",
                      "--level", "1",  "--start-method", method};
    fs::create_directory(scratch / "out");
    const ProcessRun run = run_on_processes(with(words, chaos_words(stages, rate, rate, seed)),
                                            stages, scratch / "report");
    INFO(run.ended.err);
    REQUIRE(run.ended.exit_code == 0);
    CHECK(run.balanced);
    CHECK((content_of(scratch / "out/archive") == expected));
    CHECK(names_in(scratch / "out") == Words{"archive"});
    REQUIRE(run.deaths.size() == stages.size());
    for (std::size_t i = 0; i < stages.size(); ++i) deaths[i] += run.deaths[i];
    stops += run.stops;
    fs::remove_all(scratch / "out");
  }
  INFO(runs << " runs, " << stops << " stops");
  CHECK(deaths.front() >= wanted);
}

// ---- The tools that read archives -------------------------------------------------------------------

/// Runs a tool with its stage on processes until as many have died as wanted; every run must see the same.
template <class Check>
void read_with_chaos(const Words& words, const std::string& stage, const Scratch& scratch,
                     const Check& check) {
  auto random = random_engine();
  const unsigned rate = kUnderSanitizer ? 2 : 20;
  std::uint64_t deaths = 0;
  std::uint64_t stops = 0;
  for (const std::uint64_t wanted = scaled(10); deaths < wanted || stops < wanted;) {
    const std::uint64_t seed = random() % 1'000'000;
    CAPTURE(words, stage, seed);
    const ProcessRun run = run_on_processes(with(words, chaos_words({stage}, rate, rate, seed)),
                                            {stage}, scratch / "report");
    INFO(run.ended.err);
    REQUIRE(run.ended.exit_code == 0);
    CHECK(run.balanced);
    check();
    REQUIRE(run.deaths.size() == 1);
    deaths += run.deaths[0];
    stops += run.stops;
  }
}

TEST_CASE("unpack: frames that are loaded in processes become the tree that was packed",
          "[pack][process]") {
  const std::string method = GENERATE("forkserver", "spawn");
  const Scratch scratch;
  auto random = random_engine();
  const std::string tree = make_sample_tree(scratch, "in", random);
  static_cast<void>(pack_serially({tree}, scratch / "archive", 1));
  const auto expected = snapshot(tree);
  const Words words{"unpack", scratch / "archive", "--output", scratch / "out", "--workers",
                    "load=3", "--start-method",    method};
  const auto same = [&] {
    CHECK((snapshot(scratch / "out" + tree) == expected));
    fs::remove_all(scratch / "out");
  };
  const ProcessRun run = run_on_processes(words, {"load"}, scratch / "report");
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 0);
  CHECK(run.balanced);
  CHECK(run.processes == std::vector<std::uint64_t>{3});
  same();
  read_with_chaos(words, "load", scratch, same);
}

TEST_CASE("pack_verify and pack_list: with their stages on processes they say the same",
          "[pack][process]") {
  const std::string method = GENERATE("forkserver", "spawn");
  const std::string tool = GENERATE("pack_verify", "pack_list");
  const std::string stage = tool == "pack_list" ? "format" : "verify";
  const Scratch scratch;
  auto random = random_engine();
  const std::string tree = make_sample_tree(scratch, "in", random);
  static_cast<void>(pack_serially({tree}, scratch / "archive", 1));
  Words words{tool, scratch / "archive", "--output", scratch / "out"};
  CHECK(run_program(with({SLUICE_COMMAND, "run"}, words)).exit_code == 0);
  const std::string expected = content_of(scratch / "out");
  words = with(words, {"--start-method", method, "--workers", stage + "=3"});
  const auto same = [&] {
    CHECK((content_of(scratch / "out") == expected));
    fs::remove(scratch / "out");
  };
  const ProcessRun run = run_on_processes(words, {stage}, scratch / "report");
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 0);
  CHECK(run.balanced);
  CHECK(run.processes == std::vector<std::uint64_t>{3});
  same();
  read_with_chaos(words, stage, scratch, same);
}

// A frame that is damaged is found out in a worker process: the same words, the same exit code, and nothing kept.
TEST_CASE("archive tools: what is wrong with a frame is said by processes as by threads",
          "[pack][process]") {
  const Scratch scratch;
  auto random = random_engine();
  for (const char* name : {"in/a", "in/b", "in/c"}) {
    scratch.file(name, random_bytes(random, 1'300'000));
  }
  static_cast<void>(pack_serially({scratch / "in"}, scratch / "archive", 1));
  std::string damaged = content_of(scratch / "archive");
  damaged[2'000'000] = static_cast<char>(damaged[2'000'000] ^ 0x10);
  scratch.file("archive", damaged);

  const Words verify{SLUICE_COMMAND, "run", "pack_verify", scratch / "archive", "--quiet"};
  const Ended threads = run_program(verify);
  const Ended processes = run_program(with(verify, {"--carrier", "verify=process"}));
  CHECK(threads.exit_code == 3);
  CHECK_THAT(threads.err, Contains("frame 1: its checksum is wrong"));
  CHECK(processes.exit_code == 3);
  CHECK(processes.out == threads.out);
  CHECK(processes.err == threads.err);

  const Ended unpacked =
      run_program({SLUICE_COMMAND, "run", "unpack", scratch / "archive", "--output",
                   scratch / "out", "--quiet", "--carrier", "load=process"});
  CHECK(unpacked.exit_code == 1);
  CHECK_THAT(unpacked.err, Contains("frame 1: its checksum is wrong; the archive is damaged, get "
                                    "another copy"));
  CHECK((!fs::exists(scratch / "out") || names_in(scratch / "out").empty()));
}

// ---- Signals, and processes that can't be --------------------------------------------------------------

// The unfinished archive has no name; the system shows it among the open files.
bool has_open_file_in(int process, const std::string& directory) {
  std::error_code gone;
  for (const auto& entry :
       fs::directory_iterator("/proc/" + std::to_string(process) + "/fd", gone)) {
    const std::string file = fs::read_symlink(entry.path(), gone).string();
    if (file.rfind(directory + "/", 0) == 0) return true;
  }
  return false;
}

TEST_CASE("pack: a signal leaves no archive and no temporary file while stages are on processes",
          "[pack][process]") {
  const Words stages = GENERATE(Words{"cut"}, Words{"compress"}, Words{"cut", "compress"});
  const Scratch scratch;
  auto random = random_engine();
  scratch.file("in/file", random_bytes(random, 60'000'000));  // seconds at level 19
  for (const int signal : {SIGINT, SIGTERM}) {
    scratch.file("out/archive", "what was there before");
    Words words{
        SLUICE_COMMAND, "run", "pack",    scratch / "in", "--output", scratch / "out/archive",
        "--level",      "19",  "--grace", "1000",         "--quiet"};
    for (const std::string& stage : stages) words = with(words, {"--carrier", stage + "=process"});
    ChildProgram child(words);
    wait_until([&] { return has_open_file_in(child.pid(), scratch / "out"); });
    child.send(signal);
    const Ended ended = child.wait();
    CHECK(ended.exit_code == 130);
    CHECK_THAT(ended.err, Contains("no archive is written"));
    CHECK(names_in(scratch / "out") == Words{"archive"});
    CHECK(content_of(scratch / "out/archive") == "what was there before");
  }
}

// With few descriptors: first nothing can be started, then no process, then some of them. The race detector has
// none to look up names with either, so it would report what is suppressed by name.
TEST_CASE("pack: processes that can't be started leave no archive", "[pack][process]") {
  const Scratch scratch;
  scratch.file("in/file", "content");
  int failed = 0;
  int no_process = 0;
  for (int descriptors = 6; descriptors < 60; descriptors += 2) {
    fs::create_directory(scratch / "out");
    const Ended ended =
        run_program({"/bin/sh", "-c",
                     "export TSAN_OPTIONS=$TSAN_OPTIONS:report_bugs=0; ulimit -n " +
                         std::to_string(descriptors) + "; exec " SLUICE_COMMAND " run pack " +
                         scratch / "in" + " --output " + scratch / "out/archive" +
                         " --quiet --carrier cut=process --workers cut=1"});
    CAPTURE(descriptors, ended.err);
    const bool is_packed = ended.exit_code == 0 || ended.exit_code == 3;
    CHECK((is_packed || ended.exit_code == 1));
    CHECK(names_in(scratch / "out") == (is_packed ? Words{"archive"} : Words{}));
    if (!is_packed) ++failed;
    if (ended.err.find("stage cut: keeping a process failed") != std::string::npos) ++no_process;
    fs::remove_all(scratch / "out");
  }
  CHECK(failed > no_process);
  CHECK(no_process > 0);
}

TEST_CASE("archive tools: stages that keep something are refused on processes, with the reason",
          "[pack][process]") {
  const Scratch scratch;
  const Words pack{"pack", "in", "--output", scratch / "archive"};
  CHECK_THAT(process_refusal(pack, "walk"), Contains("a source stays in the coordinating process"));
  for (const char* stage : {"group", "write"}) {
    CHECK_THAT(process_refusal(pack, stage), Contains("it keeps something of its items"));
  }
  CHECK_THAT(process_refusal({"unpack", "archive", "--output", scratch / "out"}, "restore"),
             Contains("it keeps something of its items"));
  CHECK_THAT(process_refusal({"pack_verify", "archive"}, "report"),
             Contains("it keeps something of its items"));
  CHECK(names_in(scratch.path()).empty());
}
