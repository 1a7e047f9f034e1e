// sluice/runtime/nap_habit.hpp: a thread that is woken again and again for next to nothing sleeps by the clock.
//
// Waking a thread costs who wakes it 2 to 5 us where the other core has gone to sleep. A stage of 10 us
// before a cheap one pays that for every item, a fifth of its core, for work that could as well be done ten
// items at a time. So a thread whose waits were short and ended with little to do, several times in a
// row, naps instead of asking to be woken: it announces nothing, so nobody pays for a wake, and looks again
// by itself.
// (1) A nap delays what comes meanwhile by no more than the nap, and only where work came that often.
// (2) A nap that found nothing is followed by a real sleep, unless others work for the same thread (the
//     pool); then by a few more naps at most. So an idle run has no timers.
// (3) A nap that does not pay ends the habit for a while, for longer each time. It does not when fewer items come in
//     its time than came while each was woken for: then who sends them waited for this thread, for want of room
//     or for its answers.
// Owned by one thread. Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::detail {

class NapHabit {
 public:
  using Nanoseconds = std::int64_t;

  static constexpr std::chrono::microseconds kNap{50};  // about twice that with the timer's slack

  /// What came of a nap.
  enum class Found : unsigned char {
    nothing,
    enough,
    too_few,  ///< or there would have been work for two, all the while
  };

  /// Whether to nap now instead of sleeping.
  [[nodiscard]] bool naps() const noexcept { return short_waits_ >= kEnough && skip_ == 0; }

  /// A real sleep has ended: how long it was, for how long there was work after it, and of how many items.
  void slept(Nanoseconds waited, Nanoseconds worked, std::uint64_t items = 1) noexcept {
    if (waited >= kShortWait || worked >= kLittleWork) return begin_anew();
    if (skip_ > 0) --skip_;
    if (short_waits_ == kEnough) {
      usual_ns_ /= 2;  // older ones count less
      usual_items_ /= 2;
    } else {
      ++short_waits_;
    }
    usual_ns_ += static_cast<double>(waited + worked);
    usual_items_ += static_cast<double>(items);
  }

  /// As many items came from the beginning of a nap until there was nothing to do again.
  [[nodiscard]] Found judge(Nanoseconds time, std::uint64_t items) const noexcept {
    const double usual = usual_ns_ > 0 ? usual_items_ / usual_ns_ * static_cast<double>(time) : 0;
    return static_cast<double>(items) < kLeastShare * usual ? Found::too_few : Found::enough;
  }

  /// After a nap there was work for as long: with much of it the thread would better have been woken.
  void woke_to(Nanoseconds worked) noexcept {
    if (worked >= kMuchWork) begin_anew();
  }

  void napped(Found found) noexcept {
    if (found == Found::enough) {
      next_skip_ = kLeastSkip;
      return;
    }
    begin_anew();
    if (found == Found::nothing) return;
    skip_ = next_skip_;
    if (next_skip_ < kMostSkip) next_skip_ *= 2;
  }

 private:
  void begin_anew() noexcept {
    short_waits_ = 0;
    usual_ns_ = usual_items_ = 0;
  }

  static constexpr std::uint32_t kEnough = 4;
  static constexpr std::uint32_t kLeastSkip = 16;
  static constexpr std::uint32_t kMostSkip = 4096;
  static constexpr Nanoseconds kShortWait = 100'000;
  // Less than a wake costs by far. With as much as 1 us at a time, a chain whose stages take 1 us each loses a
  // twentieth by naps: there is always something to do somewhere.
  static constexpr Nanoseconds kLittleWork = 800;
  static constexpr Nanoseconds kMuchWork = 10'000;
  static constexpr double kLeastShare = 0.75;

  std::uint32_t short_waits_ = 0;
  double usual_ns_ = 0;  // of the short waits and the work after them
  double usual_items_ = 0;
  std::uint32_t skip_ = 0;  // short waits to go before the next nap
  std::uint32_t next_skip_ = kLeastSkip;
};

}  // namespace sluice::detail
