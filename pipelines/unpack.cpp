// pipelines/unpack.cpp: makes the entries of an archive.
//
//   plan ==frames to read==> load x cores ==raw frames==> restore
//
// `plan` and `restore` follow the same RestorePlan: one hands out frames in the order in which they
// are needed, the other goes on making entries until it needs a frame that has not come yet. So a
// frame is decompressed once, by any core, and again only when it was dropped from all the slots
// meanwhile. Making entries stays with one worker: all of them are made, or none.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#include <unpack.hpp>

#include <archive_reader.hpp>
#include <buffer_pool.hpp>
#include <restore_plan.hpp>

#include <sluice/error.hpp>
#include <sluice/scheduler.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::samples {
namespace {

constexpr std::size_t kQueuedFrames = 16;

// A stop leaves nothing to keep, so it cancels the run. Who is late sees that somebody else did it.
void give_up(Context& context) {
  if (context.cancelled()) return;
  context.cancel();
  context.log("stopped before everything was unpacked: nothing is kept");
}

/// A frame that is needed next. The first item and the last one have none.
struct NeededFrame {
  enum class Kind : unsigned char { begin, frame, end };

  Kind kind = Kind::begin;
  std::uint32_t number = 0;
  std::shared_ptr<const ArchiveReader> archive{};
  ByteBuffer bytes{};  // raw, once it is loaded
};

/// Opens the archive and follows the plan.
class PlanFrames {
 public:
  using Out = NeededFrame;

  explicit PlanFrames(std::string path) : path_(std::move(path)) {}

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
        out.emit({.kind = NeededFrame::Kind::frame, .number = step.frame, .archive = archive_});
        return true;
      }
      if (step.kind == RestorePlan::Kind::end) {
        ended_ = true;
        out.emit({.kind = NeededFrame::Kind::end, .archive = archive_});
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
    out.emit({.kind = NeededFrame::Kind::begin, .archive = archive_});
  }

  std::string path_;
  Context* context_ = nullptr;
  std::shared_ptr<const ArchiveReader> archive_{};
  std::optional<RestorePlan> plan_{};
  bool ended_ = false;
};

/// Reads, checks and decompresses.
class LoadFrames {
 public:
  explicit LoadFrames(std::shared_ptr<BufferPool> buffers) : buffers_(std::move(buffers)) {}

  NeededFrame operator()(NeededFrame needed) {
    if (needed.kind == NeededFrame::Kind::frame) {
      needed.bytes = buffers_->take(kMostFrameBytes);
      loader_.load(*needed.archive, needed.number, needed.bytes);
    }
    return needed;
  }

 private:
  std::shared_ptr<BufferPool> buffers_;
  FrameLoader loader_{};
};

/// Makes the entries, and moves them to their places when all are there.
class RestoreEntries {
 public:
  RestoreEntries(std::string output, SetIdBits set_id, std::shared_ptr<BufferPool> buffers)
      : output_(std::move(output)), set_id_(set_id), buffers_(std::move(buffers)) {}

  void start(Context& context) { context_ = &context; }

  void process(NeededFrame needed) {
    if (needed.kind == NeededFrame::Kind::begin) {
      archive_ = std::move(needed.archive);
      plan_.emplace(archive_->contents());
      restore_ = std::make_unique<ArchiveRestore>(archive_->contents(), output_, set_id_);
    }
    if (needed.kind == NeededFrame::Kind::frame) {
      if (!step_.loads || step_.frame != needed.number) {
        throw UsageError("unpack: a frame came that the plan does not want now");
      }
      buffers_->give(std::exchange(slots_[step_.slot], std::move(needed.bytes)));
      append();
    }
    go_on();
  }

  void finish() {
    const bool complete = restore_ != nullptr && step_.kind == RestorePlan::Kind::end;
    if (stopped()) give_up(*context_);
    if (complete && !stopped()) restore_->commit();
    restore_.reset();
  }

 private:
  [[nodiscard]] bool stopped() const { return context_->stop_token().stop_requested(); }

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
  std::shared_ptr<BufferPool> buffers_;
  Context* context_ = nullptr;
  std::shared_ptr<const ArchiveReader> archive_{};  // before what refers to it
  std::optional<RestorePlan> plan_{};
  RestorePlan::Step step_{.kind = RestorePlan::Kind::make};  // the last one
  std::vector<ByteBuffer> slots_{RestorePlan::kSlots};
  std::unique_ptr<ArchiveRestore> restore_{};
};

UnpackOptions options_from(const Args& args) {
  return {.archive = args.path("archive"),
          .output = args.path("output"),
          .set_id = args.flag("drop-set-id") ? SetIdBits::drop : SetIdBits::keep};
}

}  // namespace

void describe_unpack(Pipeline& pipeline, const UnpackOptions& options) {
  const auto buffers = std::make_shared<BufferPool>();  // keeps what is idle with the pipeline
  pipeline.source("plan", factory([path = options.archive] { return PlanFrames(path); }),
                  {.blocking = true}) |
      map("load", factory([buffers] { return LoadFrames(buffers); }),
          {.workers = Machine::here().cores,
           .order = Order::keep,
           .capacity = kQueuedFrames,
           .blocking = true}) |
      sink("restore", factory([output = options.output, set_id = options.set_id, buffers] {
             return RestoreEntries(output, set_id, buffers);
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
