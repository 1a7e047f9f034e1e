// sluice/runtime/process_worker.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/process_worker.hpp>

#include <sluice/codec.hpp>
#include <sluice/error.hpp>
#include <sluice/flow/item_server.hpp>
#include <sluice/flow/remote_error.hpp>
#include <sluice/flow/timed_item.hpp>
#include <sluice/os/cpu.hpp>
#include <sluice/os/this_process.hpp>
#include <sluice/process/channel.hpp>
#include <sluice/process/kill_point.hpp>
#include <sluice/process/pipeline_server.hpp>
#include <sluice/process/stop_line.hpp>
#include <sluice/runtime/stop_listener.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::detail {
namespace {

// One item in so many is timed, and every one that is not cheap.
constexpr unsigned kTimedItems = 16;
constexpr std::uint64_t kCheapNs = 5'000;
constexpr std::chrono::nanoseconds kNapSlice{50'000'000};
// How often an item is looked at that may be late.
constexpr std::chrono::nanoseconds kFastestLook{1'000'000};
constexpr std::chrono::nanoseconds kSlowestLook{1'000'000'000};

// Nobody wants answers any more; thrown past the item in progress.
struct AnswersDropped {};

// What user code says through its context is told with the answer to its item, or with the next one. What it
// asks, somebody listens for once it has asked.
class ProcessControl final : public RunControl {
 public:
  /// Before anything of the user's runs.
  void listen(StopLineEnd line, StageState& stage, WorkerState& worker) {
    StopListener::Hooks hooks{.heard = [this, &stage](StopWord word) { hear(word, stage); }};
    if (TimedItem* const timed = worker.timed()) {
      hooks.look = [timed] { static_cast<void>(timed->look(TimedItem::Clock::now())); };
      hooks.period =
          std::clamp<std::chrono::nanoseconds>(stage.soft_timeout / 8, kFastestLook, kSlowestLook);
    }
    listener_.emplace(std::move(line), std::move(hooks));
  }
  /// Nothing is heard any more; before what it reaches is destroyed.
  void stop_listening() noexcept { listener_.reset(); }
  void say_started() const noexcept { listener_->say_started(); }
  void heed_stop() noexcept override {
    if (listener_.has_value()) listener_->begin();
  }

  void fail(const StageError&) noexcept override {}        // failures are answers here
  void note_error(const StageError&) noexcept override {}  // likewise
  void dead_letter(DeadLetter letter) noexcept override {
    say({.kind = SaidNote::Kind::dead,
         .subject = std::move(letter.subject),
         .text = std::move(letter.error)});
  }
  void request_stop() noexcept override { say({.kind = SaidNote::Kind::stop}); }
  void request_cancel() noexcept override { say({.kind = SaidNote::Kind::cancel}); }
  void log(std::string_view, std::string_view text) noexcept override {
    say({.kind = SaidNote::Kind::log, .text = std::string(text)});
  }
  [[nodiscard]] WaitPoint& room_point() noexcept override { return room_; }
  void ring_room() noexcept override {}
  void ring_timers() noexcept override {}

  // Appends what was said to the transaction in progress.
  void tell(WorkerChannel& channel) {
    for (const SaidNote& note : said_) {
      encoded_.clear();
      encode(note, encoded_);
      channel.append(RecordType::note, 0, encoded_.view());
    }
  }
  // It was told, or there is no room for it.
  void forget() noexcept { said_.clear(); }

 private:
  // As in a run: the flag first, so that whoever is asked to stop sees it.
  void hear(StopWord word, StageState& stage) {
    // sync-point run-cancelled: there is no error to be seen here.
    if (word == StopWord::drop) cancelled_.store(true, std::memory_order_release);
    stop_source_.request_stop();
    stage.stop_source.request_stop();
  }

  void say(SaidNote note) noexcept {
    try {
      said_.push_back(std::move(note));
    } catch (...) {  // without memory there is nobody to tell either
    }
  }

  std::vector<SaidNote> said_;
  Bytes encoded_;
  WaitPoint room_;
  std::optional<StopListener> listener_{};
};

class Outputs final : public ItemServer::Outputs {
 public:
  explicit Outputs(WorkerChannel& channel) noexcept : channel_(&channel) {}
  void put(std::span<const std::byte> bytes) override {
    channel_->append(RecordType::output, 0, bytes);
    kill_point(KillPoint::between_outputs);
  }
  BlockSink* blocks() override { return channel_->blocks_to_append(); }

 private:
  WorkerChannel* channel_;
};

class WorkerLoop {
 public:
  WorkerLoop(const ServedStage& served, const WorkerSpec& spec)
      : worker_(prepared(served, spec), spec.worker), policy_(served.on_error) {
    name_this_thread(stage_.name);
    instance_ = served.maker->open(served.workers);
    server_ = instance_->make_server(worker_);
  }
  ~WorkerLoop() { control_.stop_listening(); }
  WorkerLoop(const WorkerLoop&) = delete;
  WorkerLoop& operator=(const WorkerLoop&) = delete;

  int serve(std::span<const int> descriptors) {
    if (descriptors.empty()) throw UsageError("a worker needs descriptors: none came");
    control_.listen(StopLineEnd(Descriptor(descriptors.back())), stage_, worker_);
    FailedNote failed;
    const bool started = start(failed);
    channel_ = open_worker_channel(descriptors.first(descriptors.size() - 1));  // says hello
    if (!started) {
      control_.forget();
      commit(RecordType::failed, 0, failed);
      return kExitStartFailed;
    }
    encoded_.clear();
    encode(SaidNote{.kind = SaidNote::Kind::started}, encoded_);
    channel_->commit(RecordType::note, 0, encoded_.view());
    control_.say_started();
    Lease lease;
    while (!control_.cancelled() && channel_->take(lease)) {
      kill_point(KillPoint::taken);
      answer(lease);
      worker_.end_item();
    }
    return 0;
  }

 private:
  // Complete before the worker is made of it.
  StageState& prepared(const ServedStage& served, const WorkerSpec& spec) {
    stage_.name = served.name;
    stage_.workers = served.workers;
    stage_.on_error = served.on_error;
    stage_.holds_back_off = served.holds_back_off;
    // A quarter later than in the parent, whose watch counts and tells: it is to see the item at work.
    stage_.soft_timeout = served.soft_timeout + served.soft_timeout / 4;
    stage_.seed = spec.seed;
    stage_.incarnation = spec.incarnation;
    stage_.control = &control_;
    return stage_;
  }

  bool start(FailedNote& failed) {
    try {
      server_->start();
      return true;
    } catch (...) {
      failed = describe_current_exception();
      return false;
    }
  }

  // Attempts that need no other place to wait in are made here: at once, or after a back-off that holds the
  // worker anyway.
  void answer(const Lease& lease) {
    const unsigned deaths = lease.attempt >> 16U;
    std::uint64_t retried = 0;
    for (unsigned attempt = lease.attempt & 0xFFFFU;; ++attempt) {
      channel_->begin(lease.ticket);
      kill_point(KillPoint::begun);
      worker_.begin_item(lease.item, attempt + deaths);
      FailedNote failed;
      if (try_item(lease, retried, failed)) return;
      const bool again =
          attempt <= policy_.retries && (policy_.back_off.count() == 0 || stage_.holds_back_off);
      if (!again) {
        failed.attempt = attempt;
        failed.retried = retried;
        commit_failure(lease.ticket, failed);
        return;
      }
      ++retried;
      wait_before(attempt + 1, lease.ticket);
    }
  }

  // A back-off is no time at work: it begins anew all along.
  void wait_before(unsigned attempt, std::uint64_t ticket) {
    if (policy_.back_off.count() == 0) return;
    worker_.end_item();
    const std::int64_t until = steady_now_ns() + back_off_before(policy_, attempt).count();
    for (std::int64_t now = steady_now_ns(); now < until; now = steady_now_ns()) {
      nap(std::min(std::chrono::nanoseconds(until - now), kNapSlice));
      if (control_.cancelled()) throw AnswersDropped();
      channel_->begin(ticket);
    }
  }

  // Without what was said, when there is no room for both.
  void commit_failure(std::uint64_t ticket, const FailedNote& failed) {
    try {
      commit(RecordType::failed, ticket, failed);
    } catch (const TransactionTooLarge&) {
      channel_->discard();
      control_.forget();
      commit(RecordType::failed, ticket, failed);
    }
  }

  bool try_item(const Lease& lease, std::uint64_t retried, FailedNote& failed) {
    try {
      DoneNote done{.retried = retried};
      if (untimed_ > 0) {
        --untimed_;
        server_->process(lease.bytes, channel_->blocks_taken());
      } else {
        done.service_ns = time_item(lease.bytes);
      }
      if (control_.cancelled()) throw AnswersDropped();
      kill_point(KillPoint::called);
      Outputs outputs(*channel_);
      server_->deliver(outputs);
      kill_point(KillPoint::outputs_written);
      done.filtered = news_of(filtered_told_, worker_.counts[Count::filtered]);
      done.bytes = news_of(bytes_told_, worker_.bytes.get());
      done.enough = news_of(stage_.enough);
      commit_done(lease.ticket, done);
      return true;
    } catch (const ParentGone&) {
      throw;
    } catch (...) {
      if (control_.cancelled()) throw AnswersDropped();
      failed = describe_current_exception();
      channel_->discard();
      static_cast<void>(news_of(filtered_told_, worker_.counts[Count::filtered]));
      return false;
    }
  }

  // Nanoseconds, at least 1.
  std::uint64_t time_item(std::span<const std::byte> item) {
    const std::int64_t begun = steady_now_ns();
    server_->process(item, channel_->blocks_taken());
    const auto took =
        static_cast<std::uint64_t>(std::max<std::int64_t>(1, steady_now_ns() - begun));
    untimed_ = took < kCheapNs ? kTimedItems - 1 : 0;
    return took;
  }

  // Mostly there is nothing to tell but that.
  void commit_done(std::uint64_t ticket, const DoneNote& done) {
    if (done != DoneNote{}) {
      commit(RecordType::done, ticket, done);
    } else {
      control_.tell(*channel_);
      commit_bytes(RecordType::done, ticket, {});
    }
  }

  static std::uint64_t news_of(std::uint64_t& told, std::uint64_t total) noexcept {
    return total - std::exchange(told, total);
  }
  // A look first: an exchange per item would be a tenth of what a tiny one takes.
  static bool news_of(std::atomic<bool>& said) noexcept {
    return said.load(std::memory_order_relaxed) && said.exchange(false, std::memory_order_relaxed);
  }

  template <class Note>
  void commit(RecordType type, std::uint64_t ticket, const Note& note) {
    control_.tell(*channel_);
    encoded_.clear();
    encode(note, encoded_);
    commit_bytes(type, ticket, encoded_.view());
  }
  void commit_bytes(RecordType type, std::uint64_t ticket, std::span<const std::byte> bytes) {
    channel_->commit(type, ticket, bytes);
    control_.forget();
    kill_point(KillPoint::committed);
  }

  ProcessControl control_;
  StageState stage_;
  WorkerState worker_;
  ErrorPolicy policy_;
  std::unique_ptr<StageInstance> instance_;
  std::unique_ptr<ItemServer> server_;
  std::unique_ptr<WorkerChannel> channel_;
  Bytes encoded_;
  unsigned untimed_ = 0;  // items until the next that is timed
  std::uint64_t bytes_told_ = 0;
  std::uint64_t filtered_told_ = 0;
};

int serve_worker(const std::vector<ServedStage>& stages, const WorkerSpec& spec,
                 std::span<const int> descriptors) {
  arm_kill_plan(spec.incarnation);
  // Every other process, so that the ones between make progress.
  if (spec.incarnation % 2 == 1) kill_point(KillPoint::starting);
  try {
    WorkerLoop loop(stages.at(spec.stage), spec);
    return loop.serve(descriptors);
  } catch (const ParentGone&) {
    return 0;
  } catch (const AnswersDropped&) {
    return 0;
  }
}

// A program that is started again by spawn serves the pipeline that it has built.
ServeWorker serve_pipeline(const Pipeline& pipeline) {
  return serve_stages(served_stages(pipeline.graph(), plan(pipeline)));
}
[[maybe_unused]] const bool kPipelineServer = [] {
  set_pipeline_server(serve_pipeline);
  return true;
}();

}  // namespace

std::vector<ServedStage> served_stages(const Graph& graph, const Plan& plan) {
  std::vector<ServedStage> stages;
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    const PlannedStage& planned = plan.stages[i];
    stages.push_back({.name = planned.name,
                      .workers = planned.workers,
                      .on_error = graph.stages[i].options.on_error,
                      .holds_back_off = planned.keyed || planned.order == Order::keep,
                      .soft_timeout = graph.stages[i].options.soft_timeout,
                      .maker = graph.stages[i].maker});
  }
  return stages;
}

ServeWorker serve_stages(std::vector<ServedStage> stages) {
  return [stages = std::move(stages)](const WorkerSpec& spec, std::span<const int> descriptors) {
    return serve_worker(stages, spec, descriptors);
  };
}

}  // namespace sluice::detail
