// sluice/flow/worker_state.cpp: contexts, and the one place that judges failures.
// SPDX-License-Identifier: MIT
#include <sluice/flow/worker_state.hpp>

#include <sluice/flow/edge.hpp>
#include <sluice/flow/feedback_loop.hpp>
#include <sluice/flow/timed_item.hpp>

#include <utility>

namespace sluice {

std::string_view Context::stage() const noexcept { return worker_->stage().name; }
std::size_t Context::worker() const noexcept { return worker_->worker(); }
std::size_t Context::workers() const noexcept { return worker_->stage().workers; }
unsigned Context::incarnation() const noexcept { return worker_->stage().incarnation; }
std::uint64_t Context::seed() const noexcept {
  return detail::derived_seed(worker_->stage().seed, worker_->worker());
}
unsigned Context::attempt() const noexcept { return worker_->attempt(); }
std::uint64_t Context::item() const noexcept { return worker_->item(); }
std::stop_token Context::stop_token() const {
  worker_->control().heed_stop();
  const detail::TimedItem* const timed = worker_->timed();
  return timed != nullptr ? timed->token() : worker_->stage().stop_source.get_token();
}
std::chrono::steady_clock::time_point Context::now() const noexcept {
  return worker_->control().now();
}
bool Context::cancelled() const noexcept {
  worker_->control().heed_stop();
  return worker_->control().cancelled();
}

void Context::dead(std::string subject, std::string reason) {
  worker_->counts.add(detail::Count::created);
  worker_->control().dead_letter({.stage = worker_->stage().name,
                                  .worker = worker_->worker(),
                                  .error = std::move(reason),
                                  .label = worker_->stage().on_error.label,
                                  .subject = std::move(subject)});
}

void Context::enough() noexcept { worker_->say_enough(); }
void Context::stop() noexcept { worker_->control().request_stop(); }
void Context::cancel() noexcept { worker_->control().request_cancel(); }
void Context::log(std::string_view text) noexcept {
  worker_->control().log(worker_->stage().name, text);
}
void Context::add_bytes(std::uint64_t n) noexcept { worker_->bytes.add(n); }
void Context::expect_bytes(std::uint64_t n) noexcept { worker_->expected_bytes.add(n); }

namespace detail {

WorkerState::WorkerState(StageState& stage, std::size_t worker, EmitWait* emit_wait)
    : stage_(&stage), worker_(worker), emit_wait_(emit_wait) {
  if (stage.soft_timeout.count() == 0) return;
  timed_ = std::make_unique<TimedItem>(stage.soft_timeout, stage.stop_source.get_token());
}
WorkerState::~WorkerState() = default;

void WorkerState::begin_timed(std::uint64_t item, unsigned attempt) noexcept {
  timed_->begin(item, attempt);
}
void WorkerState::end_timed() noexcept { timed_->end(); }

std::uint64_t derived_seed(std::uint64_t seed, std::uint64_t index) noexcept {
  std::uint64_t bits = seed + (index + 1) * 0x9E3779B97F4A7C15U;
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9U;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBU;
  return bits ^ (bits >> 31);
}

bool is_stopped_source(const Context& context) noexcept {
  const WorkerState& worker = ContextAccess::worker(context);
  return worker.stage().input == nullptr && worker.control().stopping();
}

// sync-point loop-quiet: after the settling.
void look_at_loop(const StageState& stage) noexcept {
  if (stage.loop != nullptr) stage.loop->end_if_quiet();
}

void leave_loops(const StageState& stage) noexcept {
  for (FeedbackLoop* loop : stage.feeds) loop->outside_ended();
  look_at_loop(stage);
}

void end_stage_early(StageState& stage) noexcept {
  stage.enough.store(true, std::memory_order_relaxed);
  if (stage.ended_early.exchange(true, std::memory_order_relaxed)) return;
  if (stage.input != nullptr) stage.input->cancel();
  look_at_loop(stage);
  stage.stop_source.request_stop();
  stage.control->ring_timers();  // a retry that is waited for is moot now
  for (StageState* feeder : stage.feeders) {
    const bool last = feeder->open_outputs.fetch_sub(1, std::memory_order_relaxed) == 1;
    if (last) end_stage_early(*feeder);
    if (feeder->loop != nullptr && feeder->loop != stage.loop) feeder->loop->exit_ended();
  }
}

void ContextAccess::count_filtered(Context& context) noexcept {
  context.worker_->counts.add(Count::filtered);
}

void tell(DeadLetter& letter, const Payload& payload) noexcept {
  try {
    letter.subject = payload.subject();
    letter.has_payload = payload.bytes(letter.payload);
  } catch (...) {  // see the header
  }
}

namespace {

StageError stage_error(const WorkerState& worker, std::uint64_t item, unsigned attempt,
                       const char* phase, const std::string& cause) {
  return StageError({.stage = worker.stage().name,
                     .worker = worker.worker(),
                     .item = item,
                     .attempt = attempt,
                     .phase = phase},
                    cause);
}

void bury(WorkerState& worker, const FailedAttempt& failed, const std::string& cause) {
  DeadLetter letter{.stage = worker.stage().name,
                    .worker = worker.worker(),
                    .item = failed.item,
                    .attempt = failed.attempt,
                    .error = cause,
                    .label = worker.stage().on_error.label};
  if (failed.payload != nullptr) tell(letter, *failed.payload);
  worker.control().dead_letter(std::move(letter));
}

}  // namespace

Verdict judge_failure(WorkerState& worker, const FailedAttempt& failed) noexcept {
  const ErrorPolicy& policy = worker.stage().on_error;
  if (failed.attempt <= policy.retries && !worker.control().cancelled()) {
    worker.counts.add(Count::retried);
    return Verdict::retry;
  }
  const std::string cause = current_exception_text();
  const StageError error = stage_error(worker, failed.item, failed.attempt, "process", cause);
  if (worker.control().cancelled()) {  // the run ends for another reason than this
    worker.counts.add(Count::cancelled);
    worker.control().note_error(error);
    return Verdict::drop;
  }
  switch (policy.last) {
    case ErrorPolicy::Last::skip:
      worker.counts.add(Count::skipped);
      worker.control().note_error(error);
      return Verdict::drop;
    case ErrorPolicy::Last::dead_letter:
      worker.counts.add(Count::dead);
      bury(worker, failed, cause);
      return Verdict::drop;
    case ErrorPolicy::Last::fail_run:
      break;
  }
  worker.counts.add(Count::failed);
  worker.control().fail(error);
  return Verdict::fail;
}

void fail_phase(WorkerState& worker, const char* phase) noexcept {
  worker.control().fail(
      stage_error(worker, StageError::kNoItem, 1, phase, current_exception_text()));
}

bool judge_source_failure(WorkerState& worker, unsigned attempt) noexcept {
  const ErrorPolicy& policy = worker.stage().on_error;
  const bool tries_left = attempt <= policy.retries;
  if (tries_left && !worker.control().cancelled()) {
    worker.counts.add(Count::retried);
    return true;
  }
  const std::string cause = current_exception_text();
  const StageError error = stage_error(worker, StageError::kNoItem, attempt, "next", cause);
  if (worker.control().cancelled()) {  // the run ends for another reason than this
    worker.control().note_error(error);
    return false;
  }
  switch (policy.last) {
    case ErrorPolicy::Last::skip:
      worker.counts.add(Count::skipped);
      worker.control().note_error(error);
      return true;
    case ErrorPolicy::Last::dead_letter:
      worker.counts.add(Count::created);
      bury(worker, {.attempt = attempt}, cause);
      return true;
    case ErrorPolicy::Last::fail_run:
      break;
  }
  worker.counts.add(Count::failed);
  worker.control().fail(error);
  return false;
}

}  // namespace detail
}  // namespace sluice
