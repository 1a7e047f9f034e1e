// support/watched_run.hpp: a run that says who waits for whom when the test hangs.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/watchdog.hpp>

#include <sluice/run.hpp>

#include <utility>

namespace sluice::testing_support {

/// A started run whose explain() the watchdog prints. Threads  make and destroy it on the main thread.
class WatchedRun {
 public:
  explicit WatchedRun(const Pipeline& pipeline, RunOptions options = {})
      : run_{start(pipeline, std::move(options))}, dump_{"pipeline " + pipeline.name(), [this] {
                                                           return run_.explain();
                                                         }} {}

  [[nodiscard]] RunHandle& operator*() noexcept { return run_; }
  [[nodiscard]] RunHandle* operator->() noexcept { return &run_; }

  /// Blocks until the run has ended, however it ended.
  /// Returns  its final report. Throws  std::logic_error when the ledger does not balance.
  [[nodiscard]] Report end() {
    static_cast<void>(run_.join());
    return run_.snapshot();
  }

 private:
  RunHandle run_;
  StateDump dump_;
};

/// run() under the watchdog's eyes.
inline Report run_watched(const Pipeline& pipeline, RunOptions options = {}) {
  WatchedRun run{pipeline, std::move(options)};
  return run->wait();
}

}  // namespace sluice::testing_support
