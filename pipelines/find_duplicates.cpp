// pipelines/find_duplicates.cpp: finds files with equal contents.
//
//   roots ==> walk x 2 cores ==files==> by_size ==groups==> examine x 4 cores ==> settle ==sets==> sort ==> write
//              ^     |                                       ^                   |
//              +-----+ subdirectories                        +-------------------+ what is still alike
//
// Both circles are feedbacks: a directory that is found is an item for the walk, so all cores list directories;
// and what is not decided after one look is looked at again. `by_size` has to know all files; from then on, all
// cores read, the largest files first.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#include <find_duplicates.hpp>

#include <duplicate_report.hpp>
#include <duplicate_walk.hpp>

#include <sluice/error.hpp>
#include <sluice/feedback.hpp>
#include <sluice/os/file.hpp>
#include <sluice/scheduler.hpp>
#include <sluice/stages/write_lines.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace sluice::samples {
namespace {

static_assert(portable<WalkItem> && portable<DuplicateJob> && portable<DuplicateVerdict>);

constexpr std::size_t kQueuedDirectories = 1024;
constexpr std::size_t kQueuedJobs = 64;
// Of a core: who waits for the disk leaves it to the others. On two cores and an empty page cache this took
// 0.6 of the time of one worker a core, and no more with a warm one.
constexpr std::size_t kWalkers = 2;
constexpr std::size_t kExaminers = 4;
// An item that is given up leaves out files of which nobody tells the names, so more processes may die at one.
constexpr unsigned kProcessAttempts = 8;

void check_paths(const std::vector<std::string>& paths) {
  if (std::find(paths.begin(), paths.end(), sluice::detail::kStandardStream) == paths.end()) return;
  throw UsageError("-: standard input has no files; give ./- for a file of that name");
}

auto roots(const std::vector<std::string>& paths) {
  return factory([paths] {
    return [paths, next = std::size_t{0}]() mutable -> std::optional<WalkItem> {
      if (next == paths.size()) return std::nullopt;
      return WalkItem{.path = paths[next++], .given = true};
    };
  });
}

DuplicateOptions options_from(const Args& args) {
  return {.paths = args.paths("path"),
          .min_bytes = args.size("min-size"),
          .json = args.flag("json"),
          .hard_links = args.flag("hard-links"),
          .output = args.path("output")};
}

}  // namespace

void describe_find_duplicates(Pipeline& pipeline, const DuplicateOptions& options) {
  check_paths(options.paths);
  const std::size_t cores = Machine::here().cores;
  const DuplicateLimits limits = options.limits;
  const auto hand_over = std::make_shared<FilesHandOver>();

  Feedback<WalkItem> again(pipeline, "again", {.capacity = kQueuedDirectories});
  auto [directories, files] =
      route(merge(pipeline.source("roots", roots(options.paths)), again.items()) |
                stage("walk", factory([min = options.min_bytes] { return ListDirectories(min); }),
                      {.workers = kWalkers * cores,
                       .capacity = kQueuedDirectories,
                       .blocking = true,
                       .process = {.attempts = kProcessAttempts}}),
            [](const WalkItem& item) { return item.is_directory(); });
  again.put_back(directories);

  auto groups =
      files | stage("by_size", factory([hard_links = options.hard_links, limits, hand_over] {
                      return GroupBySize(hard_links, limits, hand_over);
                    }),
                    {.workers = 1});
  Feedback<DuplicateJob> rest(pipeline, "rest", {.capacity = kQueuedJobs});
  auto [undecided, sets] = route(
      merge(groups, rest.items()) |
          map("examine", factory([limits] { return ExamineFiles(limits); }),
              {.workers = kExaminers * cores,
               .capacity = kQueuedJobs,
               .batch = 1,
               .blocking = true,
               .process = {.attempts = kProcessAttempts}}) |
          stage("settle", factory([limits, hand_over] { return SettleGroups(limits, hand_over); }),
                {.workers = 1}),
      [](const DuplicateJob& job) { return !job.is_done(); });
  rest.put_back(undecided);

  sets | stage("sort", SortSets(options.json), {.workers = 1}) |
      sink("write", stages::write_lines(options.output), {.workers = 1});
}

PipelineEntry find_duplicates() {
  return {.name = "find_duplicates",
          .summary = "finds files with equal contents",
          .args = {{.name = "path",
                    .kind = ArgKind::path,
                    .help = "files and directories, with all that is below them",
                    .positional = true,
                    .many = true},
                   {.name = "min-size",
                    .kind = ArgKind::size,
                    .help = "bytes; smaller files are left out (0: empty files are equal too)",
                    .fallback = "1"},
                   {.name = "json", .kind = ArgKind::flag, .help = "one JSON document"},
                   {.name = "hard-links",
                    .kind = ArgKind::flag,
                    .help = "names of one file are duplicates too"},
                   {.name = "output",
                    .kind = ArgKind::path,
                    .help = "file for the result; - is standard output",
                    .fallback = "-"}},
          .build = [](Pipeline& pipeline,
                      const Args& args) { describe_find_duplicates(pipeline, options_from(args)); },
          .details =
              "Prints groups of files that have the same bytes, every one compared: a path a\n"
              "line, in byte order, an empty line between groups. A path with a line end in it\n"
              "makes that ambiguous; --json does not. There, a path that is not UTF-8 is an\n"
              "object with its bytes: {\"hex\":\"2e2fff\"}.\n"
              "Links that are found are not followed. A file with several names is reported by\n"
              "its first one, and a path given twice counts once. What can't be read, or changes\n"
              "meanwhile, is a dead letter (exit code 3). An interrupt leaves no result.\n"
              "\n"
              "  sluice run find_duplicates ~/photos ~/backup --min-size 1M\n"
              "  sluice run find_duplicates . --json --quiet | jq '.[].paths[1:][]'\n"};
}

}  // namespace sluice::samples
