// sluice/runtime/process_crew.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/process_crew.hpp>

#include <sluice/os/child_process.hpp>
#include <sluice/os/cpu.hpp>
#include <sluice/os/this_process.hpp>
#include <sluice/process/entry_guard.hpp>
#include <sluice/process/last_words.hpp>
#include <sluice/process/start_choice.hpp>
#include <sluice/process/stop_line.hpp>
#include <sluice/runtime/process_hang.hpp>
#include <sluice/runtime/process_worker.hpp>
#include <sluice/runtime/run_state.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

namespace sluice::detail {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr milliseconds kFirstBackOff{10};
constexpr seconds kLongestBackOff{5};
// Deaths in a row without an answer. Of processes that had not even started: it will not be better the next
// time. Of others: an item at which they die is given up long before; and kills from outside may end.
constexpr unsigned kDeathsAtStart = 5;
constexpr unsigned kFruitlessDeaths = 50;
// Looks for room on standard error, while lines wait for it.
constexpr milliseconds kLinesTick{100};
// More than this is more than the note that a process has started, and as much as an answer has.
constexpr std::uint64_t kStartedNoteBytes = 64;
// A stopped process goes on after at most so long.
constexpr std::uint64_t kLongestStopUs = 20'000;

std::int64_t steady_ns() noexcept { return steady_now_ns(); }
Deadline at_ns(std::int64_t ns) noexcept {
  return Deadline::at(Clock::time_point(nanoseconds(ns)));
}

}  // namespace

struct ProcessCrew::Seat {
  Seat(SupervisorBell& bell, const ProcessSlot::Settings& settings, const ProcessOptions& given)
      : slot(bell, settings), options(given), hang(given.timeout) {}

  ProcessSlot slot;
  ProcessCounts counts;
  std::size_t stage = 0;
  std::size_t worker = 0;
  std::string name{};
  ProcessOptions options{};
  HangWatch hang;

  Phase phase = Phase::waits;
  std::shared_ptr<Incarnation> live{};
  Descriptor process{};
  LastWords words{};
  StopLine stop_line{};
  std::uint32_t incarnation = 0;
  unsigned fruitless = 0;  // deaths in a row without an answer; and before they had started
  unsigned at_start = 0;
  std::string reasons{};            // of fruitless deaths
  std::string killed_because{};     // by us
  std::int64_t launch_at_ns = 0;    // while it waits
  std::int64_t kill_at_ns = 0;      // once it was told to end; 0 before
  std::int64_t continue_at_ns = 0;  // while chaos has it stopped; 0 else
  bool accused = false;
  bool start_failed = false;
  bool killed_outside = false;  // so it says nothing of whether another one could start
};

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
      Seat& seat = seats_.emplace_back(
          bell_,
          ProcessSlot::Settings{.spin = spins ? nanoseconds(5'000) : nanoseconds(0),
                                .recycle_after = options.recycle_after},
          options);
      seat.stage = i;
      seat.worker = worker;
      seat.name = plan.stages[i].name;
    }
  }
}

ProcessCrew::~ProcessCrew() { join(); }

ProcessSlot& ProcessCrew::slot(std::size_t stage, std::size_t worker) noexcept {
  return std::find_if(
             seats_.begin(), seats_.end(),
             [&](const Seat& seat) { return seat.stage == stage && seat.worker == worker; })
      ->slot;
}

const ProcessCounts* ProcessCrew::counts(std::size_t stage, std::size_t worker) const noexcept {
  for (const Seat& seat : seats_) {
    if (seat.stage == stage && seat.worker == worker) return &seat.counts;
  }
  return nullptr;
}

double ProcessCrew::cpu_seconds() const noexcept {
  double seconds = 0;
  for (const Seat& seat : seats_) {
    seconds += static_cast<double>(seat.counts.cpu_ns.load(std::memory_order_relaxed)) * 1e-9;
  }
  return seconds;
}

void ProcessCrew::start_server(RunState& run, const Pipeline& pipeline) {
  run_ = &run;
  refuse_if_unguarded();
  const StartMethod method = choose_start_method(start_situation(start_method()));
  if (method == StartMethod::spawn) {
    server_ =
        WorkerServer::spawn({.argv = EntryGuard::argv(), .fingerprint = fingerprint_of(pipeline)});
    return;
  }
  server_ = WorkerServer::fork_now(serve_stages(served_stages(run.graph(), run.plan())),
                                   {.standby = method == StartMethod::forkserver});
}

void ProcessCrew::start() {
  thread_ = std::thread([this] {
    name_this_thread("sluice-watch");
    supervise();
    tell_last_words();
    server_->shut_down();
    server_.reset();
    run_->participant_ended();
  });
}

void ProcessCrew::join() noexcept {
  if (thread_.joinable()) thread_.join();
}

void ProcessCrew::ring() noexcept {
  for (Seat& seat : seats_) seat.slot.ring();
  bell_.events.raise();
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
      run_->fail(StageError({.stage = seats_.front().name, .phase = "watching its processes"},
                            current_exception_text()));
      return;  // the server kills whoever is left
    }
  }
}

void ProcessCrew::tell_last_words() noexcept {
  try {
    lines_.finish();
  } catch (const std::exception&) {  // no memory, and nobody to tell
  }
}

void ProcessCrew::look_after() {
  wreak_chaos();
  const std::int64_t now = steady_ns();
  for (Seat& seat : seats_) look_at(seat, now);
  lines_.pass_on();
}

void ProcessCrew::look_at(Seat& seat, std::int64_t now) {
  if (seat.phase == Phase::gone) return;
  pass_on_words(seat);
  if (seat.continue_at_ns != 0 && now >= seat.continue_at_ns) {
    continue_process(seat.process);
    seat.continue_at_ns = 0;
  }
  const ProcessSlot::Accusation accusation = seat.slot.take_accusation();
  if (accusation.key != 0 && seat.live != nullptr && seat.live->key == accusation.key) {
    seat.accused = true;
    kill(seat, accusation.what.empty() ? "it wrote what can't be right" : accusation.what);
  }
  tell_stop(seat);
  if (seat.slot.ending() != ProcessSlot::Ending::no) {
    end_seat(seat, now);
  } else if (seat.phase == Phase::waits) {
    if (now >= seat.launch_at_ns) launch(seat);
  } else if (seat.slot.open() > 0 || seat.slot.starting() ||
             seat.live->retired.load(std::memory_order_relaxed)) {
    check_hang(seat, now);
  }
}

// What a process writes to standard error goes to ours, line by line.
void ProcessCrew::pass_on_words(Seat& seat) {
  if (!seat.words.open()) return;
  static_cast<void>(seat.words.read());
  std::string line;
  while (seat.words.next_line(line)) lines_.add(line);
}

void ProcessCrew::end_seat(Seat& seat, std::int64_t now) {
  if (seat.phase == Phase::waits) {
    seat.phase = Phase::gone;
    return;
  }
  if (seat.kill_at_ns == 0) {
    const bool ends_by_itself = seat.slot.ending() == ProcessSlot::Ending::orderly
                                    ? seat.live->attached.load(std::memory_order_relaxed)
                                    : seat.stop_line.is_heeded();
    seat.kill_at_ns = ends_by_itself ? now + nanoseconds(kProcessEndTime).count() : now;
  }
  if (now < seat.kill_at_ns) return;
  kill(seat, seat.slot.ending() == ProcessSlot::Ending::orderly ? "it did not end when told to"
                                                                : "the run ends");
  seat.kill_at_ns = std::numeric_limits<std::int64_t>::max();
}

void ProcessCrew::kill(Seat& seat, std::string why) {
  if (seat.phase == Phase::waits || seat.phase == Phase::gone) return;
  if (seat.killed_because.empty()) seat.killed_because = std::move(why);
  server_->kill(seat.live->key);
}

void ProcessCrew::check_hang(Seat& seat, std::int64_t now) {
  if (seat.phase != Phase::runs) return;
  const std::string why = seat.hang.look({.live = *seat.live,
                                          .slot = seat.slot,
                                          .process = seat.process,
                                          .line = seat.stop_line,
                                          .pid = seat.counts.pid.load(std::memory_order_relaxed)},
                                         now);
  if (!why.empty()) kill(seat, why);
}

// As far as it has not been told. Whoever changes what is looked at here rings.
void ProcessCrew::tell_stop(Seat& seat) {
  if (seat.slot.ending() == ProcessSlot::Ending::at_once || run_->cancelled()) {
    seat.stop_line.tell(StopWord::drop);
  } else if (run_->stage_state(seat.stage).stop_source.stop_requested()) {
    seat.stop_line.tell(StopWord::stop);
  }
}

// ---- starts ----------------------------------------------------------------------------------------

void ProcessCrew::launch(Seat& seat) {
  seat.phase = Phase::launched;
  seat.killed_because.clear();
  seat.live = std::make_shared<Incarnation>();
  seat.live->key = next_key_++;
  seat.live->touched_ns.store(steady_ns(), std::memory_order_relaxed);
  seat.accused = false;
  seat.hang.begin();
  try {
    auto [line, worker_end] = StopLine::make();
    // A clock per item only where somebody asks for it.
    NewChannel made = make_channel({.times = seat.options.timeout.count() > 0}, seat.slot.events());
    seat.live->channel = std::move(made.parent);
    seat.live->for_the_worker = std::move(made.for_the_worker);
    seat.live->for_the_worker.push_back(std::move(worker_end));
    seat.stop_line = std::move(line);
  } catch (const std::system_error& error) {
    seat.live.reset();
    plan_successor(seat, false, false, error.what());
    return;
  }
  std::vector<int> numbers;
  for (const Descriptor& descriptor : seat.live->for_the_worker) {
    numbers.push_back(descriptor.number());
  }
  server_->launch({.key = seat.live->key,
                   .stage = static_cast<std::uint32_t>(seat.stage),
                   .worker = static_cast<std::uint32_t>(seat.worker),
                   .incarnation = seat.incarnation,
                   .seed = derived_seed(run_->stage_state(seat.stage).seed, seat.incarnation),
                   .memory_limit_bytes = seat.options.memory_bytes},
                  numbers);
  seat.slot.offer(seat.live);
}

void ProcessCrew::hear_server() {
  ServerEvent event;
  while (server_->next(event)) hear(event);
}

void ProcessCrew::hear(ServerEvent& event) {
  if (event.kind == ServerEvent::Kind::server_lost) {
    fail_run(seats_.front(), event.error);
  }
  Seat* const seat = seat_of(event.key);
  if (seat == nullptr) return;
  switch (event.kind) {
    case ServerEvent::Kind::started:
      started(*seat, event);
      break;
    case ServerEvent::Kind::exited:
      seat->counts.cpu_ns.fetch_add(event.end.user_ns + event.end.system_ns,
                                    std::memory_order_relaxed);
      seat->killed_outside = event.end.signal == kKillSignal && seat->killed_because.empty();
      seat->start_failed = event.end.signal == 0 && event.end.code == kExitStartFailed;
      ended(*seat, text_of(event.end), true);
      break;
    case ServerEvent::Kind::failed_to_start:
      ended(*seat, event.error, false);
      break;
    case ServerEvent::Kind::server_lost:
      break;
  }
}

void ProcessCrew::started(Seat& seat, ServerEvent& event) {
  seat.live->for_the_worker.clear();
  seat.process = std::move(event.process);
  seat.words = LastWords(std::move(event.stderr_pipe));
  seat.counts.pid.store(event.pid, std::memory_order_relaxed);
  seat.counts.started.fetch_add(1, std::memory_order_relaxed);
  if (seat.phase == Phase::launched) seat.phase = Phase::runs;
  if (!seat.killed_because.empty()) server_->kill(seat.live->key);
}

// It is proven dead, or could not be started. Its worker reads what it had answered, and is told how it ended.
void ProcessCrew::ended(Seat& seat, const std::string& end, bool was_there) {
  std::string how = seat.killed_because.empty() ? end : seat.killed_because + ": " + end;
  pass_on_words(seat);
  if (const std::string line = seat.words.tail(1); !line.empty()) {
    how += fmt::format(", its last words: {}", line);
  }
  const bool retired = seat.live->retired.load(std::memory_order_relaxed);
  const std::uint64_t committed = seat.live->channel->progress().committed_bytes;
  // Of one that has damaged its page only what was read counts.
  const bool had_started =
      seat.accused || ((committed > 0 || seat.stop_line.has_started()) && !seat.start_failed) ||
      seat.killed_outside;
  const bool fruitful =
      !seat.start_failed && (seat.live->answered.load(std::memory_order_relaxed) > 0 ||
                             (!seat.accused && committed > kStartedNoteBytes));
  if (was_there && !retired && seat.slot.ending() == ProcessSlot::Ending::no) {
    seat.counts.deaths.fetch_add(1, std::memory_order_relaxed);
  }
  seat.start_failed = seat.killed_outside = false;
  seat.counts.pid.store(0, std::memory_order_relaxed);
  seat.words = LastWords();
  seat.stop_line = StopLine();
  seat.process.reset();
  seat.continue_at_ns = 0;
  seat.live->for_the_worker.clear();
  seat.live->how = how;
  // sync-point slot-dead: releases how it ended, after it was proven.
  seat.live->dead.store(true, std::memory_order_release);
  seat.live.reset();
  seat.slot.ring();
  plan_successor(seat, fruitful || retired, had_started, how);
}

void ProcessCrew::plan_successor(Seat& seat, bool fruitful, bool had_started,
                                 const std::string& how) {
  seat.phase = Phase::waits;
  ++seat.incarnation;
  if (seat.slot.ending() != ProcessSlot::Ending::no || run_->cancelled()) {
    seat.phase = Phase::gone;
    return;
  }
  if (fruitful) {
    seat.fruitless = seat.at_start = 0;
    seat.reasons.clear();
    seat.launch_at_ns = 0;
    return;
  }
  if (seat.fruitless < kDeathsAtStart + 1)
    seat.reasons += fmt::format("{}{}", seat.reasons.empty() ? "" : "; ", how);
  ++seat.fruitless;
  seat.at_start = had_started ? 0 : seat.at_start + 1;
  if (seat.at_start > kDeathsAtStart ||
      seat.fruitless > std::max(kFruitlessDeaths, 2 * seat.options.attempts)) {
    give_up(seat);
    return;
  }
  const nanoseconds doubled =
      nanoseconds(kFirstBackOff) * (1U << std::min(seat.fruitless - 1, 10U));
  const nanoseconds longest = std::min<nanoseconds>(doubled, kLongestBackOff);
  const auto spread = static_cast<std::int64_t>(derived_seed(seed_, dice_++) % 1000) - 500;
  seat.launch_at_ns = steady_ns() + longest.count() + longest.count() / 2000 * spread;
}

void ProcessCrew::give_up(Seat& seat) {
  seat.phase = Phase::gone;
  fail_run(seat, fmt::format("{} processes in a row died without finishing an item: {}",
                             seat.fruitless, seat.reasons));
}

void ProcessCrew::fail_run(const Seat& seat, const std::string& why) {
  try {
    throw WorkerExit(why);
  } catch (const WorkerExit&) {  // it is nested in the error
    run_->fail(
        StageError({.stage = seat.name, .worker = seat.worker, .phase = "keeping a process"}, why));
  }
}

// ---- chaos -----------------------------------------------------------------------------------------

void ProcessCrew::wreak_chaos() {
  constexpr int kMostAtOnce = 64;  // the rest at the next look
  for (int i = 0; i < kMostAtOnce; ++i) {
    const auto strike = chaos_.due(Clock::now());
    if (!strike.has_value()) return;
    std::vector<Seat*> running;
    for (Seat& seat : seats_) {
      if (seat.name == *strike->stage && seat.phase == Phase::runs && seat.continue_at_ns == 0) {
        running.push_back(&seat);
      }
    }
    if (running.empty()) continue;
    Seat& seat = *running[strike->dice % running.size()];
    if (strike->what == ChaosPlan::What::kill) {
      kill_process(seat.process);
    } else {
      stop_process(seat.process);
      const std::uint64_t us = 1 + (strike->dice >> 8U) % kLongestStopUs;
      seat.continue_at_ns = steady_ns() + static_cast<std::int64_t>(us) * 1000;
    }
    chaos_.count(strike->what);
  }
}

// ---- sleeping --------------------------------------------------------------------------------------

Deadline ProcessCrew::next_look(std::int64_t now, bool& any_open) const noexcept {
  Deadline next;
  any_open = false;
  const auto earlier = [&next](const Deadline& other) { next = std::min(next, other); };
  if (const auto strike = chaos_.next_at()) earlier(Deadline::at(*strike));
  if (lines_.waiting()) earlier(at_ns(now + nanoseconds(kLinesTick).count()));
  for (const Seat& seat : seats_) {
    if (seat.phase == Phase::gone) continue;
    if (seat.phase == Phase::waits) earlier(at_ns(seat.launch_at_ns));
    if (seat.continue_at_ns != 0) earlier(at_ns(seat.continue_at_ns));
    if (seat.kill_at_ns != 0 && seat.kill_at_ns != std::numeric_limits<std::int64_t>::max()) {
      earlier(at_ns(seat.kill_at_ns));
    }
    const bool starts = seat.phase == Phase::runs && seat.slot.starting();
    const bool retires = seat.live != nullptr && seat.live->retired.load(std::memory_order_relaxed);
    const bool open = seat.slot.open() > 0;  // once: what is ticked for is what was seen
    any_open = any_open || open;
    if (open || retires || starts) earlier(at_ns(now + seat.hang.tick().count()));
  }
  return next;
}

void ProcessCrew::sleep() {
  set_.clear();
  set_.add(bell_.events.descriptor().number());
  set_.add(server_->descriptor());
  for (const Seat& seat : seats_) {
    if (seat.words.open()) set_.add(seat.words.descriptor());
  }
  // sync-point slot-watch: says that it dozes, then looks at the leases. While some are out it looks again
  // by itself, and wants no calls.
  bell_.dozes.store(true, std::memory_order_seq_cst);
  bool any_open = false;
  const Deadline next = next_look(steady_ns(), any_open);
  if (any_open) bell_.dozes.store(false, std::memory_order_relaxed);
  set_.wait(next);
  bell_.dozes.store(false, std::memory_order_relaxed);
  bell_.events.lower();
}

ProcessCrew::Seat* ProcessCrew::seat_of(std::uint64_t key) noexcept {
  for (Seat& seat : seats_) {
    if (seat.live != nullptr && seat.live->key == key) return &seat;
  }
  return nullptr;
}

bool ProcessCrew::all_gone() const noexcept {
  return std::all_of(seats_.begin(), seats_.end(),
                     [](const Seat& seat) { return seat.phase == Phase::gone; });
}

}  // namespace sluice::detail
