// sluice/cli/run_watch.hpp: stays with a run until it ends: signals, progress, the time to drain.
//
// The calling thread does all of it; a second one sits in join() and wakes it at the end. So an idle
// run costs nothing, and signals, snapshots and messages need no locks among themselves. It never waits for
// whoever reads standard error; what is not taken it offers again.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/cli/console.hpp>
#include <sluice/cli/progress.hpp>
#include <sluice/os/signals.hpp>
#include <sluice/run.hpp>

#include <atomic>
#include <optional>
#include <string>

namespace sluice::detail {

enum class Progress : unsigned char { off, live, lines };

struct WatchOptions {
  double grace_s = 10;
  Progress progress = Progress::off;
};

/// How the watch ended.
struct Watched {
  bool interrupted = false;
  bool late = false;               ///< the time to drain was over; the run was cancelled after that
  bool stuck = false;              ///< ... and still has not ended
  std::string late_cause;          ///< "stage: what it does", when late
  std::optional<Report> at_grace;  ///< the report at that moment, when late
};

/// Watches one run.
///
/// The first SIGINT or SIGTERM stops the run, the second cancels it, the third ends the time to
/// drain, which runs from the first. SIGUSR1 prints RunHandle::explain().
class RunWatch {
 public:
  RunWatch(RunHandle& run, SignalGate& gate, Console& console, WatchOptions options)
      : run_(run), gate_(gate), console_(console), options_(options) {}

  /// `failed_elsewhere`, once true and the gate woken, cancels the run: results can't be written.
  /// Blocks  until the run has ended, or is stuck.
  [[nodiscard]] Watched until_end(const std::atomic<bool>& failed_elsewhere);

 private:
  void on_end_signal();
  void on_woken(const std::atomic<bool>& failed_elsewhere);
  void on_grace_over();
  void show_progress();
  void cancel_for_failure();
  [[nodiscard]] bool grace_is_over() const;
  [[nodiscard]] Deadline next_wake() const;

  RunHandle& run_;
  SignalGate& gate_;
  Console& console_;
  const WatchOptions options_;
  ProgressMeter meter_{};
  std::atomic<bool> ended_{false};
  int end_signals_ = 0;
  bool cancelled_for_failure_ = false;
  Deadline grace_{};
  Deadline next_progress_{};
  Watched result_{};
};

}  // namespace sluice::detail
