// sluice/runtime/stop_listener.hpp: in a worker process, the thread that hears that its stage is to stop.
//
// Started when the function asks for the first time, so a process whose function never asks has one thread and
// pays nothing. It sleeps until a word comes; with a soft timeout it also looks at the item in progress now
// and then, as the run's own watch does for threads (overdue_watch.hpp), which counts and tells.
//
// Owned by the worker's thread: the line and the hooks before begin(), the listener's end.
// Owned by the listener's thread: the line (but for what any thread may say on it) and the hooks after begin(). It
// ends before anything that they reach.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/unique_function.hpp>
#include <sluice/os/event_counter.hpp>
#include <sluice/os/readable_set.hpp>
#include <sluice/process/stop_line.hpp>

#include <chrono>
#include <optional>
#include <thread>

namespace sluice::detail {

class StopListener {
 public:
  struct Hooks {
    UniqueFunction<void(StopWord)> heard{};  ///< a word, at most once each
    UniqueFunction<void()> look{};           ///< every period
    std::chrono::nanoseconds period{0};      ///< 0: never
  };

  StopListener(StopLineEnd line, Hooks hooks);
  /// Blocks  until its thread has ended.
  ~StopListener();
  StopListener(const StopListener&) = delete;
  StopListener& operator=(const StopListener&) = delete;

  /// What was told so far is heard in here, the rest by a thread from now on; the parent knows when this returns.
  /// Idempotent. Without memory for a thread nothing more is heard, and the next call tries again.
  /// Threads  the worker's.
  void begin() noexcept;
  /// Says so to the parent. Threads  the worker's.
  void say_started() const noexcept { line_.say_started(); }

 private:
  void hear();
  void listen() noexcept;

  StopLineEnd line_;
  Hooks hooks_;
  StopWord heard_ = StopWord::none;
  ReadableSet set_;
  std::optional<EventCounter> end_{};
  std::thread thread_;
};

}  // namespace sluice::detail
