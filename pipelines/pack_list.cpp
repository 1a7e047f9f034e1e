// pipelines/pack_list.cpp: lists the entries of an archive, from its index alone.
//
//   read ==ranges of entries==> format x cores ==lines==> write
//
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#include <pack_list.hpp>

#include <archive_reader.hpp>
#include <entry_line.hpp>

#include <sluice/scheduler.hpp>
#include <sluice/stages/write_lines.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

namespace sluice::samples {
namespace {

struct EntryRange {
  std::shared_ptr<const ArchiveReader> archive{};
  std::size_t first = 0;
  std::size_t end = 0;
};

class ReadIndex {
 public:
  using Out = EntryRange;

  explicit ReadIndex(std::string path) : path_(std::move(path)) {}

  bool next(Emitter<EntryRange>& out) {
    if (archive_ == nullptr) archive_ = std::make_shared<const ArchiveReader>(path_);
    const std::size_t all = archive_->contents().entries().size();
    const std::size_t first = std::exchange(next_, std::min(all, next_ + kEntries));
    out.emit({.archive = archive_, .first = first, .end = next_});
    return next_ < all;
  }

 private:
  static constexpr std::size_t kEntries = 256;

  std::string path_;
  std::shared_ptr<const ArchiveReader> archive_{};
  std::size_t next_ = 0;
};

// The root that nobody packed is in every archive; it says nothing.
void format_lines(const EntryRange& range, Emitter<std::string>& out) {
  const ArchiveContents& contents = range.archive->contents();
  for (std::size_t entry = range.first; entry < range.end; ++entry) {
    const bool says_nothing =
        entry == 0 && contents.entries()[0].kind == EntryKind::implied_directory;
    if (!says_nothing) out.emit(entry_line(contents, entry));
  }
}

}  // namespace

void describe_pack_list(Pipeline& pipeline, const PackListOptions& options) {
  pipeline.source("read", factory([path = options.archive] { return ReadIndex(path); }),
                  {.blocking = true}) |
      flat_map<std::string>("format", format_lines,
                            {.workers = Machine::here().cores, .order = Order::keep}) |
      sink("write", stages::write_lines(options.output), {.workers = 1});
}

PipelineEntry pack_list() {
  return {.name = "pack_list",
          .summary = "lists what is in an archive of pack",
          .args = {{.name = "archive",
                    .kind = ArgKind::path,
                    .help = "the archive",
                    .positional = true},
                   {.name = "output",
                    .kind = ArgKind::path,
                    .help = "file for the result; - is standard output",
                    .fallback = "-"}},
          .build =
              [](Pipeline& pipeline, const Args& args) {
                describe_pack_list(
                    pipeline, {.archive = args.path("archive"), .output = args.path("output")});
              },
          .details =
              "Kind (d directory, - file, l symbolic link, h hard link) and permissions, size,\n"
              "time of modification in UTC, path. A directory ends in a slash; question marks\n"
              "stand for what is not known of one that only leads to a path that was packed.\n"
              "Bytes that don't print are escaped: \\n, \\t, \\ooo (octal), \\\\ for a backslash.\n"
              "\n"
              "  sluice run pack_list home.pack --quiet\n"};
}

}  // namespace sluice::samples
