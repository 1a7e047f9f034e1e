// time/window_test.cpp: which items lie in which window, when it comes out, and that every carrier says so.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/move_only.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>
#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

using Numbers = std::vector<Number>;

/// "ordinal [begin, end) items", with times in seconds.
std::string text(const Window<Number>& window) {
  std::string line = std::to_string(window.ordinal) + " [" + std::to_string(window.begin) + ", " +
                     std::to_string(window.end) + ")";
  for (const Number n : window.items) line += " " + std::to_string(n);
  return line;
}
std::string text(const TimeWindow<Number>& window) {
  const auto seconds = [](Clock::time_point time) {
    return static_cast<Number>(
        std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
  };
  return text(
      Window<Number>{window.ordinal, seconds(window.begin), seconds(window.end), window.items});
}
template <class Key, class W>
std::string text(const std::pair<Key, W>& keyed) {
  return std::to_string(keyed.first) + ": " + text(keyed.second);
}
template <class Harness>
std::vector<std::string> texts(Harness& harness) {
  std::vector<std::string> lines;
  for (const auto& window : harness.take_outputs()) lines.push_back(text(window));
  return lines;
}
using Lines = std::vector<std::string>;

template <class Out = Window<Number>>
using Harness = testing::StageHarness<Number, Out>;
using TimeHarness = Harness<TimeWindow<Number>>;

TEST_CASE("Windows: tumbling by number, the last one with what is left", "[time]") {
  Harness<> h(tumbling("three", 3));
  for (Number n = 0; n < 7; ++n) h.put(n);
  CHECK(texts(h) == Lines{"0 [0, 3) 0 1 2", "1 [3, 6) 3 4 5"});
  h.advance(1000h);
  CHECK(texts(h).empty());
  h.finish();
  CHECK(texts(h) == Lines{"2 [6, 9) 6"});
}

TEST_CASE("Windows: sliding by number, and all open ones at the end", "[time]") {
  Harness<> h(sliding("three by two", 3, 2));
  for (Number n = 0; n < 6; ++n) h.put(n);
  CHECK(texts(h) == Lines{"0 [0, 3) 0 1 2", "1 [2, 5) 2 3 4"});
  h.finish();
  CHECK(texts(h) == Lines{"2 [4, 7) 4 5"});

  Harness<> by_one(sliding("three by one", 3, 1));
  for (Number n = 0; n < 4; ++n) by_one.put(n);
  by_one.finish();
  CHECK(texts(by_one) == Lines{"0 [0, 3) 0 1 2", "1 [1, 4) 1 2 3", "2 [2, 5) 2 3", "3 [3, 6) 3"});

  Harness<> as_tumbling(sliding("two by two", 2, 2));
  for (Number n = 0; n < 3; ++n) as_tumbling.put(n);
  as_tumbling.finish();
  CHECK(texts(as_tumbling) == Lines{"0 [0, 2) 0 1", "1 [2, 4) 2"});
}

TEST_CASE("Windows: tumbling by time, an item at the end is in the next, empty ones don't come out",
          "[time]") {
  TimeHarness h(tumbling("ten seconds", 10s));
  h.put(0);
  h.advance(4s);
  h.put(1);
  h.advance(6s - 1ns);
  CHECK(texts(h).empty());
  h.advance(1ns);
  CHECK(texts(h) == Lines{"0 [0, 10) 0 1"});
  h.put(2);  // at 10 s sharp
  h.advance(35s);
  CHECK(texts(h) == Lines{"1 [10, 20) 2"});
  h.put(3);  // at 45 s
  h.finish();
  CHECK(texts(h) == Lines{"4 [40, 50) 3"});
}

TEST_CASE("Windows: sliding by time", "[time]") {
  TimeHarness h(sliding("ten by four", 10s, 4s));
  h.put(0);  // at 0
  h.advance(5s);
  h.put(5);
  h.advance(4s);
  h.put(9);
  h.advance(1s);
  CHECK(texts(h) == Lines{"0 [0, 10) 0 5 9"});
  h.advance(4s);
  CHECK(texts(h) == Lines{"1 [4, 14) 5 9"});
  h.put(14);
  h.advance(4s);
  CHECK(texts(h) == Lines{"2 [8, 18) 9 14"});
  h.advance(100s);
  CHECK(texts(h) == Lines{"3 [12, 22) 14"});
  h.put(118);
  h.finish();
  CHECK(texts(h) == Lines{"28 [112, 122) 118", "29 [116, 126) 118"});
}

TEST_CASE("Windows: per key, by number and by time", "[time]") {
  const auto parity = [](Number n) { return n % 2; };
  Harness<std::pair<Number, Window<Number>>> h(key_by(parity), tumbling("two", 2));
  for (const Number n : {0U, 2U, 1U, 4U, 3U}) h.put(n);
  CHECK(texts(h) == Lines{"0: 0 [0, 2) 0 2", "1: 0 [0, 2) 1 3"});
  h.finish();
  CHECK(texts(h) == Lines{"0: 1 [2, 4) 4"});

  Harness<std::pair<Number, TimeWindow<Number>>> t(key_by(parity), sliding("ten by five", 10s, 5s));
  t.put(0);
  t.advance(6s);
  t.put(6);
  t.put(7);
  t.advance(4s);
  CHECK(texts(t) == Lines{"0: 0 [0, 10) 0 6", "1: 0 [0, 10) 7"});
  t.advance(100s);
  CHECK(texts(t) == Lines{"0: 1 [5, 15) 6", "1: 1 [5, 15) 7"});
  t.put(1);  // at 110 s; the keys come in a new order
  t.put(2);
  t.finish();
  CHECK(texts(t) == Lines{"1: 21 [105, 115) 1", "1: 22 [110, 120) 1", "0: 21 [105, 115) 2",
                          "0: 22 [110, 120) 2"});
}

TEST_CASE("Windows: very many keys' windows end together, and all come out", "[time]") {
  Harness<std::pair<Number, TimeWindow<Number>>> h(key_by([](Number n) { return n % 1000; }),
                                                   tumbling("second", 1s));
  for (Number n = 0; n < 2000; ++n) h.put(n);
  CHECK(h.outputs().empty());
  h.advance(1s);
  REQUIRE(h.outputs().size() == 1000);
  for (Number n = 0; n < 1000; ++n) {
    CHECK(h.outputs()[n].first == n);
    CHECK(h.outputs()[n].second.items == Numbers{n, n + 1000});
  }
  for (Number n = 0; n < 700; ++n) h.put(n);
  h.finish();
  CHECK(h.outputs().size() == 1700);
}

TEST_CASE("Windows: items that can only be moved tumble", "[time]") {
  testing::StageHarness<MoveOnly, Window<MoveOnly>> h(tumbling("two", 2));
  h.put(MoveOnly(1));
  h.put(MoveOnly(2));
  REQUIRE(h.outputs().size() == 1);
  CHECK(h.outputs().front().items.back().value() == 2);
}

TEST_CASE("Windows: sizes that make no sense are refused at once", "[time]") {
  CHECK_THROWS_AS(tumbling("w", 0), UsageError);
  CHECK_THROWS_AS(tumbling("w", 0s), UsageError);
  CHECK_THROWS_AS(tumbling("w", -1s), UsageError);
  CHECK_THROWS_AS(tumbling("w", std::chrono::hours{24 * 365 * 101}), UsageError);
  CHECK_THROWS_AS(sliding("w", 3, 0), UsageError);
  CHECK_THROWS_AS(sliding("w", 3, 4), UsageError);
  CHECK_THROWS_AS(sliding("w", 3s, 0s), UsageError);
  CHECK_THROWS_AS(sliding("w", 3s, 4s), UsageError);
  Pipeline p("order");
  p.source("read", numbers(1)) | tumbling("w", 2, {.workers = 2, .order = Order::keep}) |
      sink("drop", [](const Window<Number>&) {});
  CHECK_THROWS_AS(testing::run(p), PipelineError);
}

TEST_CASE("Windows: a window's item that throws fails the run whatever the policy", "[time]") {
  Pipeline p("lost");
  const auto key = [](const Window<Number>& window) -> Number {
    if (window.ordinal == 1) throw std::runtime_error("no key");
    return 0;
  };
  p.source("read", numbers(9)) | tumbling("three", 3, {.on_error = skip()}) | key_by(key) |
      sink("drop", [](const Window<Number>&) {});
  CHECK_THROWS_AS(testing::run(p), StageError);
}

TEST_CASE("Windows: by number, every carrier gives the same", "[time]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("by number");
    Collected<Window<Number>> tumbled;
    Collected<Window<Number>> slid;
    auto read = p.source("read", numbers(100), {.carrier = setting.mix.at(0)});
    const StageOptions options = {.workers = 1,
                                  .carrier = setting.mix.at(1),
                                  .capacity = setting.capacity,
                                  .batch = setting.batch};
    read | tumbling("tumbling", 7, options) |
        sink("tumbled", tumbled.sink(), {.carrier = setting.mix.at(2), .capacity = 1});
    read | sliding("sliding", 7, 3, options) |
        sink("slid", slid.sink(), {.carrier = setting.mix.at(2), .capacity = 1});
    run_watched(p);
    Numbers all;
    for (const auto& window : tumbled.items()) {
      CHECK(window.begin == window.ordinal * 7);
      all.insert(all.end(), window.items.begin(), window.items.end());
    }
    CHECK(all == up_to(100));
    CHECK(slid.size() == 34);
    for (const auto& window : slid.items()) {
      const Number last = std::min<Number>(100, window.begin + 7);
      REQUIRE(window.items.size() == last - window.begin);
      for (Number i = 0; i < window.items.size(); ++i) CHECK(window.items[i] == window.begin + i);
    }
  });
}

TEST_CASE("Windows: by time on real carriers, nothing lost, none before its time", "[time]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("by time");
    p.inlet<Number>("in", {.carrier = mix.at(0)}) | tumbling("w", 20ms, {.carrier = mix.at(1)}) |
        outlet<TimeWindow<Number>>("out");
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<TimeWindow<Number>>("out");
    Numbers all;
    for (Number round = 0; round < 3; ++round) {
      const auto before = Clock::now();
      for (Number n = 0; n < 3; ++n) REQUIRE(in.put(3 * round + n) == PutStatus::ok);
      while (all.size() < 3 * (round + 1)) {  // the timer has to bring them out
        const auto window = out.get();
        REQUIRE(window);
        CHECK(Clock::now() >= window->end);
        CHECK(window->end > before);
        CHECK(window->end - window->begin == 20ms);
        all.insert(all.end(), window->items.begin(), window->items.end());
      }
    }
    in.close();
    CHECK(out.get().status() == GetStatus::closed);
    run->wait();
    CHECK(all == up_to(9));
  });
}

TEST_CASE("Windows: per key on real carriers, nothing lost and each key in order", "[time]") {
  for_every_setting([](const Setting& setting) {
    using Keyed = std::pair<Number, TimeWindow<Number>>;
    Pipeline p("per key");
    Collected<Keyed> got;
    p.source("read", numbers(300), {.carrier = setting.mix.at(0)}) |
        key_by([](Number n) { return n % 7; }) |
        tumbling("w", 100us,
                 {.workers = setting.workers,
                  .carrier = setting.mix.at(1),
                  .capacity = setting.capacity,
                  .batch = setting.batch}) |
        sink("collect", got.sink(), {.carrier = setting.mix.at(2), .capacity = setting.capacity});
    run_watched(p);
    std::map<Number, Numbers> of_key;
    for (const auto& [key, window] : got.items()) {
      Numbers& list = of_key[key];
      list.insert(list.end(), window.items.begin(), window.items.end());
    }
    REQUIRE(of_key.size() == 7);
    for (const auto& [key, list] : of_key) {
      Numbers expected;
      for (Number n = key; n < 300; n += 7) expected.push_back(n);
      CHECK(list == expected);
    }
  });
}

TEST_CASE("Windows: stop flushes what is open, cancel drops it", "[time]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const bool cancel : {false, true}) {
      Pipeline p("end");
      Collected<TimeWindow<Number>> got;
      p.inlet<Number>("in", {.carrier = mix.at(0)}) | tumbling("w", 1h, {.carrier = mix.at(1)}) |
          sink("collect", got.sink(), {.carrier = mix.at(2)});
      WatchedRun run(p);
      auto in = run->inlet<Number>("in");
      REQUIRE(in.put(5) == PutStatus::ok);
      wait_until([&] { return run->snapshot().stage("w").completed == 1; });
      if (cancel) {
        run->cancel();
      } else {
        run->stop();
      }
      CHECK(run.end().ledger.balanced);
      CHECK(got.size() == (cancel ? 0 : 1));
    }
  });
}

}  // namespace
}  // namespace sluice
