// pipelines/unpack.cpp: makes the entries of an archive.
//
//   read ==stored frames==> load x cores ==raw frames==> restore
//
// `read` and `restore` follow the same RestorePlan: one reads frames in the order in which they
// are needed, the other goes on making entries until it needs a frame that has not come yet. So a
// frame is decompressed once, by any core, and again only when it was dropped from all the slots
// meanwhile. Making entries stays with one worker: all of them are made, or none.
//
// What travels is portable, so `load` can run in worker processes. The archive stays in this one: `read` hands it
// over (hand_over.hpp), and `restore`, which needs the same index, takes it with the first frame that it sees.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#include <unpack.hpp>

#include <archive_reader.hpp>
#include <buffer_pool.hpp>
#include <restore_plan.hpp>

#include <sluice/codec.hpp>
#include <sluice/error.hpp>
#include <sluice/scheduler.hpp>

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice::samples {
namespace {

constexpr std::size_t kQueuedFrames = 8;

// A frame that is given up ends the run, so more processes may die at one before that.
constexpr unsigned kProcessAttempts = 8;

// A stop leaves nothing to keep, so it cancels the run. Who is late sees that somebody else did it.
void give_up(Context& context) {
  if (context.cancelled()) return;
  context.cancel();
  context.log("stopped before everything was unpacked: nothing is kept");
}

/// A frame that is needed next: as it is stored, and raw behind `load`. The first item and the last one have none.
struct NeededFrame {
  std::uint64_t archive = 0;  // number under which it was handed over
  std::optional<FetchedFrame> frame{};
  bool complete = false;  // it is the last item
};
static_assert(portable<NeededFrame>);

/// Opens the archive, follows the plan and reads what is needed.
///
/// Blocks  while the file system reads.
class ReadFrames {
 public:
  using Out = NeededFrame;

  ReadFrames(std::string path, std::shared_ptr<ReaderHandOver> hand_over,
             std::shared_ptr<BufferPool> buffers)
      : path_(std::move(path)), hand_over_(std::move(hand_over)), buffers_(std::move(buffers)) {}

  void start(Context& context) { context_ = &context; }

  bool next(Emitter<NeededFrame>& out) {
    if (archive_ == nullptr) {
      begin(out);
      return true;
    }
    for (int steps = 0; steps < kStepsPerCall; ++steps) {
      const RestorePlan::Step step = plan_->next();
      context_->add_bytes(step.size_bytes);
      if (step.loads) {
        out.emit({.archive = number_,
                  .frame = archive_->fetch(step.frame, buffers_->take(kMostStoredFrameBytes))});
        return true;
      }
      if (step.kind == RestorePlan::Kind::end) {
        ended_ = true;
        out.emit({.archive = number_, .complete = true});
        return false;
      }
    }
    return true;
  }

  void finish(Emitter<NeededFrame>&) {
    if (!ended_) give_up(*context_);
  }

 private:
  // A file of one chunk over and over has many steps and needs one frame.
  static constexpr int kStepsPerCall = 4096;

  void begin(Emitter<NeededFrame>& out) {
    archive_ = std::make_shared<const ArchiveReader>(path_);
    plan_.emplace(archive_->contents());
    std::uint64_t bytes = 0;
    for (const ArchiveEntry& entry : archive_->contents().entries()) bytes += entry.size_bytes;
    context_->expect_bytes(bytes);
    number_ = hand_over_->put(archive_);
    out.emit({.archive = number_});
  }

  std::string path_;
  std::shared_ptr<ReaderHandOver> hand_over_;
  std::shared_ptr<BufferPool> buffers_;
  std::uint64_t number_ = 0;
  Context* context_ = nullptr;
  std::shared_ptr<const ArchiveReader> archive_{};
  std::optional<RestorePlan> plan_{};
  bool ended_ = false;
};

/// Checks and decompresses.
class LoadFrames {
 public:
  LoadFrames(std::string path, std::shared_ptr<BufferPool> buffers)
      : path_(std::move(path)), buffers_(std::move(buffers)) {}

  NeededFrame operator()(NeededFrame needed) {
    if (!needed.frame) return needed;
    ByteBuffer raw = buffers_->take(kMostFrameBytes);
    const std::string wrong = loader_.load(*needed.frame, raw);
    if (!wrong.empty()) throw ArchiveError(path_ + ": " + needed.frame->fault(wrong));
    buffers_->give(std::exchange(needed.frame->bytes, std::move(raw)));
    return needed;
  }

 private:
  std::string path_;
  std::shared_ptr<BufferPool> buffers_;
  FrameLoader loader_{};
};

/// Makes the entries, and moves them to their places when all are there.
class RestoreEntries {
 public:
  RestoreEntries(std::string output, SetIdBits set_id, std::shared_ptr<ReaderHandOver> hand_over,
                 std::shared_ptr<BufferPool> buffers)
      : output_(std::move(output)),
        set_id_(set_id),
        taker_(std::move(hand_over)),
        buffers_(std::move(buffers)) {}

  void start(Context& context) { context_ = &context; }

  void process(NeededFrame needed) {
    if (stopped()) {  // after the reading has ended nobody else would notice
      give_up(*context_);
      return;
    }
    if (archive_ == nullptr) begin(needed.archive);
    if (needed.frame) {
      check(*needed.frame);
      buffers_->give(std::exchange(slots_[step_.slot], std::move(needed.frame->bytes)));
      append();
      go_on();
    }
    complete_ = needed.complete;
  }

  void finish() {
    if (stopped()) give_up(*context_);
    if (!stopped()) {
      if (!complete_ || step_.kind != RestorePlan::Kind::end) {
        throw std::runtime_error("the last frames are missing: nothing is kept");
      }
      restore_->commit();
    }
    restore_.reset();
  }

 private:
  [[nodiscard]] bool stopped() const { return context_->stop_token().stop_requested(); }

  // Up to the first frame.
  void begin(std::uint64_t archive) {
    archive_ = taker_.take(archive);
    plan_.emplace(archive_->contents());
    restore_ = std::make_unique<ArchiveRestore>(archive_->contents(), output_, set_id_);
    go_on();
  }

  // One that was given up leaves a gap; a process that went wild may send anything.
  void check(const FetchedFrame& frame) const {
    if (!step_.loads || step_.frame != frame.number) {
      throw std::runtime_error(
          fmt::format("frame {} is missing: nothing is kept", std::size_t{step_.frame}));
    }
    if (frame.bytes.size() != archive_->contents().frames()[frame.number].raw_bytes) {
      throw std::runtime_error(
          fmt::format("frame {} is not of its size: nothing is kept", frame.number));
    }
  }

  // Up to the next frame that has to come.
  void go_on() {
    for (;;) {
      if (stopped()) {
        give_up(*context_);
        return;
      }
      step_ = plan_->next();
      switch (step_.kind) {
        case RestorePlan::Kind::make:
          restore_->make(step_.entry);
          break;
        case RestorePlan::Kind::contents:
          if (step_.loads) return;
          append();
          break;
        case RestorePlan::Kind::end_file:
          restore_->end_file();
          break;
        case RestorePlan::Kind::end:
          return;
      }
    }
  }

  void append() {
    restore_->write(slots_[step_.slot].view().substr(step_.offset, step_.size_bytes));
  }

  std::string output_;
  SetIdBits set_id_;
  ReaderHandOver::Taker taker_;
  std::shared_ptr<BufferPool> buffers_;
  Context* context_ = nullptr;
  std::shared_ptr<const ArchiveReader> archive_{};  // before what refers to it
  std::optional<RestorePlan> plan_{};
  RestorePlan::Step step_{.kind = RestorePlan::Kind::make};  // the last one
  std::vector<ByteBuffer> slots_{RestorePlan::kSlots};
  std::unique_ptr<ArchiveRestore> restore_{};
  bool complete_ = false;
};

UnpackOptions options_from(const Args& args) {
  return {.archive = args.path("archive"),
          .output = args.path("output"),
          .set_id = args.flag("drop-set-id") ? SetIdBits::drop : SetIdBits::keep};
}

}  // namespace

void describe_unpack(Pipeline& pipeline, const UnpackOptions& options) {
  const auto buffers = std::make_shared<BufferPool>();  // keeps what is idle with the pipeline
  const auto hand_over = std::make_shared<ReaderHandOver>();
  pipeline.source("read", factory([path = options.archive, hand_over, buffers] {
                    return ReadFrames(path, hand_over, buffers);
                  }),
                  {.blocking = true}) |
      map("load", factory([path = options.archive, buffers] { return LoadFrames(path, buffers); }),
          {.workers = Machine::here().cores,
           .order = Order::keep,
           .capacity = kQueuedFrames,
           .process = {.attempts = kProcessAttempts}}) |
      sink("restore",
           factory([output = options.output, set_id = options.set_id, hand_over, buffers] {
             return RestoreEntries(output, set_id, hand_over, buffers);
           }),
           {.workers = 1, .capacity = kQueuedFrames, .blocking = true});
}

PipelineEntry unpack() {
  return {.name = "unpack",
          .summary = "makes the files, directories and links of an archive of pack",
          .args = {{.name = "archive",
                    .kind = ArgKind::path,
                    .help = "the archive",
                    .positional = true},
                   {.name = "output",
                    .kind = ArgKind::path,
                    .help = "a directory that is missing or empty"},
                   {.name = "drop-set-id",
                    .kind = ArgKind::flag,
                    .help = "leave out the set-user-ID and set-group-ID bits"}},
          .build = [](Pipeline& pipeline,
                      const Args& args) { describe_unpack(pipeline, options_from(args)); },
          .details =
              "Everything is made in a private directory within the output directory and moved\n"
              "up when it is whole: after a failure or an interrupt nothing is left. No entry\n"
              "can lead outside the output directory. Owners are not kept: files belong to who\n"
              "unpacks, so drop the set-ID bits of an archive that others have made.\n"
              "\n"
              "  sluice run unpack home.pack --output restored\n"};
}

}  // namespace sluice::samples
