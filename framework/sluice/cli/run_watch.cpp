// sluice/cli/run_watch.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/run_watch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace sluice::detail {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLivePeriod{200};
constexpr milliseconds kLinePeriod{1000};
// After the time to drain the run is cancelled and has this long to end by itself.
constexpr milliseconds kLastChance{1000};
// How soon text that standard error did not take is offered again.
constexpr milliseconds kOfferPeriod{100};

// The line of explain() that names the stage everything waits for.
std::string root_cause(const std::string& explanation) {
  constexpr std::string_view kMark = "root cause: ";
  const std::size_t at = explanation.rfind(kMark);
  if (at == explanation.npos) return "unknown";
  const std::size_t begin = at + kMark.size();
  return explanation.substr(begin, explanation.find('\n', begin) - begin);
}

}  // namespace

Deadline RunWatch::next_wake() const {
  const Deadline next = std::min(grace_, next_progress_);
  return console_.waiting() ? std::min(next, Deadline::after(kOfferPeriod)) : next;
}

bool RunWatch::grace_is_over() const { return end_signals_ > 0 && grace_.passed(); }

void RunWatch::on_end_signal() {
  ++end_signals_;
  result_.interrupted = true;
  if (end_signals_ == 1) {
    console_.message("stopping: sources end, what is inside drains; once more drops it");
    grace_ = Deadline::after(std::chrono::duration<double>(options_.grace_s));
    run_.stop();
  } else if (end_signals_ == 2) {
    console_.message("cancelling: what is inside is dropped; once more ends the process");
    console_.hurry();
    run_.cancel();
  } else {
    grace_ = Deadline::now();
  }
}

void RunWatch::on_woken(const std::atomic<bool>& failed_elsewhere) {
  // sync-point results-unwritable: the failure's message was printed before.
  if (!failed_elsewhere.load(std::memory_order_acquire) || cancelled_for_failure_) return;
  cancelled_for_failure_ = true;
  run_.cancel();
}

void RunWatch::show_progress() {
  const bool live = options_.progress == Progress::live;
  next_progress_ = Deadline::after(live ? kLivePeriod : kLinePeriod);
  const std::string line = meter_.line(run_.snapshot());
  if (live) {
    console_.live(line);
  } else {
    console_.block(line);
  }
}

void RunWatch::on_grace_over() {
  result_.late = true;
  console_.hurry();
  const std::string explanation = run_.explain();
  result_.late_cause = root_cause(explanation);
  result_.at_grace = run_.snapshot();
  console_.end_live();
  console_.block(explanation);
  run_.cancel();
  result_.stuck = run_.join(kLastChance) == JoinStatus::late;
}

Watched RunWatch::until_end(const std::atomic<bool>& failed_elsewhere) {
  if (options_.progress != Progress::off) next_progress_ = Deadline::after(kLivePeriod);
  std::thread joiner([this] {
    static_cast<void>(run_.join());
    // sync-point watched-end: what the run did is seen by whoever sees the flag.
    ended_.store(true, std::memory_order_release);
    gate_.wake();
  });
  // sync-point watched-end: acquires what the joining thread saw.
  while (!ended_.load(std::memory_order_acquire) && !result_.late) {
    switch (gate_.wait(next_wake())) {
      case SignalGate::Event::end:
        on_end_signal();
        break;
      case SignalGate::Event::explain:
        console_.block(run_.explain());
        break;
      case SignalGate::Event::woken:
        on_woken(failed_elsewhere);
        break;
      case SignalGate::Event::late:
        break;
    }
    if (ended_.load(std::memory_order_acquire)) break;  // sync-point watched-end: as above
    console_.pass_on();
    if (grace_is_over()) on_grace_over();
    if (!result_.late && next_progress_.passed()) show_progress();
  }
  console_.end_live();
  // A stuck run's joiner can't be joined: the process is about to end.
  if (result_.stuck) {
    joiner.detach();
  } else {
    joiner.join();
  }
  return std::move(result_);
}

}  // namespace sluice::detail
