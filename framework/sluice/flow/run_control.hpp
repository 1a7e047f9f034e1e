// sluice/flow/run_control.hpp: what a stage's step may ask of the run that it is part of.
//
// The run implements it (runtime/run_state.hpp); steps and contexts call upward through it, so that
// nothing below the run knows the run.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/dead_letter.hpp>
#include <sluice/deadline.hpp>
#include <sluice/error.hpp>
#include <sluice/sync/wait_point.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <stop_token>
#include <string>
#include <string_view>

namespace sluice {
namespace detail {

class RunControl {
 public:
  RunControl() = default;
  RunControl(const RunControl&) = delete;
  RunControl& operator=(const RunControl&) = delete;

  /// True once contents are to be dropped; looked at between items.
  [[nodiscard]] bool cancelled() const noexcept {
    // sync-point run-cancelled: whoever sees the flag also sees the error that raised it.
    return cancelled_.load(std::memory_order_acquire);
  }
  /// True once sources are to end.
  [[nodiscard]] bool stopping() const noexcept {
    return stop_source_.stop_requested() || cancelled();
  }
  /// What time it is for all that waits inside a step: back-off, linger, windows, throttles. The steady
  /// clock, unless a driver has set another time. Read per timer, not per item.
  [[nodiscard]] Clock::time_point now() const noexcept {
    return is_virtual_ ? virtual_now_ : Clock::now();
  }
  /// From now on the run's clock stands still at `now`. Only for a driver that runs all steps on one
  /// thread and waits for nothing: carriers wait by the steady clock.
  void set_now(Clock::time_point now) noexcept {
    is_virtual_ = true;
    virtual_now_ = now;
  }
  /// The callback asks whether it is to stop. In a worker process somebody begins to listen then.
  virtual void heed_stop() noexcept {}
  /// Stopped by stop() and by cancel().
  [[nodiscard]] std::stop_token stop_token() const { return stop_source_.get_token(); }

  virtual void fail(const StageError& error) noexcept = 0;        ///< records it and cancels
  virtual void dead_letter(DeadLetter letter) noexcept = 0;       ///< records it
  virtual void note_error(const StageError& error) noexcept = 0;  ///< records it, goes on
  virtual void request_stop() noexcept = 0;
  virtual void request_cancel() noexcept = 0;
  virtual void log(std::string_view stage, std::string_view text) noexcept = 0;
  /// Where a worker with a thread of its own waits for room in one of several queues.
  [[nodiscard]] virtual WaitPoint& room_point() noexcept = 0;
  /// Has workers look again that wait for room, in queues, in a window or in the memory budget.
  virtual void ring_room() noexcept = 0;
  /// Has workers that wait for a timer look again: their stage has ended early.
  virtual void ring_timers() noexcept = 0;

 protected:
  ~RunControl() = default;

  std::atomic<bool> cancelled_{false};
  std::stop_source stop_source_;

 private:
  bool is_virtual_ = false;
  Clock::time_point virtual_now_{};
};

}  // namespace detail
}  // namespace sluice
