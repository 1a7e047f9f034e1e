// sluice/runtime/run_state.cpp: wiring a run from its plan, and how it fails, stops and ends.
// SPDX-License-Identifier: MIT
#include <sluice/runtime/run_state.hpp>

#include <sluice/os/this_process.hpp>
#include <sluice/runtime/process_crew.hpp>

#include <algorithm>
#include <utility>

namespace sluice::detail {
namespace {

// For a shorter edge there is little to save by waiting until it is half empty.
constexpr std::size_t kRefilledByHalves = 64;

}  // namespace

RunState::RunState(std::shared_ptr<const Graph> graph, Plan plan, std::uint64_t seed,
                   RunHooks hooks, std::shared_ptr<ProcessCrew> crew)
    : graph_(std::move(graph)),
      plan_(std::move(plan)),
      hooks_(std::move(hooks)),
      edges_(graph_->stages.size()),
      ranges_(graph_->stages.size()),
      endpoints_(graph_->stages.size()),
      crew_(std::move(crew)),
      began_(Worker::read_clock()),
      cpu_began_(process_cpu_seconds()) {
  if (plan_.memory != 0) memory_.emplace(plan_.memory, *this);
  make_edges();
  for (std::size_t i = 0; i < graph_->stages.size(); ++i) make_stage(i, seed);
  for (const Connection& connection : graph_->connections) {
    states_[connection.to].feeders.push_back(&states_[connection.from]);
    states_[connection.from].open_outputs.fetch_add(1, std::memory_order_relaxed);
  }
  for (std::size_t i = 0; i < graph_->stages.size(); ++i) make_workers(i);
  make_loops();
}

RunState::~RunState() = default;

void RunState::make_edges() {
  const bool served =
      std::any_of(graph_->stages.begin(), graph_->stages.end(), [](const StageDef& def) {
        return def.role == StageRole::inlet || def.role == StageRole::outlet || def.feedback;
      });
  for (const PlannedEdge& edge : plan_.edges) {
    edges_[edge.to] = graph_->stages[edge.to].maker->make_edge(spec_of(edge, served));
  }
}

EdgeSpec RunState::spec_of(const PlannedEdge& edge, bool served) {
  const bool endless = edge.capacity == unbounded;
  EdgeSpec spec{.name = edge.name,
                .capacity = edge.capacity,
                .lanes = edge.lanes,
                .unbounded = endless,
                .refilled_by_halves = !served && !endless && edge.lanes == 1 &&
                                      edge.capacity_bytes == 0 &&
                                      edge.capacity >= kRefilledByHalves,
                .capacity_bytes = edge.capacity_bytes};
  if (memory_.has_value()) {
    std::size_t deepest = 0;
    for (const PlannedStage& stage : plan_.stages) deepest = std::max(deepest, stage.depth);
    spec.memory = &memory_->add_share(plan_.stages[edge.to].depth, deepest);
  }
  return spec;
}

// A worker's share of its input edge, and of the budget one of four parts among all workers: what one holds
// others can't.
std::size_t RunState::batch_bytes_of(std::size_t stage) const noexcept {
  std::size_t workers = 0;
  for (const PlannedStage& planned : plan_.stages) workers += planned.workers;
  std::size_t most = plan_.memory / (4 * std::max<std::size_t>(workers, 1));
  if (plan_.memory != 0) most = std::max<std::size_t>(most, 1);
  for (const PlannedEdge& edge : plan_.edges) {
    if (edge.to != stage || edge.capacity_bytes == 0) continue;
    const std::size_t share =
        std::max<std::size_t>(edge.capacity_bytes / plan_.stages[stage].workers, 1);
    most = most == 0 ? share : std::min(most, share);
  }
  return most;
}

void RunState::make_stage(std::size_t stage, std::uint64_t seed) {
  const StageDef& def = graph_->stages[stage];
  const PlannedStage& planned = plan_.stages[stage];
  StageState& state = states_.emplace_back();
  state.name = def.name;
  state.workers = planned.workers;
  state.on_error = def.options.on_error;
  state.soft_timeout = def.options.soft_timeout;
  state.window = planned.window;
  state.holds_back_off = planned.keyed || planned.order == Order::keep;
  state.streaming = def.options.streaming;
  state.deaths_allowed = def.options.process.attempts;
  state.batch_bytes = batch_bytes_of(stage);
  state.seed = derived_seed(seed, stage);
  state.control = this;
  state.input = edges_[stage].get();
  instances_.push_back(def.maker->open(planned.workers));
  if (def.role == StageRole::inlet || def.role == StageRole::outlet) {
    WorkerState& worker = endpoint_states_.emplace_back(state, 0);
    endpoints_[stage] = def.maker->make_endpoint(*edges_[stage], worker, *this);
    if (def.role == StageRole::outlet) participants_.fetch_add(1, std::memory_order_relaxed);
  }
}

// Feedbacks of one loop share it.
void RunState::make_loops() {
  for (std::size_t i = 0; i < graph_->stages.size(); ++i) {
    if (graph_->stages[i].feedback && states_[i].loop == nullptr) make_loop(i);
  }
}

void RunState::make_loop(std::size_t feedback) {
  FeedbackLoop& loop = loops_.emplace_back();
  const std::vector<std::size_t> inside = graph_->loop_of(feedback);
  const auto contains = [](const auto& list, const auto& what) {
    return std::find(list.begin(), list.end(), what) != list.end();
  };
  const auto is_inside = [&](std::size_t stage) { return contains(inside, stage); };
  for (const std::size_t stage : inside) {
    loop.add_stage(states_[stage], *edges_[stage]);
    if (graph_->stages[stage].feedback) loop.add_back(*edges_[stage]);
    states_[stage].loop = &loop;
  }
  for (const Connection& connection : graph_->connections) {
    const bool from_inside = is_inside(connection.from);
    if (from_inside && !is_inside(connection.to)) loop.add_exit();
    std::vector<FeedbackLoop*>& feeds = states_[connection.from].feeds;
    if (from_inside || !is_inside(connection.to) || contains(feeds, &loop)) continue;
    feeds.push_back(&loop);
    loop.add_outside(plan_.stages[connection.from].workers);
  }
}

std::vector<OutputBinding> RunState::outputs_of(std::size_t stage) const {
  std::vector<OutputBinding> outputs;
  for (const Connection& connection : graph_->connections) {
    if (connection.from != stage) continue;
    outputs.push_back({edges_[connection.to].get(), connection.selector, connection.overflow});
  }
  return outputs;
}

void RunState::make_workers(std::size_t stage) {
  ranges_[stage] = {workers_.size(), workers_.size()};
  if (instances_[stage] == nullptr) return;  // an outlet
  const PlannedStage& planned = plan_.stages[stage];
  const std::vector<OutputBinding> outputs = outputs_of(stage);
  const std::size_t lanes = edges_[stage] == nullptr ? 1 : edges_[stage]->lanes();
  for (std::size_t i = 0; i < planned.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(states_[stage], i, planned.batch));
    Worker& worker = *workers_.back();
    const StepSetup setup{.worker = &worker.state,
                          .input = edges_[stage].get(),
                          .lane = lanes > 1 ? i : 0,
                          .outputs = outputs,
                          .batch = planned.batch};
    if (crew_ != nullptr && planned.carrier == Carrier::process) {
      ProcessSlot& slot = crew_->slot(stage, i);
      slot.set_control(*this);
      worker.body = instances_[stage]->make_remote_step(setup, slot);
    } else {
      worker.body = instances_[stage]->make_step(setup);
    }
    for (const OutputBinding& output : outputs) output.edge->add_producer();
    participants_.fetch_add(1, std::memory_order_relaxed);
  }
  ranges_[stage].last = workers_.size();
}

// ---- failing, stopping, cancelling ---------------------------------------------------------------

void RunState::keep_locked(const StageError& error) noexcept {
  ++happened_.error_count;
  if (happened_.errors.size() >= Report::kMaxErrors) return;
  happened_.errors.push_back({.stage = error.stage(),
                              .worker = error.worker(),
                              .has_item = error.has_item(),
                              .item = error.has_item() ? error.item() : 0,
                              .attempt = error.attempt(),
                              .phase = error.phase(),
                              .cause = error.cause_text()});
}

void RunState::fail(const StageError& error) noexcept {
  {
    const std::lock_guard lock(mutex_);  // one: the first failure is also the first error
    keep_locked(error);
    if (first_failure_ == nullptr) first_failure_ = std::make_exception_ptr(error);
  }
  failed_.store(true, std::memory_order_relaxed);  // published by the flag that follows
  request_cancel();
}

void RunState::note_error(const StageError& error) noexcept {
  const std::lock_guard lock(mutex_);
  keep_locked(error);
}

void RunState::dead_letter(DeadLetter letter) noexcept {
  {
    const std::lock_guard lock(mutex_);
    ++happened_.dead_letters;
  }
  if (hooks_.on_dead_letter) {
    call_hook(hooks_.on_dead_letter, letter.stage, "on_dead_letter", letter);
  }
}

void RunState::log(std::string_view stage, std::string_view text) noexcept {
  if (hooks_.on_log) call_hook(hooks_.on_log, stage, "on_log", stage, text);
}

// A hook that throws fails the run: what it was told is lost otherwise.
template <class Hook, class... Args>
void RunState::call_hook(Hook& hook, std::string_view stage, const char* phase,
                         const Args&... args) noexcept {
  try {
    const std::lock_guard lock(hook_mutex_);
    hook(args...);
  } catch (...) {
    fail(StageError({.stage = std::string(stage), .phase = phase}, current_exception_text()));
  }
}

void RunState::end_inlets() noexcept {
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    if (graph_->stages[i].role == StageRole::inlet) endpoints_[i]->end();
  }
}

void RunState::end_outlets() noexcept {
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    if (graph_->stages[i].role == StageRole::outlet) endpoints_[i]->end();
  }
}

bool RunState::take_part() noexcept {
  std::size_t others = participants_.load(std::memory_order_relaxed);
  do {
    if (others == 0) return false;
  } while (!participants_.compare_exchange_weak(others, others + 1, std::memory_order_relaxed));
  return true;
}

void RunState::request_stop() noexcept {
  if (!take_part()) return;
  stop_requested_.store(true, std::memory_order_relaxed);  // only read for the report
  stop_sources();
  end_inlets();
  ring_timers();
  participant_ended();
}

void RunState::stop_sources() noexcept {
  stop_source_.request_stop();
  for (StageState& state : states_) state.stop_source.request_stop();
}

void RunState::ring_room() noexcept {
  if (room_point_.has_waiters()) room_point_.wake_all();
  if (memory_.has_value() && timer_point_.has_waiters()) timer_point_.wake_all();
  if (bell_ != nullptr) bell_->wake_one();
}

void RunState::ring_timers() noexcept {
  timer_point_.wake_all();
  if (bell_ != nullptr) bell_->wake_all();
  if (crew_ != nullptr) crew_->ring();
}

void RunState::request_cancel() noexcept {
  if (!take_part()) return;  // else the run might end before its contents are dropped
  // sync-point run-cancelled: releases the error that was kept before.
  cancelled_.store(true, std::memory_order_release);
  stop_sources();
  end_inlets();
  cancel_edges();
  end_outlets();
  ring_timers();
  participant_ended();
}

void RunState::cancel_edges() noexcept {
  for (const auto& edge : edges_) {
    if (edge != nullptr) edge->cancel();
  }
}

// ---- the end -------------------------------------------------------------------------------------

void RunState::participant_ended() noexcept {
  // sync-point participants (both sides): the last one sees what all others have counted.
  if (participants_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  release_user_objects();
  ended_at_.store(Worker::read_clock(), std::memory_order_relaxed);
  cpu_ended_.store(process_cpu_seconds(), std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  // sync-point run-ended: releases all counters to whoever sees the end.
  ended_.store(true, std::memory_order_release);
  ended_condition_.notify_all();
}

void RunState::release_user_objects() noexcept {
  instances_.clear();
  hooks_.on_dead_letter = {};
  hooks_.on_log = {};
}

bool RunState::wait_ended(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  const auto over = [this] { return ended(); };
  if (deadline.is_never()) {
    ended_condition_.wait(lock, over);
    return true;
  }
  if (deadline.is_one_try()) return ended();
  return ended_condition_.wait_until(lock, deadline.time(), over);
}

RunStatus RunState::status() const {
  if (!ended()) return RunStatus::running;
  if (failed_.load(std::memory_order_relaxed)) return RunStatus::failed;
  if (cancelled()) return RunStatus::cancelled;
  return stop_requested_.load(std::memory_order_relaxed) ? RunStatus::stopped : RunStatus::done;
}

void RunState::throw_failure() const {
  std::exception_ptr failure;
  {
    const std::lock_guard lock(mutex_);
    failure = first_failure_;
  }
  if (failure != nullptr) std::rethrow_exception(failure);
}

RunState::Happened RunState::happened() const {
  const std::lock_guard lock(mutex_);
  return happened_;
}

Worker::Nanoseconds RunState::ended_at() const noexcept {
  return ended() ? ended_at_.load(std::memory_order_relaxed) : Worker::read_clock();
}

double RunState::cpu_seconds() const noexcept {
  const double end = ended() ? cpu_ended_.load(std::memory_order_relaxed) : process_cpu_seconds();
  return end - cpu_began_ + (crew_ != nullptr ? crew_->cpu_seconds() : 0.0);
}

}  // namespace sluice::detail
