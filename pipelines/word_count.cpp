// pipelines/word_count.cpp: counts words with one table per worker.
//
//   read ==chunks==> count x cores ==tables==> rank ==lines==> write
//
// `read` only finds files and hands out places in them; the counting workers read their places
// themselves. So the copy out of the page cache is spread over all cores, the text is still in the
// cache of the core that counts it, and what passes through the queue is a place, not 256 KiB. What
// has no places (pipes, terminals) is read by `read` and travels as blocks.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#include <word_count.hpp>

#include <word_table.hpp>

#include <sluice/scheduler.hpp>
#include <sluice/stages/byte_set.hpp>
#include <sluice/stages/chunks.hpp>
#include <sluice/stages/write_lines.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace sluice::samples {
namespace {

constexpr stages::ByteSet kLetters =
    stages::ByteSet::range('a', 'z') | stages::ByteSet::range('A', 'Z');

// Queued blocks of a pipe hold their text: 16 of them are 4 MiB, enough for all cores.
constexpr std::size_t kQueuedChunks = 16;

/// A worker of `count`: its own table, no lock. The table is its one output.
class CountWords {
 public:
  using Out = WordTable;

  void process(const stages::Chunk& chunk, Emitter<WordTable>& out) {
    reader_.read(chunk, out.context(),
                 [this](const stages::Piece&, std::string_view text) { table_.add_text(text); });
  }
  void finish(Emitter<WordTable>& out) { out.emit(std::move(table_)); }

 private:
  stages::ChunkReader reader_;
  WordTable table_;
};

/// Adds up the tables and turns the result into lines, some at a time.
class RankWords {
 public:
  using Out = std::string;

  explicit RankWords(std::size_t top) noexcept : top_(top) {}

  void process(WordTable table, Emitter<std::string>&) { table_.merge(std::move(table)); }

  // True while there is more to emit.
  bool finish(Emitter<std::string>& out) {
    if (next_ == 0) ranked_ = std::exchange(table_, WordTable()).top(top_);
    const std::size_t end = std::min(ranked_.size(), next_ + kLinesPerCall);
    for (; next_ < end; ++next_) {
      out.emit(fmt::format("{}\t{}", ranked_[next_].count, ranked_[next_].word));
    }
    return next_ < ranked_.size();
  }

 private:
  static constexpr std::size_t kLinesPerCall = 1024;

  std::size_t top_;
  WordTable table_;
  std::vector<WordCount> ranked_;
  std::size_t next_ = 0;
};

WordCountOptions options_from(const Args& args) {
  return {.paths = args.paths("path"),
          .top = static_cast<std::size_t>(args.number("top")),
          .output = args.path("output")};
}

}  // namespace

void describe_word_count(Pipeline& pipeline, const WordCountOptions& options) {
  pipeline.source(
      "read",
      stages::chunks(options.paths, {.chunk_bytes = options.chunk_bytes, .cut_after = ~kLetters}),
      {.blocking = true}) |
      stage("count", factory([] { return CountWords(); }),
            {.workers = Machine::here().cores, .capacity = kQueuedChunks}) |
      stage("rank", RankWords(options.top), {.workers = 1}) |
      sink("write", stages::write_lines(options.output), {.workers = 1});
}

PipelineEntry word_count() {
  return {.name = "word_count",
          .summary = "counts the words of texts, the most frequent first",
          .args = {{.name = "path",
                    .kind = ArgKind::path,
                    .help = "files, directories (recursively), - for standard input",
                    .fallback = "-",
                    .positional = true,
                    .many = true},
                   {.name = "top",
                    .kind = ArgKind::number,
                    .help = "words to print; 0 prints all",
                    .fallback = "20"},
                   {.name = "output",
                    .kind = ArgKind::path,
                    .help = "file for the result; - is standard output",
                    .fallback = "-"}},
          .build = [](Pipeline& pipeline,
                      const Args& args) { describe_word_count(pipeline, options_from(args)); },
          .details =
              "A word is a maximal run of the letters A-Z and a-z, in lower case. Prints\n"
              "count, tab, word; ties in byte order. Words never span files. A file that\n"
              "can't be read is a dead letter (exit code 3); the rest is counted. Links\n"
              "found in directories are not followed.\n"
              "\n"
              "  sluice run word_count book.txt --top 5\n"
              "  zcat *.gz | sluice run word_count\n"};
}

}  // namespace sluice::samples
