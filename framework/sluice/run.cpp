// sluice/run.cpp: from a pipeline to a live run, and its handle.
// SPDX-License-Identifier: MIT
#include <sluice/run.hpp>

#include <sluice/process/entry_guard.hpp>
#include <sluice/runtime/explain.hpp>
#include <sluice/runtime/ledger.hpp>
#include <sluice/runtime/overdue_watch.hpp>
#include <sluice/runtime/pool_carrier.hpp>
#include <sluice/runtime/process_crew.hpp>
#include <sluice/runtime/run_report.hpp>
#include <sluice/runtime/run_state.hpp>
#include <sluice/runtime/thread_carrier.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using detail::PoolGroup;
using detail::RunState;
using detail::Worker;

std::uint64_t fresh_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

void ring_pool_from(detail::EdgeBase& edge, bool items, bool room) {
  detail::WaitPoint* const bell = &detail::pool_bell();
  for (std::size_t i = 0; i < edge.lanes(); ++i) {
    edge.lane(i).set_bells(items ? bell : nullptr, room ? bell : nullptr);
  }
}

// A worker whose function runs in a process has one as well: it lends, waits for answers and delivers them.
bool has_own_thread(Carrier carrier) {
  return carrier == Carrier::thread || carrier == Carrier::process;
}

// A worker with a thread of its own that may find several of its edges full.
bool waits_for_any_room(const Plan& plan, std::size_t stage) {
  std::ptrdiff_t branches = 0;
  for (const PlannedEdge& edge : plan.edges) {
    branches += std::count(edge.from.begin(), edge.from.end(), stage);
  }
  return has_own_thread(plan.stages[stage].carrier) &&
         (branches > 1 || plan.stages[stage].window > 0);
}

void ring_gong_from(detail::EdgeBase& edge, detail::WaitPoint& gong) {
  for (std::size_t i = 0; i < edge.lanes(); ++i) edge.lane(i).set_room_gong(&gong);
}

void wire_bells(RunState& run) {
  const Plan& plan = run.plan();
  const auto pooled = [&](std::size_t stage) {
    return plan.stages[stage].carrier == Carrier::pool;
  };
  for (const PlannedEdge& edge : plan.edges) {
    const bool room = std::any_of(edge.from.begin(), edge.from.end(), pooled);
    if (pooled(edge.to) || room) ring_pool_from(*run.edge_into(edge.to), pooled(edge.to), room);
    const auto waits_for_any = [&](std::size_t stage) { return waits_for_any_room(plan, stage); };
    if (std::any_of(edge.from.begin(), edge.from.end(), waits_for_any)) {
      ring_gong_from(*run.edge_into(edge.to), run.room_point());
    }
  }
}

std::shared_ptr<PoolGroup> pool_group(const std::shared_ptr<RunState>& run) {
  auto group = std::make_shared<PoolGroup>();
  group->run = run;
  std::vector<std::size_t> stages;
  for (std::size_t i = 0; i < run->plan().stages.size(); ++i) {
    if (run->plan().stages[i].carrier == Carrier::pool) stages.push_back(i);
  }
  std::stable_sort(stages.begin(), stages.end(), [&](std::size_t a, std::size_t b) {
    return run->plan().stages[a].depth > run->plan().stages[b].depth;
  });
  for (const std::size_t stage : stages) {
    const RunState::Range range = run->workers_of(stage);
    for (std::size_t i = range.first; i < range.last; ++i) {
      group->workers.push_back(run->workers()[i].get());
    }
  }
  group->live.store(group->workers.size(), std::memory_order_relaxed);
  return group;
}

std::vector<Worker*> threaded(const RunState& run) {
  std::vector<Worker*> workers;
  for (std::size_t stage = 0; stage < run.plan().stages.size(); ++stage) {
    if (!has_own_thread(run.plan().stages[stage].carrier)) continue;
    const RunState::Range range = run.workers_of(stage);
    for (std::size_t i = range.first; i < range.last; ++i) {
      workers.push_back(run.workers()[i].get());
    }
  }
  return workers;
}

// With more threads than cores, a thread that spins takes the core from one that has work to do.
void sleep_at_once(const RunState& run) {
  for (const PlannedEdge& planned : run.plan().edges) {
    detail::EdgeBase& edge = *run.edge_into(planned.to);
    for (std::size_t i = 0; i < edge.lanes(); ++i)
      edge.lane(i).set_spin(std::chrono::nanoseconds{0});
  }
}

// When the system refuses a thread, the run is cancelled, and the workers without a thread are
// stepped here: they end at once.
void start_threads(RunState& run) {
  const std::vector<Worker*> workers = threaded(run);
  if (workers.size() > run.plan().machine.cores) sleep_at_once(run);
  run.threads.reserve(workers.size());
  std::size_t started = 0;
  try {
    for (; started < workers.size(); ++started) {
      Worker* const worker = workers[started];
      run.threads.emplace_back([&run, worker] { detail::drive_on_own_thread(run, *worker); });
    }
  } catch (...) {
    run.request_cancel();
    for (; started < workers.size(); ++started) {
      detail::drive_here(run, *workers[started]);
    }
    throw;
  }
}

// The same when the pool can't be had: nobody else would step any worker to its end.
void start_pool(const std::shared_ptr<RunState>& run) {
  try {
    auto group = pool_group(run);
    if (group->workers.empty()) return;
    detail::run_on_pool(std::move(group));
  } catch (...) {
    run->request_cancel();
    for (const auto& worker : run->workers()) detail::drive_here(*run, *worker);
    throw;
  }
}

// Faults can be done only to processes.
void check_chaos(const Plan& plan, const ChaosPlan::Fault& fault) {
  std::vector<std::string> names;
  for (const PlannedStage& stage : plan.stages) {
    names.push_back(stage.name);
    if (stage.name != fault.stage) continue;
    if (stage.carrier == Carrier::process) return;
    throw UsageError(
        fmt::format("chaos: stage {} has no processes; give it carrier process", stage.name));
  }
  throw UsageError(fmt::format("chaos: there is no stage {}; there are {}", fault.stage,
                               fmt::join(names, ", ")));
}

// Null when no stage runs in processes.
std::shared_ptr<detail::ProcessCrew> crew_for(const detail::Graph& graph, const Plan& plan,
                                              ChaosPlan chaos) {
  for (const ChaosPlan::Fault& fault : chaos.faults) check_chaos(plan, fault);
  auto crew = std::make_shared<detail::ProcessCrew>(graph, plan, std::move(chaos));
  if (crew->empty()) crew.reset();
  return crew;
}

// The crew takes part, so that the run does not end before its processes.
void start_crew(RunState& run) {
  if (run.crew() == nullptr) return;
  static_cast<void>(run.take_part());
  try {
    run.crew()->start();
  } catch (...) {
    run.request_cancel();
    for (const auto& worker : run.workers()) detail::drive_here(run, *worker);
    run.participant_ended();
    throw;
  }
}

void start_watch(RunState& run) {
  try {
    detail::start_overdue_watch(run);
  } catch (...) {
    run.request_cancel();
    throw;
  }
}

bool uses_pool(const Plan& plan) {
  return std::any_of(plan.stages.begin(), plan.stages.end(),
                     [](const PlannedStage& stage) { return stage.carrier == Carrier::pool; });
}

// A stage on the pool that runs a pipeline and waits for it takes a thread away from the pool; were the
// inner run's work on the pool too, nobody might be left to do it.
void avoid_pool(Plan& plan) {
  for (PlannedStage& stage : plan.stages) {
    if (stage.carrier != Carrier::pool) continue;
    if (stage.kind == "feedback" || stage.kind == "spill") {
      throw UsageError(
          fmt::format("run: pipeline {} has a {}, which needs the pool, and is started from "
                      "a stage on the "
                      "pool; mark that stage .blocking",
                      plan.pipeline, stage.kind));
    }
    stage.carrier = Carrier::thread;
    stage.why += "; thread after all: started from a stage on the pool";
  }
}

void join_threads(RunState& run) {
  for (std::thread& thread : run.threads) {
    if (thread.joinable()) thread.join();
  }
  if (run.crew() != nullptr) run.crew()->join();
}

}  // namespace

RunHandle::RunHandle(std::shared_ptr<RunState> state) noexcept : state_(std::move(state)) {}
RunHandle::RunHandle(RunHandle&&) noexcept = default;

RunHandle& RunHandle::operator=(RunHandle&& other) noexcept {
  if (this != &other) {
    end();
    state_ = std::move(other.state_);
  }
  return *this;
}

RunHandle::~RunHandle() { end(); }

void RunHandle::end() noexcept {
  if (state_ == nullptr) return;
  if (!state_->ended()) state_->request_cancel();
  state_->wait_ended({});
  state_->join_once([this] { join_threads(*state_); });
  if (uses_pool(state_->plan())) detail::release_unused_pool();
}

void RunHandle::stop() noexcept {
  if (state_->ended()) return;
  state_->request_stop();
}

void RunHandle::cancel() noexcept {
  if (state_->ended()) return;
  state_->request_cancel();
}

JoinStatus RunHandle::join(Deadline deadline) {
  if (!state_->ended() && !deadline.is_one_try() && detail::on_pool_thread() &&
      uses_pool(state_->plan())) {
    throw UsageError(
        "run: a stage on the pool waits for another run, whose work may need this very thread; "
        "mark the stage .blocking");
  }
  if (!state_->wait_ended(deadline)) return JoinStatus::late;
  state_->join_once([this] { join_threads(*state_); });
  detail::require_balance(*state_);
  return JoinStatus::ended;
}

Report RunHandle::wait() {
  join();
  state_->throw_failure();
  return detail::make_report(*state_);
}

Report RunHandle::snapshot() const { return detail::make_report(*state_); }
std::string RunHandle::explain() const { return detail::explain(*state_); }

RunHandle start(const Pipeline& pipeline, RunOptions options) {
  detail::refuse_if_unguarded();
  Plan planned = plan(pipeline, Machine::here(), options.overrides, options.memory);
  if (detail::on_pool_thread()) avoid_pool(planned);
  const std::uint64_t seed = options.seed != 0 ? options.seed : fresh_seed();
  auto graph = std::make_shared<const detail::Graph>(pipeline.graph());
  auto crew = crew_for(*graph, planned, std::move(options.chaos));
  auto state = std::make_shared<RunState>(
      std::move(graph), std::move(planned), seed,
      detail::RunHooks{std::move(options.on_dead_letter), std::move(options.on_log)},
      std::move(crew));
  // While there is no thread of the run yet: the server is an image of this process.
  if (state->crew() != nullptr) state->crew()->start_server(*state, pipeline);
  if (uses_pool(state->plan()))
    state->set_bell(&detail::pool_bell());  // before anybody may ring it
  RunHandle handle(state);
  wire_bells(*state);
  start_crew(*state);
  start_pool(state);
  start_threads(*state);
  start_watch(*state);
  return handle;
}

Report run(const Pipeline& pipeline, RunOptions options) {
  for (const detail::StageDef& def : pipeline.graph().stages) {
    if (def.role == detail::StageRole::inlet || def.role == detail::StageRole::outlet) {
      throw UsageError(
          fmt::format("run: stage {} is an {}, which application code has to serve; use start()",
                      def.name, def.kind));
    }
  }
  return start(pipeline, std::move(options)).wait();
}

namespace detail {
namespace {

std::shared_ptr<Endpoint> find_endpoint(const std::shared_ptr<RunState>& run,
                                        const std::string& name, StageRole role, TypeKey type) {
  const char* const what = role == StageRole::inlet ? "inlet" : "outlet";
  const std::size_t stage = run->graph().find(name);
  if (stage == run->graph().stages.size() || run->graph().stages[stage].role != role) {
    throw UsageError(fmt::format("{} {}: the pipeline has none of that name", what, name));
  }
  const StageDef& def = run->graph().stages[stage];
  if (!(def.in == type)) {
    throw UsageError(
        fmt::format("{} {}: it carries {}, not {}", what, name, def.in.name, type.name));
  }
  return {run, run->endpoint_of(stage).get()};  // keeps the run's structure alive
}

}  // namespace

std::shared_ptr<Endpoint> find_inlet(const std::shared_ptr<RunState>& run, const std::string& name,
                                     TypeKey type) {
  return find_endpoint(run, name, StageRole::inlet, type);
}
std::shared_ptr<Endpoint> find_outlet(const std::shared_ptr<RunState>& run, const std::string& name,
                                      TypeKey type) {
  return find_endpoint(run, name, StageRole::outlet, type);
}

}  // namespace detail
}  // namespace sluice
