// time/shapes_test.cpp: pipelines with batches, windows, throttles and states per key under thousands of step
// orders, undisturbed, stopped and cancelled.
//
// SLUICE_SEED=<the seed of a failing round> tries that one alone.
// SPDX-License-Identifier: MIT
#include <support/shape_round.hpp>

#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

TEST_CASE("Shapes: batches that linger, behind a throttle", "[time][model]") {
  explore_shape("batch", [](std::uint64_t seed) {
    Round round(seed);
    Numbers got;
    const std::size_t size = round.draw.between(1, 6);
    const auto linger = std::chrono::milliseconds(round.draw.between(0, 3000));
    round.paced(1) | batch("pack", size, linger, round.one_worker()) |
        sink(
            "collect",
            [&](const Numbers& pack, Context&) {
              require(!pack.empty() && pack.size() <= size, "a batch of a wrong size");
              got.insert(got.end(), pack.begin(), pack.end());
            },
            round.draw.sink());
    round.run();
    round.check_all_in_order(got);
  });
}

TEST_CASE("Shapes: windows by number", "[time][model]") {
  explore_shape("windows by number", [](std::uint64_t seed) {
    Round round(seed);
    const std::size_t size = round.draw.between(1, 6);
    const std::size_t step = round.draw.between(1, size);
    Number next = 0;
    Numbers seen;
    const auto check = [&](const Window<Number>& window) {
      require(window.ordinal == next++ && window.begin == window.ordinal * step, "a wrong ordinal");
      require(!window.items.empty() && window.items.size() <= size, "a window of a wrong size");
      for (Number i = 0; i < window.items.size(); ++i) {
        require(window.items[i] == window.begin + i, "a wrong item");
        if (window.items[i] == seen.size()) seen.push_back(window.items[i]);
      }
    };
    round.source() | sliding("w", size, step, round.one_worker()) |
        sink("check", check, round.draw.sink());
    round.run();
    round.check_all_in_order(seen);
    const Number windows = (round.emitted + step - 1) / step;
    require(round.cancelled || next == windows, "a wrong number of windows");
  });
}

TEST_CASE("Shapes: windows by time, each item in just the windows of its time", "[time][model]") {
  explore_shape("windows by time", [](std::uint64_t seed) {
    Round round(seed);
    const auto size = std::chrono::milliseconds(round.draw.between(1, 3000));
    const auto step = std::chrono::milliseconds(
        round.draw.between(std::max<std::size_t>(1, static_cast<std::size_t>(size.count()) / 8),
                           static_cast<std::size_t>(size.count())));
    std::vector<Clock::time_point> came;  // the time at which each item came to the windows
    std::vector<std::size_t> windows_of(kMost);
    const auto stamp = [](Number n, Context& context) { return std::pair{n, context.now()}; };
    using Stamped = std::pair<Number, Clock::time_point>;
    const auto check = [&](const TimeWindow<Stamped>& window, Context& context) {
      require(window.end - window.begin == size, "a window of a wrong length");
      require(window.begin.time_since_epoch() == step * static_cast<std::int64_t>(window.ordinal),
              "a wrong ordinal");
      const bool ended = context.now() >= window.end || context.stop_token().stop_requested();
      require(ended || round.emitted == round.count, "a window before its time");
      for (const auto& [n, time] : window.items) {
        require(window.begin <= time && time < window.end, "an item in a wrong window");
        ++windows_of[n];
      }
    };
    round.paced(3) | map("stamp", stamp, round.one_worker()) |
        sliding("w", size, step, round.one_worker()) | sink("check", check, round.draw.sink());
    round.run();
    if (round.cancelled) return;
    for (Number n = 0; n < round.emitted; ++n) require(windows_of[n] > 0, "an item in no window");
  });
}

TEST_CASE("Shapes: windows per key", "[time][model]") {
  explore_shape("windows per key", [](std::uint64_t seed) {
    Round round(seed);
    const Number keys = round.draw.between(1, 5);
    const auto size = std::chrono::milliseconds(round.draw.between(1, 5000));
    std::map<Number, Numbers> got;
    std::map<Number, Number> ordinals;
    const auto check = [&](const std::pair<Number, TimeWindow<Number>>& keyed) {
      const auto& [key, window] = keyed;
      require(window.ordinal + 1 > ordinals[key], "a key's windows out of order");
      ordinals[key] = window.ordinal + 1;
      require(!window.items.empty(), "an empty window");
      got[key].insert(got[key].end(), window.items.begin(), window.items.end());
    };
    round.paced(2) | key_by([keys](Number n) { return n % keys; }) |
        tumbling("w", size, round.draw.stage()) | sink("check", check, round.draw.sink());
    round.run();
    round.check_keys(got, keys);
  });
}

TEST_CASE("Shapes: throttles one behind the other, the slowest rules", "[time][model]") {
  explore_shape("throttle", [](std::uint64_t seed) {
    Round round(seed);
    Numbers got;
    std::vector<Clock::time_point> times;
    const std::size_t burst = round.draw.between(1, 3);
    round.paced(5) | throttle("slow", 2, burst, round.one_worker()) |
        sink("collect",
             [&](Number n, Context& context) {
               got.push_back(n);
               if (!context.stop_token().stop_requested()) times.push_back(context.now());
             },
             {.capacity = round.draw.between(1, 5)});
    round.run();
    round.check_all_in_order(got);
    for (std::size_t i = 0; i + burst < times.size(); ++i) {
      require(times[i + burst] - times[i] >= 500ms, "faster than the rate");
    }
  });
}

TEST_CASE("Shapes: states per key", "[time][model]") {
  explore_shape("per_key", [](std::uint64_t seed) {
    Round round(seed);
    const Number keys = round.draw.between(1, 5);
    std::map<Number, Numbers> got;
    std::map<Number, Number> finished;
    using Counted = std::pair<Number, Number>;
    const auto count = [](Number& items, Number n, Emitter<Counted>& out) {
      ++items;
      out.emit({n, items});
    };
    const auto finish = [](Number& items, const Number& key, Emitter<Counted>& out) {
      out.emit({1000 + key, items});
    };
    const auto check = [&](Counted counted) {
      if (counted.first >= 1000) {
        finished[counted.first - 1000] = counted.second;
        return;
      }
      Numbers& list = got[counted.first % keys];
      list.push_back(counted.first);
      require(counted.second == list.size(), "a state is not its key's alone");
    };
    round.source() | key_by([keys](Number n) { return n % keys; }) |
        per_key<Counted>("count", Number{0}, count, finish, round.draw.stage()) |
        sink("check", check, round.draw.sink());
    round.run();
    round.check_keys(got, keys);
    if (round.cancelled) return;
    for (const auto& [key, list] : got) require(finished[key] == list.size(), "a wrong total");
  });
}

/// A planted bug: gathers three items and forgets that the end of the input may come first.
class ForgetsTheEnd {
 public:
  using Out = Numbers;
  void process(Number n, Emitter<Numbers>& out) {
    open_.push_back(n);
    if (open_.size() == 3) out.emit(std::exchange(open_, {}));
  }

 private:
  Numbers open_;
};

TEST_CASE("Shapes: a stage that forgets what is open at the end is found", "[time][model]") {
  const auto round_with = [](std::uint64_t seed, auto stage_under_test) {
    Round round(seed);
    Numbers got;
    round.source() | std::move(stage_under_test) | sink("collect", [&](const Numbers& pack) {
      got.insert(got.end(), pack.begin(), pack.end());
    });
    round.run();
    round.check_all_in_order(got);
  };
  CHECK_THROWS_WITH(
      testing::explore(
          [&](std::uint64_t seed) { round_with(seed, stage("forgets", ForgetsTheEnd{})); }),
      Catch::Matchers::Contains("items are missing") && Catch::Matchers::Contains("seed "));
  testing::explore([&](std::uint64_t seed) { round_with(seed, batch("pack", 3)); });
}

}  // namespace
}  // namespace sluice
