// pipelines/pack_verify.cpp: looks for damage in an archive.
//
//   read ==stored frames==> verify x cores ==what is wrong==> report ==lines==> write
//
// What travels is portable, so `verify` can run in worker processes; the index is handed over to `report`.
//
// A footer or an index that is damaged fails the run: without them nothing is known. A frame that
// is damaged takes the entries with it whose contents it holds, and no others.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#include <pack_verify.hpp>

#include <archive_reader.hpp>
#include <buffer_pool.hpp>
#include <entry_line.hpp>

#include <sluice/codec.hpp>
#include <sluice/os/file.hpp>
#include <sluice/scheduler.hpp>
#include <sluice/stages/write_lines.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace sluice::samples {
namespace {

constexpr std::size_t kQueuedFrames = 16;
constexpr unsigned kProcessAttempts = 8;
constexpr std::size_t kNamedEntries = 3;  // in a dead letter

/// A frame to be verified, and what is wrong with it. The first item has none.
struct CheckedFrame {
  std::uint64_t archive = 0;  // number under which it was handed over
  std::optional<FetchedFrame> frame{};
  FrameDigests expected{};
  std::string wrong{};
};
static_assert(portable<CheckedFrame>);

/// Blocks  while the file system reads.
class ReadFrames {
 public:
  using Out = CheckedFrame;

  ReadFrames(std::string path, std::shared_ptr<ReaderHandOver> hand_over,
             std::shared_ptr<BufferPool> buffers)
      : path_(std::move(path)), hand_over_(std::move(hand_over)), buffers_(std::move(buffers)) {}

  void start(Context& context) { context_ = &context; }

  bool next(Emitter<CheckedFrame>& out) {
    if (archive_ == nullptr) {
      archive_ = std::make_shared<const ArchiveReader>(path_);
      for (const FrameRecord& frame : archive_->contents().frames()) {
        context_->expect_bytes(frame.raw_bytes);
      }
      number_ = hand_over_->put(archive_);
      out.emit({.archive = number_});
    } else {
      context_->add_bytes(archive_->contents().frames()[next_].raw_bytes);
      out.emit(read(next_++));
    }
    return next_ < archive_->contents().frames().size();
  }

 private:
  [[nodiscard]] CheckedFrame read(std::size_t number) const {
    CheckedFrame item{.archive = number_,
                      .frame = FetchedFrame{.number = static_cast<std::uint32_t>(number)}};
    try {
      item.frame = archive_->fetch(number, buffers_->take(kMostStoredFrameBytes));
      item.expected = digests_of(archive_->contents(), item.frame->record);
    } catch (const ArchiveError& error) {
      item.wrong = error.what();
      const std::string prefix = path_ + ": ";
      if (item.wrong.starts_with(prefix)) item.wrong.erase(0, prefix.size());
    } catch (const std::system_error& error) {  // a place that the disk can't read
      item.wrong =
          fmt::format("frame {}: {}", number, sluice::detail::reason("read", error.code()));
    }
    return item;
  }

  std::string path_;
  std::shared_ptr<ReaderHandOver> hand_over_;
  std::shared_ptr<BufferPool> buffers_;
  Context* context_ = nullptr;
  std::shared_ptr<const ArchiveReader> archive_{};
  std::uint64_t number_ = 0;
  std::size_t next_ = 0;
};

/// Looks for damage; what comes out has no bytes any more.
class VerifyFrames {
 public:
  explicit VerifyFrames(std::shared_ptr<BufferPool> buffers) : buffers_(std::move(buffers)) {}

  CheckedFrame operator()(CheckedFrame item) {
    if (!item.frame || !item.wrong.empty()) return item;
    const std::string wrong = loader_.verify(*item.frame, item.expected);
    if (!wrong.empty()) item.wrong = item.frame->fault(wrong);
    buffers_->give(std::move(item.frame->bytes));
    item.expected = {};
    return item;
  }

 private:
  std::shared_ptr<BufferPool> buffers_;
  FrameLoader loader_{};
};

/// Which entries hold contents of which damaged frames. Hard links share the fate of what they
/// name.
class Damage {
 public:
  Damage(const ArchiveContents& contents, const std::map<std::size_t, std::string>& frames) {
    std::vector<bool> is_damaged(contents.frames().size());
    for (const auto& [frame, wrong] : frames) is_damaged[frame] = true;
    std::vector<bool> is_lost(contents.entries().size());
    for (std::size_t number = 0; number < contents.entries().size(); ++number) {
      const ArchiveEntry& entry = contents.entries()[number];
      for (const ChunkRun& run : contents.runs(entry)) {
        const std::uint32_t last = run.repeats ? run.first : run.first + run.count - 1;
        std::size_t frame = contents.chunks()[run.first].frame;
        for (; frame <= contents.chunks()[last].frame; ++frame) {
          if (is_damaged[frame]) add(frame, number);
          if (is_damaged[frame]) is_lost[number] = true;
        }
      }
      if (entry.kind == EntryKind::hard_link) is_lost[number] = is_lost[entry.link_to];
      if (is_lost[number]) lost_.push_back(number);
    }
  }

  /// Entries that can't be restored, in their order.
  [[nodiscard]] const std::vector<std::size_t>& lost() const noexcept { return lost_; }

  /// "it holds parts of 12 entries: a, b, c and 9 more"
  [[nodiscard]] std::string words(const ArchiveContents& contents, std::size_t frame) const {
    const auto found = held_.find(frame);
    if (found == held_.end()) return "no entry needs it";
    const Held& held = found->second;
    std::string words = held.entries == 1
                            ? std::string("it holds parts of one entry: ")
                            : fmt::format("it holds parts of {} entries: ", held.entries);
    for (std::size_t i = 0; i < held.named.size(); ++i) {
      if (i > 0) words += ", ";
      words += shown_name(contents.path(held.named[i]));
    }
    if (held.entries > held.named.size()) {
      words += fmt::format(" and {} more", held.entries - held.named.size());
    }
    return words;
  }

 private:
  struct Held {
    std::size_t entries = 0;
    std::size_t last = 0;
    std::vector<std::size_t> named{};
  };

  void add(std::size_t frame, std::size_t entry) {
    Held& held = held_[frame];
    if (held.entries > 0 && held.last == entry) return;
    held.last = entry;
    ++held.entries;
    if (held.named.size() < kNamedEntries) held.named.push_back(entry);
  }

  std::vector<std::size_t> lost_{};
  std::map<std::size_t, Held> held_{};
};

std::string counted(std::size_t count, std::string_view one, std::string_view several) {
  return fmt::format("{} {}", count, count == 1 ? one : several);
}

/// Sees every frame, in any order; tells at the end, in the order of frames and entries.
class ReportDamage {
 public:
  using Out = std::string;

  explicit ReportDamage(std::shared_ptr<ReaderHandOver> hand_over) : taker_(std::move(hand_over)) {}

  void start(Context& context) { context_ = &context; }

  void process(CheckedFrame item, Emitter<std::string>&) {
    if (archive_ == nullptr) archive_ = taker_.take(item.archive);
    if (!item.frame) return;
    ++verified_;
    if (!item.wrong.empty()) wrong_.emplace(item.frame->number, std::move(item.wrong));
  }

  // True while there is more to emit.
  bool finish(Emitter<std::string>& out) {
    if (archive_ == nullptr) return false;  // stopped before it was opened
    const ArchiveContents& contents = archive_->contents();
    if (!damage_) {
      damage_.emplace(contents, wrong_);
      for (const auto& [frame, wrong] : wrong_) {
        context_->dead(archive_->path(), wrong + "; " + damage_->words(contents, frame));
      }
    }
    const std::vector<std::size_t>& lost = damage_->lost();
    const std::size_t end = std::min(lost.size(), next_ + kLinesPerCall);
    for (; next_ < end; ++next_) {
      out.emit("damaged: " + shown_name(contents.path(lost[next_])));
    }
    if (next_ < lost.size()) return true;
    out.emit(summary());
    return false;
  }

 private:
  static constexpr std::size_t kLinesPerCall = 1024;

  [[nodiscard]] std::string summary() const {
    const ArchiveContents& contents = archive_->contents();
    const std::size_t frames = contents.frames().size();
    std::string text = fmt::format("{}: {}, {}, {}: ", shown_name(archive_->path()),
                                   counted(frames, "frame", "frames"),
                                   counted(contents.chunks().size(), "chunk", "chunks"),
                                   counted(contents.entries().size(), "entry", "entries"));
    if (verified_ < frames) text += fmt::format("{} were not verified; ", frames - verified_);
    if (!wrong_.empty()) {
      return text + fmt::format("{} damaged, {} can't be restored",
                                counted(wrong_.size(), "frame is", "frames are"),
                                counted(damage_->lost().size(), "entry", "entries"));
    }
    return text + (verified_ < frames ? "no damage in the others" : "no damage");
  }

  ReaderHandOver::Taker taker_;
  Context* context_ = nullptr;
  std::shared_ptr<const ArchiveReader> archive_{};
  std::size_t verified_ = 0;
  std::map<std::size_t, std::string> wrong_{};  // by frame
  std::optional<Damage> damage_{};
  std::size_t next_ = 0;  // of the lost entries
};

}  // namespace

void describe_pack_verify(Pipeline& pipeline, const PackVerifyOptions& options) {
  const auto buffers = std::make_shared<BufferPool>();  // keeps what is idle with the pipeline
  const auto hand_over = std::make_shared<ReaderHandOver>();
  pipeline.source("read", factory([path = options.archive, hand_over, buffers] {
                    return ReadFrames(path, hand_over, buffers);
                  }),
                  {.blocking = true}) |
      map("verify", factory([buffers] { return VerifyFrames(buffers); }),
          {.workers = Machine::here().cores,
           .capacity = kQueuedFrames,
           .process = {.attempts = kProcessAttempts}}) |
      stage("report", factory([hand_over] { return ReportDamage(hand_over); }), {.workers = 1}) |
      sink("write", stages::write_lines(options.output), {.workers = 1});
}

PipelineEntry pack_verify() {
  return {.name = "pack_verify",
          .summary = "looks for damage in an archive of pack",
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
                describe_pack_verify(
                    pipeline, {.archive = args.path("archive"), .output = args.path("output")});
              },
          .details =
              "Decompresses every frame and compares every chunk with its digest. A damaged\n"
              "frame is a dead letter (exit code 3) that says where it is and which entries it\n"
              "holds; the result lists all entries that can't be restored, and sums up. A\n"
              "damaged index or footer fails the run (exit code 1). Nothing here proves who\n"
              "made an archive.\n"
              "\n"
              "  sluice run pack_verify home.pack --quiet\n"};
}

}  // namespace sluice::samples
