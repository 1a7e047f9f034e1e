// sluice/os/signals.hpp: the signals of a run as events that one thread waits for.
//
// (1) Signals are blocked, not handled: no user code is ever interrupted by ours.
// (2) What was there before is there again after the destructor.
// Only the command line uses this; the library itself never touches signals.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/deadline.hpp>

#include <memory>

namespace sluice::detail {

/// While it lives, SIGINT, SIGTERM and SIGUSR1 are events.
///
/// Make it before any other thread starts: threads inherit the blocked signals. A thread that is
/// older and does not block them would get them instead.
/// Threads  wake() from any; the rest from the one that made it.
class SignalGate {
 public:
  enum class Event : unsigned char {
    late,     ///< the deadline passed
    end,      ///< SIGINT or SIGTERM
    explain,  ///< SIGUSR1
    woken,    ///< by wake(); several calls may be one event
  };

  /// Throws  std::system_error.
  SignalGate();
  ~SignalGate();
  SignalGate(const SignalGate&) = delete;
  SignalGate& operator=(const SignalGate&) = delete;

  /// Blocks   until an event or the deadline. Signals come before wake-ups.
  /// Throws   std::system_error.
  [[nodiscard]] Event wait(const Deadline& deadline);
  void wake() noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// While it lives, writing to a closed pipe is an error of the write and no signal.
class IgnoredSigpipe {
 public:
  IgnoredSigpipe();
  ~IgnoredSigpipe();
  IgnoredSigpipe(const IgnoredSigpipe&) = delete;
  IgnoredSigpipe& operator=(const IgnoredSigpipe&) = delete;

 private:
  struct Before;
  std::unique_ptr<Before> before_;
};

}  // namespace sluice::detail
