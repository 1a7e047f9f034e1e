// sluice/flow/panes.hpp: the open windows of one stream of items of which a fold is kept, but no item.
//
// (1) The line on which items lie (their numbers, or their times) is cut wherever a window begins or ends.
//     Between two cuts is a pane: its items are in the same windows, so one state is enough for them, and
//     a window is its panes, combined. (After Li et al. 2005, "No pane, no gain", whose panes are of equal
//     length; cutting only where it is needed makes at most two per step whatever the lengths.)
// (2) `panes_` holds the panes with an item that lie in an open window, the earliest first. Between calls
//     there are at most 2 * (size / step) + 1 of them, whatever the number of items; one where windows tumble.
// (3) The windows that come out are those of windows.hpp: the same begin, end and ordinal, at the same time.
// (4) An item that a step has refused (it threw) has left no trace; what is thrown after that may have cost
//     a window, so it is told apart (Folding::in_step).
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/deadline.hpp>
#include <sluice/flow/windows.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace sluice {

/// What became of items that came together: a Window without the items (window.hpp).
template <class Value, class At = std::uint64_t>
struct FoldedWindow {
  using value_type = Value;

  std::uint64_t ordinal =
      0;  ///< windows begin one step apart; those without items are counted, too
  At begin{};
  At end{};                 ///< the first point after it, also when it was closed before by the end
  std::uint64_t items = 0;  ///< how many were folded; never 0
  Value value;
};
/// A folded window by time.
template <class Value>
using FoldedTimeWindow = FoldedWindow<Value, Clock::time_point>;

namespace detail {

/// A worker's fold.
template <class Fold>
struct Folding {
  Fold fold;
  bool in_step = false;  ///< from the beginning of an item until its step has returned
};

/// Where items lie, by number.
class CountLine {
 public:
  CountLine(CountSpan span, Clock::time_point) noexcept : size(span.size), step(span.step) {}

  [[nodiscard]] std::uint64_t place(Clock::time_point) const noexcept { return taken_; }
  void take() noexcept { ++taken_; }
  /// Windows that end here or before are complete.
  [[nodiscard]] std::uint64_t reached(Clock::time_point) const noexcept { return taken_; }
  [[nodiscard]] std::uint64_t at(std::uint64_t place) const noexcept { return place; }
  [[nodiscard]] Deadline due(std::uint64_t) const noexcept { return {}; }

  std::uint64_t size;
  std::uint64_t step;

 private:
  std::uint64_t taken_ = 0;
};

/// Where items lie, by time: in ticks since the origin.
class TimeLine {
 public:
  TimeLine(TimeSpan span, Clock::time_point origin) noexcept
      : size(static_cast<std::uint64_t>(span.size.count())),
        step(static_cast<std::uint64_t>(span.step.count())),
        origin_(origin) {}

  [[nodiscard]] std::uint64_t place(Clock::time_point now) const noexcept {
    return static_cast<std::uint64_t>((now - origin_).count());
  }
  void take() noexcept {}
  [[nodiscard]] std::uint64_t reached(Clock::time_point now) const noexcept { return place(now); }
  [[nodiscard]] Clock::time_point at(std::uint64_t place) const noexcept {
    return origin_ + Clock::duration(static_cast<Clock::rep>(place));
  }
  [[nodiscard]] Deadline due(std::uint64_t place) const noexcept { return Deadline::at(at(place)); }

  std::uint64_t size;
  std::uint64_t step;

 private:
  Clock::time_point origin_;
};

template <class Span>
struct LineOf {
  using type = CountLine;
};
template <>
struct LineOf<TimeSpan> {
  using type = TimeLine;
};

template <class T, class Span, class Fold, bool kSliding>
class Panes {
 public:
  using Out = FoldedWindow<typename Fold::Value, typename Span::At>;
  Panes(Folding<Fold>& folding, Span span, Clock::time_point origin) noexcept
      : folding_(&folding), line_(span, origin) {}

  /// Takes the item in; then the windows that are complete come out.
  template <class Emit>
  void add(T&& item, Clock::time_point now, Emit emit) {
    folding_->in_step = true;
    take_in(std::move(item), pane_at(line_.place(now)));
    folding_->in_step = false;
    while (open() && end_of(ordinal_) <= line_.reached(now)) close_next(emit);
  }
  [[nodiscard]] bool open() const noexcept { return !panes_.empty(); }
  [[nodiscard]] Deadline due() const noexcept {
    return open() ? line_.due(end_of(ordinal_)) : Deadline{};
  }
  /// The open window that begins first comes out as it is.
  template <class Emit>
  void close_next(Emit emit) {
    const std::size_t inside = before(end_pane(ordinal_));
    std::uint64_t items = 0;
    for (std::size_t i = 0; i < inside; ++i) items += panes_[i].items;
    Out out{ordinal_, line_.at(ordinal_ * line_.step), line_.at(end_of(ordinal_)), items,
            folding_->fold.finish(state_of(inside))};
    ++ordinal_;
    panes_.erase(panes_.begin(),
                 panes_.begin() + static_cast<std::ptrdiff_t>(before(2 * ordinal_)));
    if (open()) skip_to(panes_.front().index);
    emit(std::move(out));
  }

 private:
  using State = typename Fold::State;
  struct Pane {
    std::uint64_t
        index;  // 2 * step, and one more behind the place where a window ends within the step
    std::uint64_t items;
    State state;
  };

  void take_in(T&& item, std::uint64_t index) {
    const bool first = panes_.empty();
    if (first || panes_.back().index < index) panes_.push_back({index, 0, folding_->fold.initial});
    Pane& pane = panes_.back();
    try {
      folding_->fold.step(pane.state, std::move(item));
    } catch (...) {
      if (pane.items == 0) panes_.pop_back();
      throw;
    }
    ++pane.items;
    line_.take();
    if (first) skip_to(index);
  }
  /// The state of the first `n` panes.
  State state_of(std::size_t n) {
    if constexpr (kSliding) {
      // What lies in no later window need not be copied.
      const bool last = panes_.front().index < 2 * (ordinal_ + 1);
      State whole = last ? State(std::move(panes_.front().state)) : State(panes_.front().state);
      for (std::size_t i = 1; i < n; ++i) {
        folding_->fold.combine(whole, std::as_const(panes_[i].state));
      }
      return whole;
    } else {
      return std::move(panes_.front().state);
    }
  }

  [[nodiscard]] std::uint64_t end_of(std::uint64_t ordinal) const noexcept {
    return ordinal * line_.step + line_.size;
  }
  /// How far behind the beginning of a step a window ends in it; 0 where ends and beginnings meet.
  [[nodiscard]] std::uint64_t cut() const noexcept { return line_.size % line_.step; }
  [[nodiscard]] std::uint64_t pane_at(std::uint64_t place) const noexcept {
    const bool behind = cut() != 0 && place % line_.step >= cut();
    return 2 * (place / line_.step) + (behind ? 1 : 0);
  }
  /// The first pane behind a window.
  [[nodiscard]] std::uint64_t end_pane(std::uint64_t ordinal) const noexcept {
    return 2 * (ordinal + line_.size / line_.step) + (cut() != 0 ? 1 : 0);
  }
  /// Panes before that one.
  [[nodiscard]] std::size_t before(std::uint64_t index) const noexcept {
    std::size_t n = 0;
    while (n < panes_.size() && panes_[n].index < index) ++n;
    return n;
  }
  /// Goes on to the first window that has this pane; never back.
  void skip_to(std::uint64_t index) noexcept {
    const bool ends_later = cut() != 0 && index % 2 == 0;  // a window ends behind it in its step
    const std::uint64_t whole_steps = line_.size / line_.step;
    const std::uint64_t after = index / 2 + (ends_later ? 0 : 1);
    if (after > whole_steps && after - whole_steps > ordinal_) ordinal_ = after - whole_steps;
  }

  Folding<Fold>* folding_;
  typename LineOf<Span>::type line_;
  std::uint64_t ordinal_ = 0;  // of the open window that begins first
  std::vector<Pane> panes_{};
};

}  // namespace detail
}  // namespace sluice
