// model/execution.cpp
// SPDX-License-Identifier: MIT
#include <model/execution.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace sluice::model {
namespace {

Execution* now_running = nullptr;

}  // namespace

// ---- the stacks ------------------------------------------------------------------------------------

FiberPool::FiberPool() = default;

Fiber& FiberPool::at(unsigned thread) {
  static_assert(sizeof(void*) >= sizeof(unsigned));
  while (fibers_.size() <= thread) {
    auto* number = reinterpret_cast<void*>(static_cast<std::uintptr_t>(fibers_.size()));
    fibers_.push_back(std::make_unique<Fiber>(&Execution::fiber_entry, number));
  }
  return *fibers_[thread];
}

void FiberPool::abandon() {
  // Reachable for ever, or what lies on these stacks would count as leaked.
  static auto* const graveyard = new std::vector<std::unique_ptr<Fiber>>;
  for (auto& fiber : fibers_) graveyard->push_back(std::move(fiber));
  fibers_.clear();
}

// ---- life ------------------------------------------------------------------------------------------

Execution::Execution(Strategy& strategy, FiberPool& fibers, bool tracing)
    : strategy_(strategy), fibers_(fibers), tracing_(tracing) {
  threads_.reserve(kMaxThreads);
  threads_.push_back({.name = "main"});
}

Execution::~Execution() {
  if (!failed()) return;
  // Fibers that were left in the middle still refer to all this.
  static auto* const graveyard = new std::vector<std::shared_ptr<void>>;
  for (auto& object : objects_) graveyard->push_back(std::move(object));
  auto bodies = std::make_shared<std::vector<Thread>>(std::move(threads_));
  graveyard->push_back(std::move(bodies));
  graveyard->push_back(std::make_shared<std::vector<std::function<void()>>>(std::move(checks_)));
}

Execution* Execution::current() noexcept { return now_running; }

void Execution::thread(std::string name, std::function<void()> body) {
  if (threads_.size() == kMaxThreads) fail("too many threads; raise kMaxThreads");
  threads_.push_back({.name = std::move(name), .body = std::move(body)});
}

void Execution::run(const Scenario& scenario) {
  scenario_ = scenario;
  now_running = this;
  running_ = 0;
  fibers_.explorer().switch_to(fibers_.at(0));
  now_running = nullptr;
  if (failed()) fibers_.abandon();
  shadow_.free_quarantine();
}

void Execution::fiber_entry(void* number) {
  const auto own = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(number));
  for (;;) {
    now_running->thread_main(own);
  }
}

// Returns when the fiber is entered again, for the next execution.
void Execution::thread_main(unsigned number) {
  if (number == 0) {
    main_thread();
    threads_[0].state = State::ended;
    fibers_.at(0).switch_to(fibers_.explorer());
    return;
  }
  guarded(threads_[number].body);
  threads_[number].state = State::ended;
  changed();
  block();
}

void Execution::main_thread() {
  guarded([this] { scenario_(*this); });
  for (Thread& thread : threads_) thread.clock.join(threads_[0].clock);
  if (!all_ended()) {
    threads_[0].state = State::joining;
    block();
  }
  for (const Thread& thread : threads_) threads_[0].clock.join(thread.clock);
  for (const auto& check : checks_) guarded(check);
  checks_.clear();
  for (unsigned i = 1; i < threads_.size(); ++i) threads_[i].body = nullptr;
  while (!objects_.empty()) objects_.pop_back();
  scenario_ = nullptr;
}

void Execution::guarded(const std::function<void()>& body) {
  std::string thrown;
  try {
    body();
    return;
  } catch (const std::exception& error) {
    thrown = error.what();
  } catch (...) {
    thrown = "something that is not a std::exception";
  }
  fail("an exception left the thread: " + thrown);
}

// ---- switching -------------------------------------------------------------------------------------

bool Execution::runnable(unsigned number) const noexcept {
  const Thread& thread = threads_[number];
  if (thread.state == State::joining) return all_ended();
  return thread.state == State::ready;
}

bool Execution::all_ended() const noexcept {
  for (unsigned i = 1; i < threads_.size(); ++i) {
    if (threads_[i].state != State::ended) return false;
  }
  return true;
}

// Returns the thread chosen among options_, of which there is at least one.
unsigned Execution::ask(Switch why) {
  if (options_.size() == 1) return options_[0];
  const unsigned taken = strategy_.pick_thread(why, running_, options_);
  decisions_.push_back(taken);
  return options_[taken];
}

void Execution::add_timed_sleepers() {
  for (unsigned i = 1; i < threads_.size(); ++i) {
    if (threads_[i].state == State::sleeping && threads_[i].timed) options_.push_back(i);
  }
}

void Execution::enter(unsigned next) {
  Thread& thread = threads_[next];
  if (thread.state == State::sleeping) thread.timed_out = true;
  thread.state = State::ready;
  thread.yielded = false;
  if (next == running_) return;
  Fiber& own = fibers_.at(running_);
  if (tracing_) trace_.push_back("  -- " + thread.name);
  running_ = next;
  step_due_ = !thread.at_step;
  own.switch_to(fibers_.at(next));
}

void Execution::before_step() {
  if (++steps_ > kMaxSteps) fail("livelock: no end after so many steps; " + states());
  if (running_ == 0 || std::exchange(step_due_, false)) return;
  options_.assign(1, running_);
  for (unsigned i = 1; i < threads_.size(); ++i) {
    if (i == running_ || !runnable(i)) continue;
    // It waits for a change and there was none: it would only look and yield again.
    if (threads_[i].yielded && threads_[i].yielded_at == changes_) continue;
    options_.push_back(i);
  }
  add_timed_sleepers();
  Thread& own = threads_[running_];
  own.at_step = true;
  enter(ask(Switch::preempt));
  own.at_step = false;
}

void Execution::yield() {
  if (++steps_ > kMaxSteps) fail("livelock: no end after so many steps; " + states());
  if (running_ == 0) return;
  Thread& own = threads_[running_];
  own.yielded = true;
  own.yielded_at = changes_;
  for (const bool anew : {false, true}) {
    options_.clear();
    for (unsigned i = 1; i < threads_.size(); ++i) {
      // Everybody waits for somebody: one more round, the neighbour first.
      const unsigned number = 1 + (running_ - 1 + i) % static_cast<unsigned>(threads_.size() - 1);
      if (number == running_ || !runnable(number)) continue;
      if (anew) threads_[number].yielded = false;
      if (!threads_[number].yielded) options_.push_back(number);
    }
    if (!options_.empty()) break;
  }
  if (options_.empty()) add_timed_sleepers();
  if (!options_.empty()) enter(ask(Switch::yield));
}

void Execution::block() {
  options_.clear();
  for (unsigned i = 0; i < threads_.size(); ++i) {
    if (i != running_ && runnable(i)) options_.push_back(i);
  }
  add_timed_sleepers();
  if (options_.empty()) fail("every thread sleeps: " + states());
  enter(ask(Switch::blocked));
}

// ---- sleeping --------------------------------------------------------------------------------------

bool Execution::sleep(const void* address, bool timed) {
  Thread& own = threads_[running_];
  own.state = State::sleeping;
  own.address = address;
  own.slept_at = steps_;
  own.timed = timed;
  own.timed_out = false;
  // With a deadline the sleeper itself is an option: it may have passed already.
  block();
  return !threads_[running_].timed_out;
}

void Execution::wake(const void* address, int count) {
  for (int woken = 0; woken < count; ++woken) {
    Thread* first = nullptr;
    for (Thread& thread : threads_) {
      if (thread.state != State::sleeping || thread.address != address) continue;
      if (first == nullptr || thread.slept_at < first->slept_at) first = &thread;
    }
    if (first == nullptr) return;
    first->state = State::ready;
    changed();
  }
}

unsigned Execution::choose(unsigned count) {
  if (count < 2 || running_ == 0) return 0;
  const unsigned taken = strategy_.pick_step(count);
  decisions_.push_back(taken);
  return taken;
}

// ---- reporting -------------------------------------------------------------------------------------

void Execution::fail(const std::string& what) {
  fault_ = threads_[running_].name + ": " + what;
  fibers_.at(running_).switch_to(fibers_.explorer());
  std::fputs("model: an abandoned fiber was entered\n", stderr);
  std::abort();
}

std::string Execution::states() const {
  std::string text;
  for (const Thread& thread : threads_) {
    if (!text.empty()) text += ", ";
    text += thread.name;
    switch (thread.state) {
      case State::ready:
        text += thread.yielded ? " waits" : " runs";
        break;
      case State::sleeping:
        text += thread.timed ? " sleeps until its deadline" : " sleeps";
        break;
      case State::joining:
        text += " joins";
        break;
      case State::ended:
        text += " has ended";
        break;
    }
  }
  return text;
}

void Execution::trace(const Site& site, const std::string& text) {
  std::string file = site.file;
  file.erase(0, file.rfind('/') + 1);
  trace_.push_back("  " + threads_[running_].name + "  " + file + ":" + std::to_string(site.line) +
                   " " + site.function + ": " + text);
}

std::string Execution::trace_text() const {
  std::string text;
  for (const std::string& line : trace_) text += line + "\n";
  return text;
}

}  // namespace sluice::model
