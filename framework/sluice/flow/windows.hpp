// sluice/flow/windows.hpp: the open windows of one stream of items, by number or by time.
//
// (1) Every window that has an item comes out exactly once, in the order of begin; an empty one never.
// (2) Windows begin `step` apart, the first at the origin, and are `size` long; step <= size, so that every
//     item lies in one at least.
// (3) `items_` holds what lies in an open window, the earliest first. Sliding windows share items, so they
//     are copied out; others are moved.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/deadline.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace sluice {

/// Items that came together: by number (At is an index, from 0, among the items of the worker or key), or
/// by time (At is a point of the run's clock).
template <class T, class At = std::uint64_t>
struct Window {
  using value_type = T;

  std::uint64_t ordinal =
      0;  ///< windows begin one step apart; those without items are counted, too
  At begin{};
  At end{};                ///< the first point after it, also when it was closed before by the end
  std::vector<T> items{};  ///< in the order of arrival; never empty
};
/// A window by time.
template <class T>
using TimeWindow = Window<T, Clock::time_point>;

namespace detail {

struct CountSpan {
  using At = std::uint64_t;
  std::uint64_t size = 1;
  std::uint64_t step = 1;
};

struct TimeSpan {
  using At = Clock::time_point;
  Clock::duration size{1};
  Clock::duration step{1};
};

template <class T>
void drop_first(std::vector<T>& list, std::size_t n) {
  list.erase(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(n));
}

template <class T, class Span, bool kSliding>
class Windows;

template <class T, bool kSliding>
class Windows<T, CountSpan, kSliding> {
 public:
  using Out = Window<T>;
  Windows(CountSpan span, Clock::time_point) noexcept : span_(span) {}

  template <class Emit>
  void add(T&& item, Clock::time_point, Emit emit) {
    items_.push_back(std::move(item));
    if (items_.size() == span_.size) close_next(emit);
  }
  [[nodiscard]] bool open() const noexcept { return !items_.empty(); }
  [[nodiscard]] Deadline due() const noexcept { return {}; }
  /// The open window that begins first comes out as it is.
  template <class Emit>
  void close_next(Emit emit) {
    const std::uint64_t begin = ordinal_ * span_.step;
    Out out{ordinal_, begin, begin + span_.size, {}};
    if constexpr (kSliding) {
      out.items = items_;
      drop_first(items_, items_.size() < span_.step ? items_.size() : span_.step);
    } else {
      out.items = std::exchange(items_, {});
    }
    ++ordinal_;
    emit(std::move(out));
  }

 private:
  CountSpan span_;
  std::uint64_t ordinal_ = 0;  // of the open window that begins first
  std::vector<T> items_{};
};

template <class T, bool kSliding>
class Windows<T, TimeSpan, kSliding> {
 public:
  using Out = TimeWindow<T>;
  Windows(TimeSpan span, Clock::time_point origin) noexcept : span_(span), origin_(origin) {}

  /// Windows that have ended by `now` come out first.
  template <class Emit>
  void add(T&& item, Clock::time_point now, Emit emit) {
    while (due().passed(now)) close_next(emit);
    if (items_.empty()) skip_to(now);
    if constexpr (kSliding) times_.push_back(now);
    items_.push_back(std::move(item));
  }
  [[nodiscard]] bool open() const noexcept { return !items_.empty(); }
  [[nodiscard]] Deadline due() const noexcept {
    return items_.empty() ? Deadline{} : Deadline::at(begin() + span_.size);
  }
  template <class Emit>
  void close_next(Emit emit) {
    Out out{ordinal_, begin(), begin() + span_.size, {}};
    if constexpr (kSliding) {
      const auto inside = static_cast<std::ptrdiff_t>(before(out.end));
      out.items.assign(items_.begin(), items_.begin() + inside);
      ++ordinal_;
      const std::size_t left = before(begin());
      drop_first(items_, left);
      drop_first(times_, left);
      if (!times_.empty()) skip_to(times_.front());
    } else {
      out.items = std::exchange(items_, {});
      ++ordinal_;
    }
    emit(std::move(out));
  }

 private:
  [[nodiscard]] Clock::time_point begin() const noexcept {
    return origin_ + span_.step * static_cast<Clock::rep>(ordinal_);
  }
  /// Items that came before `time`.
  [[nodiscard]] std::size_t before(Clock::time_point time) const noexcept {
    std::size_t n = 0;
    while (n < times_.size() && times_[n] < time) ++n;
    return n;
  }
  /// Goes on to the first window that reaches beyond `time`; never back.
  void skip_to(Clock::time_point time) noexcept {
    const Clock::duration missed = time - origin_ - span_.size;
    if (missed.count() < 0) return;
    const auto first = static_cast<std::uint64_t>(missed / span_.step) + 1;
    if (first > ordinal_) ordinal_ = first;
  }

  TimeSpan span_;
  Clock::time_point origin_;
  std::uint64_t ordinal_ = 0;  // of the open window that begins first
  std::vector<T> items_{};
  std::vector<Clock::time_point> times_{};  // when each came; unused unless sliding
};

}  // namespace detail
}  // namespace sluice
