// pipelines/pack_list.cpp: lists the entries of an archive, from its index alone.
//
//   read ==entries==> format x cores ==lines==> write
//
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#include <pack_list.hpp>

#include <archive_reader.hpp>
#include <entry_line.hpp>

#include <sluice/codec.hpp>
#include <sluice/scheduler.hpp>
#include <sluice/stages/write_lines.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::samples {
namespace {

constexpr unsigned kProcessAttempts = 8;

using ListedEntries = std::vector<ListedEntry>;
static_assert(portable<ListedEntries>);

class ReadIndex {
 public:
  using Out = ListedEntries;

  explicit ReadIndex(std::string path) : path_(std::move(path)) {}

  bool next(Emitter<ListedEntries>& out) {
    if (!archive_) archive_.emplace(path_);
    const ArchiveContents& contents = archive_->contents();
    const std::size_t end = std::min(contents.entries().size(), next_ + kEntries);
    ListedEntries listed;
    listed.reserve(end - next_);
    for (; next_ < end; ++next_) {
      if (!says_nothing(contents)) listed.push_back(listed_entry(contents, next_));
    }
    out.emit(std::move(listed));
    return next_ < contents.entries().size();
  }

 private:
  static constexpr std::size_t kEntries = 256;

  // The root that nobody packed is in every archive.
  [[nodiscard]] bool says_nothing(const ArchiveContents& contents) const {
    return next_ == 0 && contents.entries()[0].kind == EntryKind::implied_directory;
  }

  std::string path_;
  std::optional<ArchiveReader> archive_{};
  std::size_t next_ = 0;
};

void format_lines(const ListedEntries& entries, Emitter<std::string>& out) {
  for (const ListedEntry& entry : entries) out.emit(entry_line(entry));
}

}  // namespace

void describe_pack_list(Pipeline& pipeline, const PackListOptions& options) {
  pipeline.source("read", factory([path = options.archive] { return ReadIndex(path); }),
                  {.blocking = true}) |
      flat_map<std::string>("format", format_lines,
                            {.workers = Machine::here().cores,
                             .order = Order::keep,
                             .process = {.attempts = kProcessAttempts}}) |
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
