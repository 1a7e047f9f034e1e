// sluice/runtime/process_seat.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/process_seat.hpp>

#include <sluice/os/child_process.hpp>
#include <sluice/os/cpu.hpp>
#include <sluice/runtime/process_worker.hpp>
#include <sluice/runtime/restart_pause.hpp>
#include <sluice/runtime/run_state.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

namespace sluice::detail {
namespace {

using std::chrono::nanoseconds;

// Deaths in a row without an answer. Of processes that had not even started: it will not be better the next
// time. Of others: an item at which they die is given up long before; and kills from outside may end.
constexpr unsigned kDeathsAtStart = 5;
constexpr unsigned kFruitlessDeaths = 50;
// More than this is more than the note that a process has started, and as much as an answer has.
constexpr std::uint64_t kStartedNoteBytes = 64;
// Of what it wrote to standard error at the end.
constexpr std::size_t kLastLines = 3;
// A stopped process goes on after at most so long.
constexpr std::uint64_t kLongestStopUs = 20'000;

std::int64_t steady_ns() noexcept { return steady_now_ns(); }
Deadline at_ns(std::int64_t ns) noexcept {
  return Deadline::at(Clock::time_point(nanoseconds(ns)));
}

}  // namespace

ProcessSeat::ProcessSeat(SeatsShare& shared, Place place, const ProcessSlot::Settings& settings,
                         const ProcessOptions& options)
    : shared_(&shared),
      place_(std::move(place)),
      options_(options),
      slot_(shared.bell, settings),
      hang_(options.timeout) {}

bool ProcessSeat::has(std::uint64_t key) const noexcept {
  return live_ != nullptr && live_->key == key;
}

// ---- looks -----------------------------------------------------------------------------------------

void ProcessSeat::look(std::int64_t now) {
  if (phase_ == Phase::gone) return;
  pass_on_words();
  if (continue_at_ns_ != 0 && now >= continue_at_ns_) {
    continue_process(process_);
    continue_at_ns_ = 0;
    hang_.resume(now);
  }
  const ProcessSlot::Accusation accusation = slot_.take_accusation();
  if (accusation.key != 0 && live_ != nullptr && live_->key == accusation.key) {
    accused_ = true;
    kill(accusation.what.empty() ? "it wrote what can't be right" : accusation.what);
  }
  tell_stop();
  if (slot_.ending() != ProcessSlot::Ending::no) {
    end(now);
  } else if (phase_ == Phase::waits) {
    if (now >= launch_at_ns_) launch();
  } else if (slot_.open() > 0 || slot_.starting() ||
             live_->retired.load(std::memory_order_relaxed)) {
    check_hang(now);
  }
}

// What a process writes to standard error goes to ours, line by line.
void ProcessSeat::pass_on_words() {
  if (!words_.open()) return;
  static_cast<void>(words_.read());
  std::string line;
  while (words_.next_line(line)) shared_->lines.add(line);
}

// As far as it has not been told. Whoever changes what is looked at here rings.
void ProcessSeat::tell_stop() {
  if (slot_.ending() == ProcessSlot::Ending::at_once || shared_->run->cancelled()) {
    stop_line_.tell(StopWord::drop);
  } else if (shared_->run->stage_state(place_.stage).stop_source.stop_requested()) {
    stop_line_.tell(StopWord::stop);
  }
}

void ProcessSeat::check_hang(std::int64_t now) {
  // One that chaos has stopped is not at fault meanwhile.
  if (phase_ != Phase::runs || continue_at_ns_ != 0) return;
  const std::string why = hang_.look({.live = *live_,
                                      .worker = slot_.events(),
                                      .waits_since_ns = slot_.waits_since_ns(),
                                      .process = process_,
                                      .line = stop_line_,
                                      .pid = counts_.pid.load(std::memory_order_relaxed)},
                                     now);
  if (why.empty()) return;
  if (!live_->facts.by_us) live_->facts.late = hang_.late();
  kill(why);
}

void ProcessSeat::end(std::int64_t now) {
  if (phase_ == Phase::waits) {
    phase_ = Phase::gone;
    return;
  }
  if (kill_at_ns_ == 0) {
    const bool ends_by_itself = slot_.ending() == ProcessSlot::Ending::orderly
                                    ? live_->attached.load(std::memory_order_relaxed)
                                    : stop_line_.is_heeded();
    kill_at_ns_ = ends_by_itself ? now + nanoseconds(kProcessEndTime).count() : now;
  }
  if (now < kill_at_ns_) return;
  kill(slot_.ending() == ProcessSlot::Ending::orderly ? "it did not end when told to"
                                                      : "the run ends");
  kill_at_ns_ = std::numeric_limits<std::int64_t>::max();
}

void ProcessSeat::kill(std::string why) {
  if (phase_ == Phase::waits || phase_ == Phase::gone) return;
  if (killed_because_.empty()) killed_because_ = std::move(why);
  live_->facts.by_us = true;
  shared_->server->kill(live_->key);
}

Deadline ProcessSeat::next_look(std::int64_t now, bool& any_open) const noexcept {
  Deadline next;
  const auto earlier = [&next](const Deadline& other) { next = std::min(next, other); };
  if (phase_ == Phase::gone) return next;
  if (phase_ == Phase::waits) earlier(at_ns(launch_at_ns_));
  if (continue_at_ns_ != 0) earlier(at_ns(continue_at_ns_));
  if (kill_at_ns_ != 0 && kill_at_ns_ != std::numeric_limits<std::int64_t>::max()) {
    earlier(at_ns(kill_at_ns_));
  }
  const bool starts = phase_ == Phase::runs && slot_.starting();
  const bool retires = live_ != nullptr && live_->retired.load(std::memory_order_relaxed);
  const bool open = slot_.open() > 0;  // once: what is ticked for is what was seen
  any_open = any_open || open;
  if (open || retires || starts) earlier(at_ns(now + hang_.tick().count()));
  return next;
}

void ProcessSeat::add_to(ReadableSet& set) const {
  if (words_.open()) set.add(words_.descriptor());
}

// ---- starts ----------------------------------------------------------------------------------------

void ProcessSeat::launch() {
  phase_ = Phase::launched;
  killed_because_.clear();
  live_ = std::make_shared<Incarnation>();
  live_->key = shared_->next_key++;
  live_->touched_ns.store(steady_ns(), std::memory_order_relaxed);
  accused_ = false;
  hang_.begin();
  try {
    auto [line, worker_end] = StopLine::make();
    // A clock per item only where somebody asks for it.
    NewChannel made = make_channel({.kind = kind_of_runs(), .times = options_.timeout.count() > 0},
                                   slot_.events());
    live_->channel = std::move(made.parent);
    live_->for_the_worker = std::move(made.for_the_worker);
    live_->for_the_worker.push_back(std::move(worker_end));
    stop_line_ = std::move(line);
  } catch (const std::system_error& error) {
    live_.reset();
    plan_successor(false, false, error.what());
    return;
  }
  std::vector<int> numbers;
  for (const Descriptor& descriptor : live_->for_the_worker) {
    numbers.push_back(descriptor.number());
  }
  shared_->server->launch(
      {.key = live_->key,
       .stage = static_cast<std::uint32_t>(place_.stage),
       .worker = static_cast<std::uint32_t>(place_.worker),
       .incarnation = incarnation_,
       .seed = derived_seed(shared_->run->stage_state(place_.stage).seed, incarnation_),
       .memory_limit_bytes = options_.memory_bytes},
      numbers);
  slot_.offer(live_);
}

void ProcessSeat::started(ServerEvent& event) {
  live_->for_the_worker.clear();
  process_ = std::move(event.process);
  words_ = LastWords(std::move(event.stderr_pipe));
  counts_.pid.store(event.pid, std::memory_order_relaxed);
  live_->pid.store(event.pid, std::memory_order_relaxed);
  counts_.started.fetch_add(1, std::memory_order_relaxed);
  if (phase_ == Phase::launched) phase_ = Phase::runs;
  if (!killed_because_.empty()) shared_->server->kill(live_->key);
}

// ---- ends ------------------------------------------------------------------------------------------

void ProcessSeat::exited(const ServerEvent& event) {
  counts_.cpu_ns.fetch_add(event.end.user_ns + event.end.system_ns, std::memory_order_relaxed);
  killed_outside_ = event.end.signal == kKillSignal && killed_because_.empty();
  start_failed_ = event.end.signal == 0 && event.end.code == kExitStartFailed;
  live_->facts.was_killed = event.end.signal == kKillSignal || !event.end.known;
  live_->facts.by_server = event.with_server;
  ended(text_of(event.end), true);
}

void ProcessSeat::failed_to_start(const ServerEvent& event) {
  live_->facts.was_killed = live_->facts.by_server = true;
  ended(event.error, false);
}

// It is proven dead, or could not be started. Its worker reads what it had answered, and is told how it ended.
void ProcessSeat::ended(const std::string& end, bool was_there) {
  std::string how = killed_because_.empty() ? end : killed_because_ + ": " + end;
  pass_on_words();
  if (std::string lines = words_.tail(kLastLines); !lines.empty()) {
    for (std::size_t at = lines.find('\n'); at != lines.npos; at = lines.find('\n', at)) {
      lines.replace(at, 1, " / ");
    }
    how += fmt::format(", its last words: {}", lines);
  }
  const bool retired = live_->retired.load(std::memory_order_relaxed);
  const std::uint64_t committed = live_->channel->progress().committed_bytes;
  // Of one that has damaged its page only what was read counts.
  const bool had_started = accused_ ||
                           ((committed > 0 || stop_line_.has_started()) && !start_failed_) ||
                           killed_outside_;
  const bool fruitful = !start_failed_ && (live_->answered.load(std::memory_order_relaxed) > 0 ||
                                           (!accused_ && committed > kStartedNoteBytes));
  if (was_there && !retired && slot_.ending() == ProcessSlot::Ending::no) {
    counts_.deaths.fetch_add(1, std::memory_order_relaxed);
  }
  start_failed_ = killed_outside_ = false;
  counts_.pid.store(0, std::memory_order_relaxed);
  words_ = LastWords();
  stop_line_ = StopLine();
  process_.reset();
  continue_at_ns_ = 0;
  live_->for_the_worker.clear();
  live_->how = how;
  // sync-point slot-dead: releases how it ended, after it was proven.
  live_->dead.store(true, std::memory_order_release);
  live_.reset();
  slot_.ring();
  plan_successor(fruitful || retired, had_started, how);
}

// An item that was given up is progress, too: however many kill their processes, one behind the other, the run goes on.
bool ProcessSeat::gave_up_an_item() noexcept {
  const RunState& run = *shared_->run;
  const Worker& worker = *run.workers()[run.workers_of(place_.stage).first + place_.worker];
  const std::uint64_t before = std::exchange(buried_, worker.state.counts[Count::dead]);
  return buried_ != before;
}

void ProcessSeat::plan_successor(bool fruitful, bool had_started, const std::string& how) {
  phase_ = Phase::waits;
  ++incarnation_;
  if (slot_.ending() != ProcessSlot::Ending::no || shared_->run->cancelled()) {
    phase_ = Phase::gone;
    return;
  }
  if (fruitful) {
    fruitless_ = at_start_ = 0;
    reasons_.clear();
    launch_at_ns_ = 0;
    return;
  }
  if (gave_up_an_item()) {
    fruitless_ = 0;
    reasons_.clear();
  }
  reasons_.add(how);
  ++fruitless_;
  at_start_ = had_started ? 0 : at_start_ + 1;
  if (at_start_ > kDeathsAtStart ||
      fruitless_ > std::max(kFruitlessDeaths, 2 * options_.attempts)) {
    give_up();
    return;
  }
  launch_at_ns_ = steady_ns() + restart_pause(fruitless_, derived_seed(0, shared_->dice++)).count();
}

void ProcessSeat::give_up() {
  phase_ = Phase::gone;
  fail_run(fmt::format("{} processes in a row died without finishing an item: {}", fruitless_,
                       reasons_.text()));
}

void ProcessSeat::fail_run(const std::string& why) const {
  try {
    throw WorkerExit(why);
  } catch (const WorkerExit&) {  // it is nested in the error
    shared_->run->fail(StageError(
        {.stage = place_.name, .worker = place_.worker, .phase = "keeping a process"}, why));
  }
}

// ---- chaos -----------------------------------------------------------------------------------------

bool ProcessSeat::may_be_struck() const noexcept {
  return phase_ == Phase::runs && continue_at_ns_ == 0;
}

void ProcessSeat::strike(ChaosPlan::What what, std::uint64_t dice) {
  if (what == ChaosPlan::What::kill) {
    live_->facts.by_chaos = true;
    kill_process(process_);
    return;
  }
  stop_process(process_);
  const std::uint64_t us = 1 + (dice >> 8U) % kLongestStopUs;
  continue_at_ns_ = steady_ns() + static_cast<std::int64_t>(us) * 1000;
}

}  // namespace sluice::detail
