// bench/versus_word_count.cpp: the packaged word_count sample beside what one would write or type
// instead.
//
//   512 MB of text in files of 16 MiB -> the 20 most frequent words
//
// Questions: does the sample reach 0.9 of two hand-written threads with the same algorithm; and how
// much faster are two of those threads than one?
// Items are bytes. Every run's output must be that of the one-threaded program.
// SPDX-License-Identifier: MIT
#include <support/command.hpp>
#include <support/corpus.hpp>
#include <support/tournament.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace sluice::bench;
using Words = std::vector<std::string>;

struct Job {
  Words files;
  std::uint64_t bytes = 0;
  std::string expected;
};

Words with_files(Words command, const Words& files) {
  command.insert(command.end(), files.begin(), files.end());
  return command;
}

Contestant program(const Job& job, std::string name, std::string about, bool busy,
                   const Words& command) {
  return {name, std::move(about), busy,
          [job, name, words = with_files(command, job.files)](std::uint64_t, Placement) {
            if (run_command(words) != job.expected) {
              throw WrongResult(name + ": its output is not that of one hand-written thread");
            }
            return Latency{};
          },
          job.bytes};
}

std::uint64_t count_lines(const std::string& text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

// Two one-threaded programs at the same time, each with every second file: what two CPUs can do.
Contestant limit(const Job& job, const std::string& by_hand) {
  return {"2 x one thread", "two one-threaded programs at the same time, half of the files each",
          true,
          [job, by_hand](std::uint64_t, Placement) {
            std::vector<Command> both;
            for (const std::size_t half : {0U, 1U}) {
              Words command{by_hand, "--threads", "1"};
              for (std::size_t i = half; i < job.files.size(); i += 2) {
                command.push_back(job.files[i]);
              }
              both.emplace_back(command);
            }
            for (Command& one : both) {
              check_result("2 x one thread: lines of output", count_lines(one.finish()), 20);
            }
            return Latency{};
          },
          job.bytes};
}

std::vector<Group> groups(const Job& job) {
  const std::string by_hand = sibling("word_count_by_hand");
  const std::string sluice = sibling("sluice");
  std::vector<Group> all;
  if (!sluice.empty()) {
    all.push_back({.name = "word_count/sample",
                   .pinned = false,
                   .contestants = {
                       program(job, "sluice", "the packaged sample", false,
                               {sluice, "run", "word_count", "--top", "20"}),
                       program(job, "by hand", "two threads, no queue", true, {by_hand}),
                       program(job, "by hand, 1 thread", "", false, {by_hand, "--threads", "1"})}});
  }
  all.push_back(
      {.name = "word_count/by_hand",
       .pinned = false,
       .contestants = {program(job, "by hand", "two threads, no queue", true, {by_hand}),
                       program(job, "by hand, 1 thread", "", false, {by_hand, "--threads", "1"}),
                       limit(job, by_hand)}});
  return all;
}

bool asks_for(int argc, char** argv, std::string_view option) {
  return std::find(argv + 1, argv + argc, option) != argv + argc;
}

Job make_job(bool quick) {
  Job job;
  const std::string directory = corpus_directory() + (quick ? "_quick" : "");
  job.files = gather_corpus(directory, quick ? 20'000'000 : 512'000'000);
  job.bytes = total_bytes(job.files);
  job.expected =
      run_command(with_files({sibling("word_count_by_hand"), "--threads", "1"}, job.files));
  return job;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (sibling("word_count_by_hand").empty()) {
      std::fprintf(stderr, "versus_word_count: word_count_by_hand is not beside this program\n");
      return 1;
    }
    const Job job = make_job(asks_for(argc, argv, "--quick"));
    return hold_tournament("versus_word_count", argc, argv, groups(job));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "versus_word_count: %s\n", error.what());
    return 1;
  }
}
