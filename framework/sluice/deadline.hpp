// sluice/deadline.hpp: until when a blocking call may wait.
//
// A deadline is a point in time, not a duration: it can be handed down through several waits and
// still ends when the caller meant. The clock is the steady one, so setting the date changes nothing.
// Layer: deadline. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>
#include <sluice/error.hpp>

#include <compare>

namespace sluice {

/// The clock of all deadlines.
using Clock = std::chrono::steady_clock;

namespace detail {

[[noreturn]] inline void throw_bad_duration() {
  throw UsageError(
      "deadline: the duration is negative or not a number; give a duration of at least 0, or no "
      "deadline");
}

}  // namespace detail

/// The last argument of every blocking call. Default: never.
///
///     queue.put(item);                                 waits as long as it takes
///     queue.put(item, std::chrono::milliseconds{20});  waits at most 20 ms from now
///     queue.put(item, sluice::Deadline::now());        one try
class Deadline {
 public:
  /// Never passes.
  constexpr Deadline() noexcept = default;

  /// A duration from now. 0 means one try. A duration too long for the clock means never.
  /// Throws  UsageError when it is negative (or not a number).
  template <class Rep, class Period>
  Deadline(std::chrono::duration<Rep, Period> duration)
      : at_(point_after(duration, [] { return Clock::now(); })) {}

  /// A point of the steady clock. One that has passed means one try.
  template <class Duration>
  constexpr Deadline(std::chrono::time_point<Clock, Duration> point) noexcept
      : at_(std::chrono::time_point_cast<Clock::duration>(point)) {}

  [[nodiscard]] static constexpr Deadline never() noexcept { return {}; }
  /// One try: the call does not wait.
  [[nodiscard]] static constexpr Deadline now() noexcept { return Deadline(kOneTry); }
  template <class Rep, class Period>
  [[nodiscard]] static Deadline after(std::chrono::duration<Rep, Period> duration) {
    return Deadline(duration);
  }
  /// A duration from `start`, which need not be the present.
  template <class Rep, class Period>
  [[nodiscard]] static Deadline after(std::chrono::duration<Rep, Period> duration,
                                      Clock::time_point start) {
    return Deadline(point_after(duration, [start] { return start; }));
  }
  template <class Duration>
  [[nodiscard]] static constexpr Deadline at(
      std::chrono::time_point<Clock, Duration> point) noexcept {
    return Deadline(point);
  }

  [[nodiscard]] constexpr bool is_never() const noexcept { return at_ == Clock::time_point::max(); }
  /// True for now() and for a duration of 0: known to allow one try without reading the clock.
  [[nodiscard]] constexpr bool is_one_try() const noexcept { return at_ == kOneTry; }
  [[nodiscard]] bool passed() const noexcept {
    if (is_never()) return false;
    return is_one_try() || passed(Clock::now());
  }
  /// Passed as of `now`, a reading of whatever clock the deadline was made by.
  [[nodiscard]] constexpr bool passed(Clock::time_point now) const noexcept {
    return !is_never() && now >= at_;
  }
  /// Clock::time_point::max() for never, min() for one try.
  [[nodiscard]] constexpr Clock::time_point time() const noexcept { return at_; }

  friend constexpr bool operator==(const Deadline&, const Deadline&) noexcept = default;
  /// The earlier one is the smaller one.
  friend constexpr auto operator<=>(const Deadline&, const Deadline&) noexcept = default;

 private:
  static constexpr Clock::time_point kOneTry = Clock::time_point::min();

  template <class Rep, class Period, class Now>
  static Clock::time_point point_after(std::chrono::duration<Rep, Period> duration, Now now) {
    if (!(duration >= duration.zero())) detail::throw_bad_duration();
    if (duration == duration.zero()) return kOneTry;
    const Clock::time_point start = now();
    // Compared in floating point, because the conversion itself could overflow.
    using Seconds = std::chrono::duration<double>;
    const Clock::duration left = Clock::time_point::max() - start;
    if (Seconds(duration) >= Seconds(left)) return Clock::time_point::max();
    return start + std::chrono::ceil<Clock::duration>(duration);
  }

  Clock::time_point at_ = Clock::time_point::max();
};

}  // namespace sluice
