// sluice/runtime/process_hang.hpp: whether a worker's process hangs.
//
// By what it says of itself, which is no proof, and by what the system says: so it is killed, and judged when
// it is dead. A process hangs that
// (1) has a function at work for longer than the timeout per item, where there is one. Waiting for room does
//     not count. Without a timeout a function may take for ever, and start() always may;
// (2) holds leases, whose answers were all read, and begins none, nor publishes anything, for kStuck;
// (3) makes no progress and was found stopped at every look for kStuck, whatever it was doing. Only looks
//     count, a second each at most: a parent that was stopped itself blames nobody for that time. What a
//     debugger has stopped is not;
// (4) has said that it started, which was published before, and now nothing is: its page is damaged;
// (5) was asked to end and has not for kProcessEndTime.
// After a second without any progress its worker looks, once, at what it has published: perhaps nobody was told.
// Costs a few loads per look, and a look at a file of the system's per second without any progress.
// Threads  one, the supervisor.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>
#include <sluice/os/event_counter.hpp>
#include <sluice/process/channel.hpp>
#include <sluice/process/stop_line.hpp>
#include <sluice/runtime/process_slot.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::detail {

/// How long a process that was told to end may take before it is killed.
inline constexpr std::chrono::seconds kProcessEndTime{10};
/// Between two looks at a process that holds leases, at most.
inline constexpr std::chrono::seconds kSlowTick{1};

class HangWatch {
 public:
  /// 0: no timeout.
  explicit HangWatch(std::chrono::nanoseconds timeout) noexcept : timeout_(timeout) {}

  struct Watched {
    const Incarnation& live;
    const EventCounter& worker;                       // has the worker's thread look again
    const std::atomic<std::int64_t>& waits_since_ns;  // as ProcessSlot says it
    const Descriptor& process;
    StopLine& line;
    int pid = 0;
  };
  /// Another process from now on.
  void begin() noexcept;
  /// It was stopped by who watches it, and goes on: until now its time does not count.
  void resume(std::int64_t now) noexcept { resumed_ns_ = now; }
  /// How often to look.
  [[nodiscard]] std::chrono::nanoseconds tick() const noexcept;
  /// Returns  why it is to be killed; empty: it is not. Throws  std::bad_alloc.
  [[nodiscard]] std::string look(const Watched& watched, std::int64_t now);
  /// The ticket of the lease that has taken too long, when that is why; else 0.
  [[nodiscard]] std::uint64_t late() const noexcept { return late_; }

 private:
  using Progress = LeaseChannel::Progress;

  [[nodiscard]] bool was_stopped_long(const Watched& watched, const Progress& progress,
                                      std::int64_t now);
  [[nodiscard]] std::string why_running(const Progress& progress, std::int64_t now);
  [[nodiscard]] std::string why_waiting(const Watched& watched, std::int64_t now) const;

  const std::chrono::nanoseconds timeout_;
  std::uint64_t late_ = 0;
  std::int64_t retired_since_ns_ = 0;
  std::int64_t resumed_ns_ = 0;
  std::int64_t room_since_ns_ = 0;  // when it was last seen to wait for room
  // As of the last look at its state, or the last progress.
  std::uint64_t started_ = 0;
  std::uint64_t committed_ = 0;
  std::uint64_t answered_ = 0;
  std::optional<std::uint64_t>
      rung_for_{};  // its worker was told to look at what is published so far
  std::int64_t state_look_ns_ = 0;
  std::int64_t stopped_ns_ = 0;  // for how long it was found stopped
  std::int64_t moved_ns_ = 0;    // the look that saw its last progress
};

}  // namespace sluice::detail
