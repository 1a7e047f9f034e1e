// sluice/runtime/process_crew.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/process_crew.hpp>

#include <sluice/os/cpu.hpp>
#include <sluice/os/this_process.hpp>
#include <sluice/process/entry_guard.hpp>
#include <sluice/process/start_choice.hpp>
#include <sluice/runtime/process_worker.hpp>
#include <sluice/runtime/run_state.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace sluice::detail {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Looks for room on standard error, while lines wait for it.
constexpr milliseconds kLinesTick{100};

}  // namespace

ProcessCrew::ProcessCrew(const Graph& graph, const Plan& plan, ChaosPlan chaos)
    : chaos_(std::move(chaos)) {
  std::size_t processes = 0;
  for (const PlannedStage& stage : plan.stages) {
    if (stage.carrier == Carrier::process) processes += stage.workers;
  }
  // A thread that spins takes the core from the process that it waits for, unless there is one for each.
  const bool spins = 2 * processes <= plan.machine.cores;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    if (plan.stages[i].carrier != Carrier::process) continue;
    const ProcessOptions& options = graph.stages[i].options.process;
    for (std::size_t worker = 0; worker < plan.stages[i].workers; ++worker) {
      seats_.emplace_back(
          shared_, ProcessSeat::Place{.stage = i, .worker = worker, .name = plan.stages[i].name},
          ProcessSlot::Settings{.spin = spins ? nanoseconds(5'000) : nanoseconds(0),
                                .recycle_after = options.recycle_after},
          options);
    }
  }
}

ProcessCrew::~ProcessCrew() { join(); }

ProcessSlot& ProcessCrew::slot(std::size_t stage, std::size_t worker) noexcept {
  return std::find_if(seats_.begin(), seats_.end(),
                      [&](const ProcessSeat& seat) {
                        return seat.place().stage == stage && seat.place().worker == worker;
                      })
      ->slot();
}

const ProcessCounts* ProcessCrew::counts(std::size_t stage, std::size_t worker) const noexcept {
  for (const ProcessSeat& seat : seats_) {
    if (seat.place().stage == stage && seat.place().worker == worker) return &seat.counts();
  }
  return nullptr;
}

double ProcessCrew::cpu_seconds() const noexcept {
  double seconds = 0;
  for (const ProcessSeat& seat : seats_) {
    seconds += static_cast<double>(seat.counts().cpu_ns.load(std::memory_order_relaxed)) * 1e-9;
  }
  return seconds;
}

void ProcessCrew::start_server(RunState& run, const Pipeline& pipeline) {
  shared_.run = &run;
  refuse_if_unguarded();
  const StartMethod method = choose_start_method(start_situation(start_method()));
  if (method == StartMethod::spawn) {
    shared_.server =
        WorkerServer::spawn({.argv = EntryGuard::argv(), .fingerprint = fingerprint_of(pipeline)});
    return;
  }
  shared_.server = WorkerServer::fork_now(serve_stages(served_stages(run.graph(), run.plan())),
                                          {.standby = method == StartMethod::forkserver});
}

void ProcessCrew::start() {
  thread_ = std::thread([this] {
    name_this_thread("sluice-watch");
    supervise();
    tell_last_words();
    shared_.server->shut_down();
    shared_.server.reset();
    shared_.run->participant_ended();
  });
}

void ProcessCrew::join() noexcept {
  if (thread_.joinable()) thread_.join();
}

void ProcessCrew::ring() noexcept {
  for (ProcessSeat& seat : seats_) seat.slot().ring();
  shared_.bell.events.raise();
}

// ---- the supervisor's thread -----------------------------------------------------------------------

void ProcessCrew::supervise() noexcept {
  chaos_.begin(Clock::now());
  while (!all_gone()) {
    try {
      hear_server();
      look_after();
      if (all_gone()) return;
      sleep();
    } catch (...) {
      shared_.run->fail(
          StageError({.stage = seats_.front().place().name, .phase = "watching its processes"},
                     current_exception_text()));
      return;  // the server kills whoever is left
    }
  }
}

void ProcessCrew::tell_last_words() noexcept {
  try {
    shared_.lines.finish();
  } catch (const std::exception&) {  // no memory, and nobody to tell
  }
}

void ProcessCrew::look_after() {
  wreak_chaos();
  const std::int64_t now = steady_now_ns();
  for (ProcessSeat& seat : seats_) seat.look(now);
  shared_.lines.pass_on();
}

void ProcessCrew::hear_server() {
  ServerEvent event;
  while (shared_.server->next(event)) hear(event);
}

void ProcessCrew::hear(ServerEvent& event) {
  if (event.kind == ServerEvent::Kind::server_lost) {
    seats_.front().fail_run(event.error);
  }
  const auto seat = std::find_if(seats_.begin(), seats_.end(),
                                 [&](const ProcessSeat& other) { return other.has(event.key); });
  if (seat == seats_.end()) return;
  switch (event.kind) {
    case ServerEvent::Kind::started:
      seat->started(event);
      break;
    case ServerEvent::Kind::exited:
      seat->exited(event);
      break;
    case ServerEvent::Kind::failed_to_start:
      seat->failed_to_start(event);
      break;
    case ServerEvent::Kind::server_lost:
      break;
  }
}

void ProcessCrew::wreak_chaos() {
  constexpr int kMostAtOnce = 64;  // the rest at the next look
  for (int i = 0; i < kMostAtOnce; ++i) {
    const auto strike = chaos_.due(Clock::now());
    if (!strike.has_value()) return;
    std::vector<ProcessSeat*> running;
    for (ProcessSeat& seat : seats_) {
      if (seat.place().name == *strike->stage && seat.may_be_struck()) running.push_back(&seat);
    }
    if (running.empty()) continue;
    running[strike->dice % running.size()]->strike(strike->what, strike->dice);
    chaos_.count(strike->what);
  }
}

// ---- sleeping --------------------------------------------------------------------------------------

Deadline ProcessCrew::next_look(std::int64_t now, bool& any_open) const noexcept {
  Deadline next;
  any_open = false;
  if (const auto strike = chaos_.next_at()) next = Deadline::at(*strike);
  if (shared_.lines.waiting()) {
    next = std::min(next, Deadline::at(Clock::time_point(nanoseconds(now) + kLinesTick)));
  }
  for (const ProcessSeat& seat : seats_) next = std::min(next, seat.next_look(now, any_open));
  return next;
}

void ProcessCrew::sleep() {
  set_.clear();
  set_.add(shared_.bell.events.descriptor().number());
  set_.add(shared_.server->descriptor());
  for (const ProcessSeat& seat : seats_) seat.add_to(set_);
  // sync-point slot-watch: says that it dozes, then looks at the leases. While some are out it looks again
  // by itself, and wants no calls.
  shared_.bell.dozes.store(true, std::memory_order_seq_cst);
  bool any_open = false;
  const Deadline next = next_look(steady_now_ns(), any_open);
  if (any_open) shared_.bell.dozes.store(false, std::memory_order_relaxed);
  set_.wait(next);
  shared_.bell.dozes.store(false, std::memory_order_relaxed);
  shared_.bell.events.lower();
}

bool ProcessCrew::all_gone() const noexcept {
  return std::all_of(seats_.begin(), seats_.end(),
                     [](const ProcessSeat& seat) { return seat.gone(); });
}

}  // namespace sluice::detail
