// tests/pipelines/pack_cli_test.cpp: the archive tools as commands: what they print and return.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <pipelines/child_program.hpp>
#include <support/places.hpp>
#include <support/sample_tree.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/serial_archive.hpp>
#include <support/watchdog.hpp>

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

Words words_of(Words words) {
  words.insert(words.begin(), {SLUICE_COMMAND, "run"});
  return words;
}
Ended cli(Words words) { return run_program(words_of(std::move(words))); }

// One line, that exit code, nothing on standard output.
std::string one_line(int exit_code, Words words) {
  words.emplace_back("--quiet");
  const Ended ended = cli(std::move(words));
  CHECK(ended.exit_code == exit_code);
  CHECK(ended.out.empty());
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  return ended.err;
}

Words names_in(const std::string& directory) {
  Words names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

// Of the files that the program has open in a directory, under a name or without one.
std::uintmax_t open_bytes_in(const std::string& directory, const ChildProgram& program) {
  std::uintmax_t bytes = 0;
  const std::string open_files = "/proc/" + std::to_string(program.pid()) + "/fd";
  for (const auto& entry : fs::directory_iterator(open_files)) {
    std::error_code ignored;  // it may be closed meanwhile
    const std::string path = fs::read_symlink(entry.path(), ignored);
    if (path.rfind(directory + '/', 0) != 0) continue;
    const std::uintmax_t size = fs::file_size(entry.path(), ignored);
    if (!ignored) bytes += size;
  }
  return bytes;
}

bool has_nameless_files(const std::string& directory) {
  const int probe = ::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (probe >= 0) ::close(probe);
  return probe >= 0;
}

}  // namespace

TEST_CASE("the archive tools work together, and exit with 0", "[pack][cli]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string tree = make_sample_tree(scratch, "in", random);
  const fs::path before = fs::current_path();
  fs::current_path(scratch.path());  // short paths are easier to compare
  CHECK(cli({"pack", "in", "--output", "archive", "--quiet"}).exit_code == 0);
  const Ended verified = cli({"pack_verify", "archive", "--quiet"});
  CHECK(verified.exit_code == 0);
  CHECK_THAT(verified.out, Contains("archive: ") && Contains(" entries: no damage\n"));
  const Ended listed = cli({"pack_list", "archive", "--quiet"});
  CHECK(listed.exit_code == 0);
  CHECK_THAT(listed.out, Contains("-rwsr-x--x ") && Contains(" in/small/d0/f0\n") &&
                             Contains(" in/zz/f0 link to in/small/d0/f0\n") &&
                             Contains(" in/zz/link -> ../nowhere\n") &&
                             Contains(" 1969-12-31 23:59:59 in/large\n") &&
                             Contains(" in/ odd\\n\\377\\\\\\040\n"));
  CHECK(cli({"unpack", "archive", "--output", "out", "--quiet"}).exit_code == 0);
  CHECK((snapshot("out/in") == snapshot(tree)));
  fs::current_path(before);
}

TEST_CASE("pack: overrides, report and progress work, and change no byte", "[pack][cli]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string tree = make_sample_tree(scratch, "in", random);
  CHECK(cli({"pack", tree, "--output", scratch / "one", "--quiet"}).exit_code == 0);
  const Ended ended =
      cli({"pack",       tree,      "--output",   scratch / "two", "--report",  scratch / "report",
           "--workers",  "cut=3",   "--workers",  "compress=4",    "--batch",   "compress=1",
           "--capacity", "group=1", "--capacity", "write=1",       "--carrier", "cut=pool",
           "--progress", "always"});
  CHECK(ended.exit_code == 0);
  CHECK_THAT(ended.err, Contains("ledger: balanced"));
  CHECK((content_of(scratch / "one") == content_of(scratch / "two")));
  const Json json = Json::parse(content_of(scratch / "report"));
  CHECK(json["stages"][1]["workers"] == 3);
  CHECK(json["stages"][3]["workers"] == 4);
  CHECK(json["stages"][0]["bytes"] == json["stages"][0]["expected_bytes"]);
  CHECK(json["stages"][4]["bytes"].get<std::uint64_t>() < fs::file_size(scratch / "two"));
}

TEST_CASE("pack: to standard output is the same archive", "[pack][cli]") {
  const Scratch scratch;
  scratch.file("in/file", "content");
  CHECK(cli({"pack", scratch / "in", "--output", scratch / "archive", "--quiet"}).exit_code == 0);
  const Ended ended = cli({"pack", scratch / "in", "--output", "-", "--quiet"});
  CHECK(ended.exit_code == 0);
  CHECK(ended.out == content_of(scratch / "archive"));
}

TEST_CASE("pack: what can't be read is named, exit code 3", "[pack][cli]") {
  const Scratch scratch;
  scratch.file("in/file", "content");
  const Ended ended =
      cli({"pack", scratch / "gone", scratch / "in", "--output", scratch / "archive", "--quiet"});
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err, Contains("dead letter: stage walk, " + scratch / "gone" +
                                 ": cannot open: No such file or directory (errno 2)"));
  CHECK(cli({"pack_verify", scratch / "archive", "--quiet"}).exit_code == 0);
}

TEST_CASE("pack: a level that does not exist is refused in one line", "[pack][cli]") {
  for (const char* level : {"0", "20", "18446744073709551615"}) {
    CHECK_THAT(one_line(2, {"pack", "x", "--output", "y", "--level", level}),
               Contains(std::string("--level ") + level) && Contains("give 1 to 19"));
  }
  CHECK_THAT(one_line(2, {"pack", "x"}), Contains("output"));
}

TEST_CASE("archive tools: what they can't use is told in one line, exit code 1", "[pack][cli]") {
  const Scratch scratch;
  scratch.file("in/file", std::string(100'000, 'x'));
  const std::string archive = scratch / "archive";
  REQUIRE(cli({"pack", scratch / "in", "--output", archive, "--quiet"}).exit_code == 0);
  CHECK_THAT(one_line(1, {"pack", scratch / "in", "--output", scratch / "gone/x"}),
             Contains("cannot open for writing " + scratch / "gone/x"));
  const std::string full = scratch.file("full/file", "x");
  const std::string cut = scratch.file("cut", content_of(archive).substr(0, 60));
  const std::string foreign = scratch.file("foreign", "this is no archive of ours, really");
  for (const char* tool : {"unpack", "pack_list", "pack_verify"}) {
    CAPTURE(tool);
    const auto say = [&](const std::string& path) {
      Words words{tool, path};
      if (std::string(tool) == "unpack") words.insert(words.end(), {"--output", scratch / "out"});
      return one_line(1, words);
    };
    CHECK_THAT(say(scratch / "gone"), Contains("No such file or directory"));
    CHECK_THAT(say(foreign), Contains("it is no archive of pack"));
    CHECK_THAT(say(cut), Contains("cut short"));
    CHECK_THAT(say(scratch / "in"), Contains("it is a directory"));
  }
  CHECK_THAT(one_line(1, {"unpack", archive, "--output", scratch / "full"}),
             Contains("the directory is not empty, file is in it"));
  CHECK_FALSE(fs::exists(scratch / "out"));
  CHECK(names_in(scratch / "full") == Words{"file"});
}

TEST_CASE("pack_verify: damage is told, exit code 3, and unpack refuses it, exit code 1",
          "[pack][cli]") {
  const Scratch scratch;
  scratch.file("in/file", std::string(100'000, 'x'));
  const std::string archive = scratch / "archive";
  REQUIRE(cli({"pack", scratch / "in", "--output", archive, "--quiet"}).exit_code == 0);
  std::string bytes = content_of(archive);
  bytes[20] = static_cast<char>(bytes[20] ^ 1);
  scratch.file("archive", bytes);
  const Ended ended = cli({"pack_verify", archive, "--quiet"});
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err, Contains("frame 0: its checksum is wrong") && Contains("in/file"));
  CHECK_THAT(ended.out, Contains("damaged: ") && Contains("1 entry can't be restored"));
  CHECK_THAT(one_line(1, {"unpack", archive, "--output", scratch / "out"}),
             Contains("frame 0: its checksum is wrong"));
  CHECK_FALSE(fs::exists(scratch / "out"));
}

// A file that may not grow is as good as a full disk. (A path from the root would be a line more:
// that its slash is left out.)
TEST_CASE("archive tools: a full disk is told in one line and leaves nothing", "[pack][cli]") {
  const Scratch scratch;
  auto random = random_engine();
  scratch.file("file", random_bytes(random, 3'000'000));
  fs::create_directory(scratch / "out");
  const auto limited = [&](const std::string& command) {
    return run_program({"/bin/sh", "-c",
                        "cd " + scratch.path() +
                            "; trap '' XFSZ; ulimit -f 2000; exec " SLUICE_COMMAND " run " +
                            command + " --quiet"});
  };
  const Ended packed = limited("pack file --output out/archive");
  CHECK(packed.exit_code == 1);
  CHECK(std::count(packed.err.begin(), packed.err.end(), '\n') == 1);
  CHECK_THAT(packed.err, Contains("cannot write out/archive (errno 27): File too large"));
  CHECK(names_in(scratch / "out").empty());
  REQUIRE(cli({"pack", scratch / "file", "--output", scratch / "archive", "--quiet"}).exit_code ==
          0);
  const Ended unpacked = limited("unpack archive --output new");
  CHECK(unpacked.exit_code == 1);
  CHECK(std::count(unpacked.err.begin(), unpacked.err.end(), '\n') == 1);
  CHECK_THAT(unpacked.err, Contains("File too large"));
  CHECK_FALSE(fs::exists(scratch / "new"));
}

TEST_CASE("pack: a signal leaves no archive and no temporary file, exit code 130", "[pack][cli]") {
  const Scratch scratch;
  auto random = random_engine();
  scratch.file("in/file", random_bytes(random, 60'000'000));  // seconds at level 19
  for (const int signal : {SIGINT, SIGTERM}) {
    scratch.file("out/archive", "what was there before");
    ChildProgram child(words_of({"pack", scratch / "in", "--output", scratch / "out/archive",
                                 "--level", "19", "--grace", "1000", "--quiet"}));
    wait_until([&] { return open_bytes_in(scratch / "out", child) > 0; });
    child.send(signal);
    const Ended ended = child.wait();
    CHECK(ended.exit_code == 130);
    CHECK_THAT(ended.err, Contains("no archive is written"));
    CHECK(names_in(scratch / "out") == Words{"archive"});
    CHECK(content_of(scratch / "out/archive") == "what was there before");
  }
}

// A file that never ends, so that the kill comes in the middle however fast the machine is.
TEST_CASE("pack: one that is killed leaves what was there and nothing else", "[pack][cli]") {
  const bool had_archive = GENERATE(false, true);
  CAPTURE(had_archive);
  const Scratch scratch;
  auto random = random_engine();
  scratch.file("in/a", random_bytes(random, 8'000'000));
  fs::resize_file(scratch.file("in/b", ""), std::uintmax_t{1} << 40U);
  fs::create_directory(scratch / "out");
  if (had_archive) scratch.file("out/archive", "what was there before");
  ChildProgram child(
      words_of({"pack", scratch / "in", "--output", scratch / "out/archive", "--quiet"}));
  wait_until([&] { return open_bytes_in(scratch / "out", child) > 0; });
  child.send(SIGKILL);
  CHECK(child.wait().signal == SIGKILL);
  const std::size_t left = has_nameless_files(scratch / "out") ? 0 : 1;
  CHECK(names_in(scratch / "out").size() == left + (had_archive ? 1 : 0));
  CHECK(fs::exists(scratch / "out/archive") == had_archive);
  if (had_archive) CHECK(content_of(scratch / "out/archive") == "what was there before");
}
