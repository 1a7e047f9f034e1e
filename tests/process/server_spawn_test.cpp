// tests/process/server_spawn_test.cpp: workers from a second image of a program.
// SPDX-License-Identifier: MIT
#include <sluice/process/entry_guard.hpp>
#include <sluice/process/fingerprint.hpp>
#include <sluice/sluice.hpp>

#include <pipelines/child_program.hpp>
#include <process/family.hpp>
#include <process/rounds.hpp>
#include <support/places.hpp>
#include <support/scale.hpp>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace sluice::detail;
using namespace sluice::testing_support;
namespace fs = std::filesystem;

// What the program said, without the lines of main; how many processes came to main.
struct Said {
  std::string text;
  int mains = 0;
  std::string err;
  int exit_code = -1;
};

Said said(const Ended& ended) {
  Said result;
  result.err = ended.err;
  result.exit_code = ended.exit_code;
  std::istringstream lines(ended.out);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("main ")) {
      ++result.mains;
    } else {
      result.text += line + '\n';
    }
  }
  return result;
}

Said run_how(const std::string& how) {
  Adoption adoption;
  const Said result = said(run_program({SLUICE_SPAWN_PROGRAM, "run", "--how", how, "--quiet"}));
  adoption.reap_all();
  return result;
}

sluice::Pipeline pipeline_of(const std::string& first, bool longer) {
  sluice::Pipeline pipeline("p");
  auto numbers = pipeline.source(first, [] { return std::optional<int>(); }) |
                 sluice::map("twice", [](const int& item) { return 2 * item; });
  if (longer) {
    std::move(numbers) | sluice::map("more", [](const int& item) { return item + 1; }) |
        sluice::sink("end", [](const int&) {});
  } else {
    std::move(numbers) | sluice::sink("end", [](const int&) {});
  }
  return pipeline;
}

}  // namespace

TEST_CASE("a spawned server serves the pipeline that it has built itself", "[server][spawn]") {
  for (Rounds rounds(scaled(10)); rounds.next();) {
    const Said result = run_how("well");
    CHECK(result.text == "exit status 20\nexit status 21\nservers 2\n");
    CHECK(result.mains == 2);
    CHECK(result.err.empty());
    CHECK(result.exit_code == 0);
  }
}

TEST_CASE("a builder that goes by more than its arguments is found out", "[server][spawn]") {
  const Said result = run_how("unstable");
  CHECK_THAT(result.text,
             Catch::StartsWith("spawn failed: worker server: the program that was started again "
                               "has built another pipeline (stage make ") &&
                 Catch::EndsWith(" is missing or not the same); what a builder makes may depend on "
                                 "its arguments alone, and run() has to run that pipeline\n"));
  CHECK(result.mains == 2);
  CHECK(result.err.empty());
}

TEST_CASE("a builder that throws in the second image is told with its reason", "[server][spawn]") {
  const Said result = run_how("throws");
  CHECK(result.text ==
        "spawn failed: worker server: the program that was started again could not build its "
        "pipeline: the builder has had enough\n");
  CHECK(result.mains == 2);
}

TEST_CASE("a main that comes to run() before sluice::main ends at once, and starts nothing",
          "[server][spawn]") {
  const std::string how = GENERATE("unguarded_run", "unguarded_spawn");
  const Said result = run_how(how);
  CHECK(result.mains == 2);  // no fork bomb
  CHECK(result.text ==
        "spawn failed: worker server: main of the program that was started again came to run() "
        "before sluice::main; let main call sluice::main first\n");
  CHECK(result.err ==
        "sluice: this program was started again to serve worker processes, but its main came to "
        "run() before sluice::main; let main call sluice::main first\n");
}

TEST_CASE("a main that ends or waits before sluice::main is told", "[server][spawn]") {
  Said result = run_how("ends");
  CHECK(result.text ==
        "spawn failed: worker server: the process ended before it could serve (exit status 7)\n");
  CHECK(result.mains == 2);
  result = run_how("sleeper");
  CHECK_THAT(result.text, Catch::Contains("did not come to sluice::main within 3000 ms"));
  CHECK(result.mains == 2);
}

TEST_CASE("a second image that can't serve says why", "[server][spawn]") {
  Said result = run_how("no_engine");
  CHECK_THAT(result.text, Catch::Contains("no engine for stages in worker processes"));
  result = run_how("threads");
  CHECK_THAT(result.text, Catch::Contains("has started threads before sluice::main (too early ("));
}

TEST_CASE("the second image is the file that runs, not the one that has its name now",
          "[server][spawn]") {
  std::string folder = (fs::temp_directory_path() / "sluice-spawn-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const fs::path program = fs::path(folder) / "program";
  fs::copy_file(SLUICE_SPAWN_PROGRAM, program);
  const std::string input = (fs::path(folder) / "input").string();
  REQUIRE(::mkfifo(input.c_str(), 0600) == 0);
  Descriptor writes(::open(input.c_str(), O_RDWR | O_CLOEXEC));
  {
    ChildProgram child({program.string(), "run", "--how", "replaced", "--quiet"}, {.input = input});
    REQUIRE(child.wait_for_out("ready"));
    std::ofstream(program.string() + ".new") << "#!/bin/false\n";
    fs::permissions(program.string() + ".new", fs::perms::owner_all);
    fs::rename(program.string() + ".new", program);
    write_text(writes.number(), "\n");
    const Said result = said(child.wait());
    CHECK(result.text == "ready\nexit status 20\nexit status 21\nservers 2\n");
    CHECK(result.mains == 2);
  }
  fs::remove_all(folder);
}

TEST_CASE("a variable that somebody else has set is refused", "[server][spawn]") {
  for (const char* value : {"1", "0:1:abc:1:", "99999:3:abc:1:", "::::"}) {
    CAPTURE(value);
    ::setenv("SLUICE_WORKER_SERVER", value, 1);
    const Said result = said(run_program({SLUICE_SPAWN_PROGRAM, "run", "--quiet"}));
    ::unsetenv("SLUICE_WORKER_SERVER");
    CHECK(result.err ==
          "spawn_program: the environment has SLUICE_WORKER_SERVER=" + std::string(value) +
              ", which only sluice sets, for processes of its own; remove it\n");
    CHECK(result.exit_code == 1);
    CHECK(result.mains == 1);
  }
}

TEST_CASE("a spawned server ends with the program, whatever is killed", "[server][spawn]") {
  const std::string mark = "spawned by " + std::to_string(::getpid());
  for (Rounds rounds(scaled(20)); rounds.next();) {
    Adoption adoption;
    ::setenv("SLUICE_TEST_MARK", mark.c_str(), 1);
    {
      ChildProgram child({SLUICE_SPAWN_PROGRAM, "run", "--how", "stay", "--quiet"});
      REQUIRE(child.wait_for_out("servers "));
      // The destructor kills it.
    }
    ::unsetenv("SLUICE_TEST_MARK");
    adoption.reap_all();
  }
  CHECK(marked_processes("SLUICE_TEST_MARK=" + mark) == 0);
}

TEST_CASE("a fingerprint tells names, kinds, types and connections, not workers",
          "[server][spawn]") {
  const Fingerprint ours = fingerprint_of(pipeline_of("make", false));
  REQUIRE(ours.stages.size() == 3);
  CHECK(difference(ours, fingerprint_of(pipeline_of("make", false))).empty());
  CHECK_THAT(difference(ours, fingerprint_of(pipeline_of("made", false))),
             Catch::Contains("(stage make is missing or not the same)"));
  CHECK_THAT(difference(ours, fingerprint_of(pipeline_of("make", true))),
             Catch::Contains("(stage end is missing or not the same)"));
  const auto with = [](sluice::StageOptions options, auto function) {
    sluice::Pipeline pipeline("p");
    pipeline.source("make", [] { return std::optional<int>(); }) |
        sluice::map("twice", function, options) | sluice::sink("end", [](const auto&) {});
    return fingerprint_of(pipeline);
  };
  const auto doubled = [](const int& item) { return 2 * item; };
  CHECK(difference(with({}, doubled), with({.workers = 4}, doubled)).empty());
  CHECK_THAT(difference(with({}, doubled), with({}, [](const int& item) { return 2L * item; })),
             Catch::Contains("(stage twice is missing or not the same)"));
  Fingerprint shorter = ours;
  shorter.stages.pop_back();
  CHECK_THAT(difference(ours, shorter), Catch::Contains("(stage end is missing"));
  CHECK_THAT(difference(shorter, ours), Catch::Contains("(3 stages instead of 2)"));
}
