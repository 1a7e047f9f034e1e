// tests/pipelines/word_count_test.cpp: word_count against a count too simple to be wrong, and against
// the coreutils.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <word_count.hpp>

#include <sluice/run.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/standard_stream.hpp>

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace sluice;
using namespace sluice::testing_support;
using Strings = std::vector<std::string>;
using Counts = std::map<std::string, std::uint64_t>;

void add_naively(Counts& counts, std::string_view text) {
  std::string word;
  for (const char c : std::string(text) + ' ') {
    if (c >= 'a' && c <= 'z') {
      word += c;
    } else if (c >= 'A' && c <= 'Z') {
      word += static_cast<char>(c - 'A' + 'a');
    } else if (!word.empty()) {
      ++counts[word];
      word.clear();
    }
  }
}

std::string ranked(const Counts& counts) {
  std::vector<std::pair<std::string, std::uint64_t>> words(counts.begin(), counts.end());
  std::stable_sort(words.begin(), words.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (const auto& [word, count] : words) text += std::to_string(count) + '\t' + word + '\n';
  return text;
}

std::string naive(std::string_view text) {
  Counts counts;
  add_naively(counts, text);
  return ranked(counts);
}

struct Outcome {
  std::string text;
  std::vector<DeadLetter> dead;
  Report report;
};

Outcome count(const Scratch& scratch, samples::WordCountOptions options,
              const StageOverride& over = {.stage = "count"}) {
  Outcome outcome;
  options.output = scratch / "result of word_count";
  Pipeline p("word_count");
  samples::describe_word_count(p, options);
  RunOptions run_options;
  run_options.overrides = {over};
  run_options.on_dead_letter = [&](const DeadLetter& letter) { outcome.dead.push_back(letter); };
  outcome.report = run(p, std::move(run_options));
  outcome.text = content_of(options.output);
  CHECK(outcome.report.ledger.balanced);
  return outcome;
}

std::string random_bytes(std::mt19937_64& random, std::size_t size, unsigned letters_of_256) {
  constexpr std::string_view kNear = "aAbByYzZ@[`{";  // the neighbours of the ranges too
  std::string text(size, '\0');
  for (char& c : text) {
    c = random() % 256 < letters_of_256 ? kNear[random() % kNear.size()]
                                        : static_cast<char>(random() % 256);
  }
  return text;
}

// Peak resident memory in KiB since it was last reset.
std::uint64_t peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6));
  }
  return 0;
}

}  // namespace

TEST_CASE("word_count: random bytes count as the naive map counts them, however they are cut",
          "[pipelines]") {
  const Scratch scratch;
  auto random = random_engine();
  for (const unsigned letters : {0U, 64U, 200U, 250U, 256U}) {
    const std::string text = random_bytes(random, scaled(20'000U), letters);
    const std::string path = scratch.file("random", text);
    const std::string expected = naive(text);
    for (const std::size_t chunk_bytes : {1U, 7U, 64U, 1000U, 1U << 18}) {
      INFO("letters " << letters << ", chunk_bytes " << chunk_bytes);
      CHECK(count(scratch, {.paths = {path}, .top = 0, .chunk_bytes = chunk_bytes}).text ==
            expected);
    }
  }
}

TEST_CASE("word_count: workers, capacity, batch and carrier make no difference", "[pipelines]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string text = random_bytes(random, scaled(100'000U), 220);
  const std::string path = scratch.file("random", text);
  const std::string expected = naive(text);
  for (const Carrier carrier : {Carrier::thread, Carrier::pool}) {
    for (std::size_t workers = 1; workers <= 4; ++workers) {
      for (const std::size_t capacity : {1U, 16U}) {
        for (const std::size_t batch : {1U, 64U}) {
          INFO(to_string(carrier) << ", workers " << workers << ", capacity " << capacity
                                  << ", batch " << batch);
          CHECK(count(scratch, {.paths = {path}, .top = 0, .chunk_bytes = 777},
                      {.stage = "count",
                       .workers = workers,
                       .capacity = capacity,
                       .batch = batch,
                       .carrier = carrier})
                    .text == expected);
        }
      }
    }
  }
}

TEST_CASE("word_count: none of its stages can be in a worker process, and that is told",
          "[pipelines]") {
  for (const char* stage : {"read", "count", "rank", "write"}) {
    CAPTURE(stage);
    Pipeline p("word_count");
    samples::WordCountOptions options;
    options.paths = {"x"};
    samples::describe_word_count(p, options);
    RunOptions how;
    how.overrides.push_back({.stage = stage, .carrier = Carrier::process});
    CHECK_THROWS_WITH(run(p, std::move(how)), Catch::Contains(std::string("stage ") + stage));
  }
}

TEST_CASE("word_count: says what the coreutils say", "[pipelines]") {
  const Scratch scratch;
  auto random = random_engine();
  const std::string path = scratch.file("random", random_bytes(random, scaled(200'000U), 180));
  const std::string line = "LC_ALL=C tr -cs 'A-Za-z' '\\n' < " + path +
                           " | LC_ALL=C tr A-Z a-z | grep . | LC_ALL=C sort | uniq -c |"
                           " LC_ALL=C sort -k1,1nr -k2,2 | awk '{print $1\"\\t\"$2}' > " +
                           scratch / "expected";
  REQUIRE(::system(line.c_str()) == 0);
  CHECK(count(scratch, {.paths = {path}, .top = 0}).text == content_of(scratch / "expected"));
}

TEST_CASE("word_count: a word across many chunks is one word, across files it is not",
          "[pipelines]") {
  const Scratch scratch;
  const std::string giant(scaled(2'000'000U), 'G');
  const Strings paths = {scratch.file("a", "x " + giant), scratch.file("b", ""),
                         scratch.file("c", "tail and " + giant + " tail")};
  Counts counts;
  for (const std::string& path : paths) add_naively(counts, content_of(path));
  const Outcome outcome = count(scratch, {.paths = paths, .top = 0, .chunk_bytes = 4096});
  CHECK((outcome.text == ranked(counts)));  // a failure would print megabytes
}

TEST_CASE("word_count: nothing at all gives no lines", "[pipelines]") {
  const Scratch scratch;
  CHECK(count(scratch, {.paths = {scratch.file("empty", "")}}).text.empty());
  CHECK(count(scratch, {.paths = {scratch.file("none", "12 34 \xc3\xa9")}}).text.empty());
}

TEST_CASE("word_count: top limits the lines, ties are in byte order", "[pipelines]") {
  const Scratch scratch;
  const std::string path = scratch.file("ties", "d c b a b c d c");
  CHECK(count(scratch, {.paths = {path}, .top = 3}).text == "3\tc\n2\tb\n2\td\n");
  CHECK(count(scratch, {.paths = {path}, .top = 0}).text == "3\tc\n2\tb\n2\td\n1\ta\n");
}

TEST_CASE("word_count: directories are counted recursively, the unreadable is a dead letter",
          "[pipelines]") {
  const Scratch texts;
  const Scratch scratch;
  texts.file("one", "the cat");
  texts.file("deep/er/two", "the dog");
  const Outcome outcome = count(scratch, {.paths = {texts.path(), texts / "missing"}, .top = 0});
  CHECK(outcome.text == "2\tthe\n1\tcat\n1\tdog\n");
  REQUIRE(outcome.dead.size() == 1);
  CHECK(outcome.dead[0].subject == texts / "missing");
  CHECK(outcome.dead[0].error == "cannot open: No such file or directory (errno 2)");
  CHECK(outcome.report.dead_letters == 1);
}

TEST_CASE("word_count: the packaged texts count as the coreutils counted them", "[pipelines]") {
  const Scratch scratch;
  const std::string here = __FILE__;
  const std::string data = here.substr(0, here.rfind("/tests/pipelines/")) + "/pipelines/data/";
  CHECK(count(scratch,
              {.paths = {data + "mill.txt", data + "cc0-1.0.txt", data + "gpl-3.txt"}, .top = 0})
            .text == content_of(data + "word_count.expected"));
}

TEST_CASE("word_count: standard input of any length needs little memory", "[pipelines]") {
  const Scratch scratch;
  const std::string sentence = "Few distinct words, again and again: the memory stays flat.\n";
  std::string page;
  while (page.size() < 60'000) page += sentence;
  const std::size_t pages = scaled(std::size_t{6000});  // 360 MB in a release build
  StandardStream input(STDIN_FILENO);
  std::ofstream("/proc/self/clear_refs") << '5';  // resets the peak
  const std::uint64_t before = peak_kib();
  std::thread writer([&] {
    for (std::size_t i = 0; i < pages && input.feed(page); ++i) {
    }
    input.close_other();
  });
  const Outcome outcome = count(scratch, {.paths = {"-"}, .top = 0});
  writer.join();
  Counts counts;
  add_naively(counts, page);
  for (auto& [word, times] : counts) times *= pages;
  CHECK(outcome.text == ranked(counts));
  // Sanitizers keep freed memory for themselves.
  if (!kUnderSanitizer) CHECK(peak_kib() - before < 64 * 1024);
}
