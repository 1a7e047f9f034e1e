// pipelines/pack.cpp: packs trees of files: every chunk of contents once, compressed on all cores.
//
//   walk ==jobs==> cut x cores ==jobs, with contents==> group ==raw frames, entries==>
//        compress x cores ==stored frames, entries==> write
//
// `walk` only finds entries and hands out what is to be read; `cut` reads, so the copy out of the
// page cache, the cutting and the digests are spread over all cores. `group` sees all chunks in the
// order of the walk and decides which are new: one worker, whose work for each chunk is a look into
// a table and a copy. Both parallel stages keep the order, so the archive is the same whatever the
// workers did.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#include <pack.hpp>

#include <archive_format.hpp>
#include <pack_stages.hpp>
#include <pack_walk.hpp>

#include <sluice/codec.hpp>
#include <sluice/error.hpp>
#include <sluice/scheduler.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <utility>

namespace sluice::samples {
namespace {

static_assert(portable<PackJob> && portable<RawPart> && portable<StoredPart>);

// A job is a list of places until it is cut; then it holds 2 MiB at most, as a raw frame holds 1.
constexpr std::size_t kQueuedPlaces = 16;
constexpr std::size_t kQueuedContents = 8;
constexpr std::size_t kQueuedFrames = 16;

// An item that is given up leaves no archive, so more processes may die at one before that.
constexpr unsigned kProcessAttempts = 8;

void check_level(std::uint64_t level) {
  if (level >= kLeastLevel && level <= kMostLevel) return;
  throw UsageError(fmt::format("--level {}: there is no such level of compression; give {} to {}",
                               level, kLeastLevel, kMostLevel));
}

PackOptions options_from(const Args& args) {
  return {
      .paths = args.paths("path"), .output = args.path("output"), .level = args.number("level")};
}

}  // namespace

void describe_pack(Pipeline& pipeline, const PackOptions& options) {
  check_level(options.level);
  const auto level = static_cast<int>(options.level);
  const std::size_t cores = Machine::here().cores;
  const auto buffers = std::make_shared<BufferPool>();  // keeps what is idle with the pipeline
  const auto hand_over = std::make_shared<ArchiveHandOver>();
  pipeline.source("walk",
                  factory([paths = options.paths, output = options.output, level, hand_over] {
                    return PackSource(paths, output, level, hand_over);
                  }),
                  {.blocking = true}) |
      map("cut", factory([buffers] { return CutFiles(buffers); }),
          {.workers = cores,
           .order = Order::keep,
           .capacity = kQueuedPlaces,
           .blocking = true,
           .process = {.attempts = kProcessAttempts}}) |
      stage("group", factory([buffers] { return GroupChunks(buffers); }),
            {.workers = 1, .capacity = kQueuedContents}) |
      map("compress", factory([level, buffers] { return CompressFrames(level, buffers); }),
          {.workers = cores,
           .order = Order::keep,
           .capacity = kQueuedFrames,
           .process = {.attempts = kProcessAttempts}}) |
      sink("write", factory([hand_over, buffers] { return WriteArchive(hand_over, buffers); }),
           {.workers = 1, .capacity = kQueuedFrames, .blocking = true});
}

PipelineEntry pack() {
  return {.name = "pack",
          .summary = "packs trees of files into one archive, equal contents once",
          .args = {{.name = "path",
                    .kind = ArgKind::path,
                    .help = "files and directories, with all that is below them",
                    .positional = true,
                    .many = true},
                   {.name = "output",
                    .kind = ArgKind::path,
                    .help = "the archive; - is standard output"},
                   {.name = "level",
                    .kind = ArgKind::number,
                    .help = "of compression, 1 to 19 (zstd)",
                    .fallback = "3"}},
          .build = [](Pipeline& pipeline,
                      const Args& args) { describe_pack(pipeline, options_from(args)); },
          .details =
              "Keeps contents, permissions, times of modification, symbolic and hard links and\n"
              "names of any bytes; no owners, access times or extended attributes. A path is\n"
              "stored without its leading slash. Links are stored, not followed.\n"
              "What can't be read, or changes while it is read, is a dead letter (exit code 3);\n"
              "the rest is packed. The archive has its name when it is whole: after a failure\n"
              "or an interrupt there is none, and one that was there is as it was.\n"
              "\n"
              "  sluice run pack ~/letters ~/photos --output home.pack\n"
              "  sluice run pack src --output - --level 19 | ssh host 'cat > src.pack'\n"};
}

}  // namespace sluice::samples
