// pipelines/find_duplicates_process_test.cpp: find_duplicates with stages in worker processes: the same result,
// whatever happens to these.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <duplicate_jobs.hpp>
#include <find_duplicates.hpp>
#include <fuzz/target.hpp>
#include <support/process_samples.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/watched_run.hpp>

#include <sluice/run.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice;
using namespace sluice::samples;
using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using Words = std::vector<std::string>;
using Row = std::vector<std::byte>;

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Directories in directories; files of so many sizes, many of them equal, or equal but for the last byte; names of
// one file; a link that leads nowhere.
std::string make_tree(const Scratch& scratch, int files, std::size_t sizes) {
  auto random = random_engine();
  for (int i = 0; i < files; ++i) {
    const std::size_t size = 1 + random() % sizes * (10'000 / sizes);
    std::string content(size, static_cast<char>('a' + random() % 4));
    const std::string name = "in/" + std::to_string(random() % 40) + '/' +
                             std::to_string(random() % 3) + '/' + std::to_string(i);
    scratch.file(name, content);
    content.back() = '!';
    if (random() % 4 == 0) scratch.file(name + " near", content);
    if (random() % 8 == 0) fs::create_hard_link(scratch / name, scratch / name + " link");
  }
  fs::create_symlink("../nowhere", scratch / "in/link");
  return scratch / "in";
}

const std::vector<Words> kStages{{"walk"}, {"examine"}, {"walk", "examine"}};

Row row_of(const auto& value) {
  Bytes bytes;
  encode(value, bytes);
  return {bytes.data(), bytes.data() + bytes.size()};
}

}  // namespace

TEST_CASE("find_duplicates: with stages on processes it finds the same", "[duplicates][process]") {
  const std::string method = GENERATE("forkserver", "spawn");
  const Words options = GENERATE(Words{}, Words{"--hard-links"}, Words{"--json"});
  const Scratch scratch;
  const std::string tree = make_tree(scratch, scaled(1500), 60);
  const std::string gone = scratch / "gone";
  const Words words = with({"find_duplicates", tree, gone}, options);
  const ProcessRun alone = run_on_processes(words, {}, scratch / "report");
  REQUIRE(alone.ended.exit_code == 3);
  REQUIRE(alone.ended.out.size() > 1000);
  for (const Words& stages : kStages) {
    CAPTURE(method, options, stages);
    const ProcessRun run =
        run_on_processes(with(words, {"--start-method", method}), stages, scratch / "report");
    CHECK(run.balanced);
    CHECK(run.ended.exit_code == 3);
    CHECK(run.ended.err == alone.ended.err);
    CHECK((run.ended.out == alone.ended.out));
    CHECK(std::count(run.processes.begin(), run.processes.end(), 0) == 0);
    CHECK(run.deaths == std::vector<std::uint64_t>(stages.size(), 0));
  }
}

// Runs until so many processes have died, and so many were stopped. Items are small, so that hardly any is met twice.
TEST_CASE("find_duplicates: with stages on processes that are killed and stopped it finds the same",
          "[duplicates][process]") {
  const std::string method = GENERATE("forkserver", "spawn");
  const Words stages = GENERATE(Words{"walk"}, Words{"examine"}, Words{"walk", "examine"});
  const Scratch scratch;
  auto random = random_engine(1);
  const std::string tree = make_tree(scratch, scaled(6000), 200);
  const Words words{"find_duplicates", tree, "--hard-links", "--start-method", method};
  const ProcessRun alone = run_on_processes(words, {}, scratch / "report");
  REQUIRE(alone.ended.exit_code == 0);
  const unsigned rate = kUnderSanitizer ? 15 : 60;
  const std::uint64_t wanted = scaled(10);
  std::vector<std::uint64_t> deaths(stages.size());
  std::uint64_t stops = 0;
  while (*std::min_element(deaths.begin(), deaths.end()) < wanted || stops < wanted) {
    const std::uint64_t seed = random() % 1'000'000;
    CAPTURE(method, stages, seed);
    const ProcessRun run = run_on_processes(with(words, chaos_words(stages, rate, rate, seed)),
                                            stages, scratch / "report");
    INFO(run.ended.err);
    REQUIRE(run.ended.exit_code == 0);
    CHECK(run.balanced);
    REQUIRE((run.ended.out == alone.ended.out));
    REQUIRE(run.deaths.size() == stages.size());
    for (std::size_t i = 0; i < stages.size(); ++i) deaths[i] += run.deaths[i];
    stops += run.stops;
  }
  CHECK(deaths.front() >= wanted);
}

TEST_CASE("find_duplicates: large groups in parts are the same on processes",
          "[duplicates][process]") {
  const Scratch scratch;
  const std::string tree = make_tree(scratch, 5000, 3);  // some sizes have more files than a job
  const Words words{"find_duplicates", tree, "--min-size", "2"};
  const ProcessRun alone = run_on_processes(words, {}, scratch / "report");
  const ProcessRun run =
      run_on_processes(with(words, {"--workers", "examine=2"}), {"examine"}, scratch / "report");
  CHECK(run.ended.exit_code == 0);
  CHECK((run.ended.out == alone.ended.out));
}

TEST_CASE("find_duplicates: stages that keep something are refused on processes, with the reason",
          "[duplicates][process]") {
  const Words words{"find_duplicates", "in"};
  CHECK_THAT(process_refusal(words, "roots"), Contains("a source stays in the coordinating"));
  for (const char* stage : {"by_size", "settle", "sort"}) {
    CHECK_THAT(process_refusal(words, stage), Contains("it keeps something of its items"));
  }
}

TEST_CASE("find_duplicates: a job that is lent is answered with the lender's names",
          "[duplicates][process]") {
  auto files = std::make_shared<FoundFiles>();
  FileBatch batch{.prefix = "d/"};
  for (const char* name : {"a", "b", "c"}) batch.add(name, {.size_bytes = 5, .identity = {1, 2}});
  files->add({});
  files->add(batch);
  files->aliases = {{{1, 0}, {1, 1}}};
  const DuplicateJob job{.files = files,
                         .files_number = 8,
                         .size_bytes = 5,
                         .members = {{1, 2}, {1, 0}},
                         .group = 3,
                         .group_members = 9};
  auto there = decode<DuplicateJob>(row_of(job));
  CHECK(there.group == 3);
  CHECK(there.group_members == 9);
  REQUIRE(there.members.size() == 2);
  CHECK(there.files->path(there.members[0]) == "d/c");
  CHECK(there.files->path(there.members[1]) == "d/a");
  CHECK(there.files->aliases_of(there.members[0]).empty());
  REQUIRE(there.files->aliases_of(there.members[1]).size() == 1);
  CHECK(there.files->path(there.files->aliases_of(there.members[1])[0]) == "d/b");
  const FoundFile& found = (*there.files)[there.members[0]];
  CHECK(found.size_bytes == 5);
  CHECK(found.identity == sluice::detail::FileIdentity{1, 2});
  DuplicateVerdict verdict{.job = there};
  verdict.classes.equal = {{there.members[1], there.members[0]}};
  verdict.classes.failed = {{there.members[0], "why"}};
  verdict.hashes = {{{}, there.members[1]}};
  answer_to_lender(verdict);
  const auto back = decode<DuplicateVerdict>(row_of(verdict));
  CHECK(back.job.files == nullptr);
  CHECK(back.job.files_number == 8);
  CHECK(back.job.members == job.members);
  CHECK(back.classes.equal == std::vector<std::vector<FileId>>{{{1, 0}, {1, 2}}});
  CHECK(back.classes.failed[0].file == FileId{1, 2});
  CHECK(back.hashes[0].second == FileId{1, 0});
  const Row row = row_of(job);
  std::size_t refused = 0;
  for (std::size_t length = 0; length < row.size(); ++length) {
    if (fuzz::try_decode<DuplicateJob>(std::span(row).first(length)) == fuzz::Outcome::refused)
      ++refused;
  }
  CHECK(refused == row.size());
  for (std::size_t bit = 0; bit < 8 * row.size(); ++bit) {
    Row wrong = row;
    wrong[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    if (fuzz::try_decode<DuplicateJob>(wrong) == fuzz::Outcome::refused) ++refused;
  }
  CHECK(refused > row.size());
}
