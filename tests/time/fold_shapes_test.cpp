// time/fold_shapes_test.cpp: windows that fold against windows that keep their items, and in pipelines under
// thousands of step orders.
// SPDX-License-Identifier: MIT
#include <support/shape_round.hpp>

#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

/// A state that is the items, so that nothing about them is lost.
template <class T>
auto as_items() {
  return fold(
      std::vector<T>(), [](std::vector<T>& items, const T& item) { items.push_back(item); },
      [](std::vector<T>& items, const std::vector<T>& later) {
        items.insert(items.end(), later.begin(), later.end());
      });
}

template <class T, class At>
void require_same(const Window<T, At>& kept, const FoldedWindow<std::vector<T>, At>& folded) {
  require(kept.ordinal == folded.ordinal, "another ordinal");
  require(kept.begin == folded.begin && kept.end == folded.end, "another span");
  require(kept.items == folded.value && kept.items.size() == folded.items, "other items");
}
template <class Key, class K, class F>
void require_same(const std::pair<Key, K>& kept, const std::pair<Key, F>& folded) {
  require(kept.first == folded.first, "another key");
  require_same(kept.second, folded.second);
}

/// Both are given the same, item by item and wait by wait, and at each moment the same has come out.
template <class Kept, class Folded>
void require_same_story(Draw& draw, Kept& kept, Folded& folded) {
  const auto require_same_outputs = [&] {
    const auto wanted = kept.take_outputs();
    const auto got = folded.take_outputs();
    require(wanted.size() == got.size(), "more windows, or fewer");
    for (std::size_t i = 0; i < wanted.size(); ++i) require_same(wanted[i], got[i]);
  };
  const std::size_t acts = draw.between(0, 40);
  for (Number n = 0; n < acts; ++n) {
    if (draw.one_in(3)) {
      const auto wait = std::chrono::milliseconds(draw.between(1, draw.one_in(5) ? 500 : 20));
      kept.advance(wait);
      folded.advance(wait);
    } else {
      kept.put(n);
      folded.put(n);
    }
    require_same_outputs();
  }
  kept.finish();
  folded.finish();
  require_same_outputs();
}

template <class Span>
void require_same_windows(Draw& draw, Span size, Span step) {
  using Value = std::vector<Number>;
  using Out = decltype([] {
    if constexpr (std::is_same_v<Span, std::size_t>) {
      return std::pair<Window<Number>, FoldedWindow<Value>>{};
    } else {
      return std::pair<TimeWindow<Number>, FoldedTimeWindow<Value>>{};
    }
  }());
  using Kept = typename Out::first_type;
  using Folded = typename Out::second_type;
  const bool tumble = draw.one_in(3);
  if (draw.one_in(2)) {
    testing::StageHarness<Number, Kept> kept(tumble ? sliding("w", size, size)
                                                    : sliding("w", size, step));
    if (tumble) {
      testing::StageHarness<Number, Folded> folded(tumbling("w", size, as_items<Number>()));
      return require_same_story(draw, kept, folded);
    }
    testing::StageHarness<Number, Folded> folded(sliding("w", size, step, as_items<Number>()));
    return require_same_story(draw, kept, folded);
  }
  const Number keys = draw.between(1, 3);
  const auto key = key_by([keys](Number n) { return n * 7 % 11 % keys; });
  using KeyedKept = testing::StageHarness<Number, std::pair<Number, Kept>>;
  using KeyedFolded = testing::StageHarness<Number, std::pair<Number, Folded>>;
  KeyedKept kept(key, sliding("w", size, tumble ? size : step));
  if (tumble) {
    KeyedFolded folded(key, tumbling("w", size, as_items<Number>()));
    return require_same_story(draw, kept, folded);
  }
  KeyedFolded folded(key, sliding("w", size, step, as_items<Number>()));
  require_same_story(draw, kept, folded);
}

TEST_CASE("Folds: the same windows as those that keep their items, at the same moments",
          "[time][model]") {
  explore_shape("folded as kept", [](std::uint64_t seed) {
    Draw draw(seed);
    const std::size_t size = draw.between(1, 40);
    const std::size_t step = draw.between(size > 8 && draw.one_in(2) ? size / 8 : 1, size);
    if (draw.one_in(2)) {
      require_same_windows(draw, size, step);
    } else {
      require_same_windows(draw, std::chrono::nanoseconds(std::chrono::milliseconds(size)),
                           std::chrono::nanoseconds(std::chrono::milliseconds(step)));
    }
  });
}

TEST_CASE("Folds: the same windows as those that keep their items, also when no timer is on time",
          "[time][model]") {
  explore_shape("folded as kept, late", [](std::uint64_t seed) {
    Draw draw(seed);
    using Fold = decltype(as_items<Number>());
    const auto size = std::chrono::nanoseconds(draw.between(1, 50));
    const auto step = std::chrono::nanoseconds(draw.between(1, draw.between(1, 50)));
    const detail::TimeSpan span{std::max(size, step), step};
    const Clock::time_point origin(std::chrono::nanoseconds(draw.between(0, 1000)));
    detail::Folding<Fold> folding{as_items<Number>()};
    detail::Windows<Number, detail::TimeSpan, true> kept(span, origin);
    detail::Panes<Number, detail::TimeSpan, Fold, true> folded(folding, span, origin);
    std::vector<TimeWindow<Number>> wanted;
    std::vector<FoldedTimeWindow<Numbers>> got;
    const auto want = [&wanted](TimeWindow<Number>&& window) {
      wanted.push_back(std::move(window));
    };
    const auto get = [&got](FoldedTimeWindow<Numbers>&& window) {
      got.push_back(std::move(window));
    };
    Clock::time_point now = origin;
    for (Number n = 0; n < 40; ++n) {
      now += std::chrono::nanoseconds(draw.between(0, draw.one_in(8) ? 300 : 12));
      kept.add(Number{n}, now, want);
      folded.add(Number{n}, now, get);
      require(kept.due() == folded.due() && kept.open() == folded.open(), "due at another time");
    }
    while (kept.open()) kept.close_next(want);
    while (folded.open()) folded.close_next(get);
    require(wanted.size() == got.size(), "more windows, or fewer");
    for (std::size_t i = 0; i < wanted.size(); ++i) require_same(wanted[i], got[i]);
  });
}

TEST_CASE("Folds: windows by time, each item in all the windows of its time and no other",
          "[time][model]") {
  explore_shape("folds by time", [](std::uint64_t seed) {
    Round round(seed);
    const auto size = static_cast<std::int64_t>(round.draw.between(1, 3000));
    const auto step = static_cast<std::int64_t>(round.draw.between(
        static_cast<std::size_t>(size / 8 > 0 ? size / 8 : 1), static_cast<std::size_t>(size)));
    using Stamped = std::pair<Number, std::int64_t>;  // and the milliseconds at which it came
    std::map<Number, std::int64_t> came;
    std::map<Number, std::int64_t> windows_of;
    const auto stamp = [](Number n, Context& context) {
      const auto time = context.now().time_since_epoch();
      return Stamped{n, std::chrono::floor<std::chrono::milliseconds>(time).count()};
    };
    const auto check = [&](const FoldedTimeWindow<std::vector<Stamped>>& window) {
      const auto begin = step * static_cast<std::int64_t>(window.ordinal);
      require(window.begin.time_since_epoch() == std::chrono::milliseconds(begin), "a wrong begin");
      require(window.end - window.begin == std::chrono::milliseconds(size), "a wrong length");
      require(window.items == window.value.size() && window.items > 0, "a wrong count");
      for (std::size_t i = 0; i < window.value.size(); ++i) {
        const auto& [n, time] = window.value[i];
        require(i == 0 || window.value[i - 1].first < n, "the order is lost");
        require(begin <= time && time < begin + size, "an item in a wrong window");
        came[n] = time;
        ++windows_of[n];
      }
    };
    round.paced(3) | map("stamp", stamp, round.one_worker()) |
        sliding("w", std::chrono::milliseconds(size), std::chrono::milliseconds(step),
                as_items<Stamped>(), round.one_worker()) |
        sink("check", check, round.draw.sink());
    round.run();
    if (round.cancelled) return;
    require(came.size() == round.emitted, "items are missing");
    for (const auto& [n, time] : came) {
      const std::int64_t last = time / step;
      const std::int64_t first = time < size ? 0 : (time - size) / step + 1;
      require(windows_of[n] == last - first + 1, "an item is missing in a window");
    }
  });
}

TEST_CASE("Folds: per key with items that fail, each good item once and in order",
          "[time][model]") {
  explore_shape("folds per key", [](std::uint64_t seed) {
    Round round(seed);
    const Number keys = round.draw.between(1, 4);
    const Number bad = round.draw.between(2, 6);
    const bool again = round.draw.one_in(2);
    const std::size_t size = round.draw.between(1, 5);
    std::vector<unsigned> tried(kMost);
    std::map<Number, Numbers> got;
    std::map<Number, Number> ordinals;
    const auto step = [&](Numbers& items, Number n) {
      const bool first = tried[n]++ == 0;
      if (n % bad == 0 && (first || !again)) throw std::runtime_error("a bad item");
      items.push_back(n);
    };
    const auto check = [&](const std::pair<Number, FoldedWindow<Numbers>>& keyed) {
      const auto& [key, window] = keyed;
      require(window.ordinal == ordinals[key]++, "a wrong ordinal");
      require(window.items == window.value.size() && window.items <= size, "a wrong count");
      got[key].insert(got[key].end(), window.value.begin(), window.value.end());
    };
    StageOptions options = round.draw.stage();
    options.on_error = again ? retry(1) : skip();
    round.source() | key_by([keys](Number n) { return n % keys; }) |
        tumbling("w", size, fold(Numbers(), step), options) |
        sink("check", check, round.draw.sink());
    const Report report = round.run();
    if (round.cancelled) return;
    std::map<Number, Numbers> wanted;
    Number skipped = 0;
    for (Number n = 0; n < round.emitted; ++n) {
      if (n % bad == 0 && !again) {
        ++skipped;
      } else {
        wanted[n % keys].push_back(n);
      }
    }
    require(got == wanted, "not the good items, once and in order");
    require(report.stage("w").skipped == skipped, "a wrong number of skipped items");
  });
}

}  // namespace
}  // namespace sluice
