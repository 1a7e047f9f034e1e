// time/fold_test.cpp: windows that fold are those that keep their items, without the items.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/counted.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>
#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

using Lines = std::vector<std::string>;

void append(std::string& text, Number n) { text += " " + std::to_string(n); }
void join(std::string& text, const std::string& later) { text += later; }
/// What the items were, in order.
auto as_text() { return fold(std::string(), append, join); }
auto as_sum() {
  return fold(
      Number{0}, [](Number& sum, Number n) { sum += n; },
      [](Number& sum, Number later) { sum += later; });
}

Number seconds(Number at) { return at; }
Number seconds(Clock::time_point time) {
  return static_cast<Number>(
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}
/// "ordinal [begin, end) number of items: value", with times in seconds.
template <class At>
std::string text(const FoldedWindow<std::string, At>& window) {
  return std::to_string(window.ordinal) + " [" + std::to_string(seconds(window.begin)) + ", " +
         std::to_string(seconds(window.end)) + ") " + std::to_string(window.items) + ":" +
         window.value;
}
template <class Key, class W>
std::string text(const std::pair<Key, W>& keyed) {
  return std::to_string(keyed.first) + ": " + text(keyed.second);
}
template <class Harness>
Lines texts(Harness& harness) {
  Lines lines;
  for (const auto& window : harness.take_outputs()) lines.push_back(text(window));
  return lines;
}

using Harness = testing::StageHarness<Number, FoldedWindow<std::string>>;
using TimeHarness = testing::StageHarness<Number, FoldedTimeWindow<std::string>>;
using SumHarness = testing::StageHarness<Number, FoldedWindow<Number>>;

TEST_CASE("Folds: tumbling by number, the last one with what is left", "[time]") {
  Harness h(tumbling("three", 3, as_text()));
  for (Number n = 0; n < 7; ++n) h.put(n);
  CHECK(texts(h) == Lines{"0 [0, 3) 3: 0 1 2", "1 [3, 6) 3: 3 4 5"});
  h.advance(1000h);
  CHECK(texts(h).empty());
  h.finish();
  CHECK(texts(h) == Lines{"2 [6, 9) 1: 6"});
}

TEST_CASE("Folds: sliding by number, and all open ones at the end", "[time]") {
  Harness h(sliding("three by two", 3, 2, as_text()));
  for (Number n = 0; n < 6; ++n) h.put(n);
  CHECK(texts(h) == Lines{"0 [0, 3) 3: 0 1 2", "1 [2, 5) 3: 2 3 4"});
  h.finish();
  CHECK(texts(h) == Lines{"2 [4, 7) 2: 4 5"});

  Harness by_one(sliding("three by one", 3, 1, as_text()));
  for (Number n = 0; n < 4; ++n) by_one.put(n);
  by_one.finish();
  CHECK(texts(by_one) ==
        Lines{"0 [0, 3) 3: 0 1 2", "1 [1, 4) 3: 1 2 3", "2 [2, 5) 2: 2 3", "3 [3, 6) 1: 3"});
}

TEST_CASE("Folds: by time, tumbling and sliding", "[time]") {
  TimeHarness h(tumbling("ten seconds", 10s, as_text()));
  h.put(0);
  h.advance(4s);
  h.put(1);
  h.advance(6s - 1ns);
  CHECK(texts(h).empty());
  h.advance(1ns);
  CHECK(texts(h) == Lines{"0 [0, 10) 2: 0 1"});
  h.put(2);  // at 10 s sharp
  h.advance(35s);
  CHECK(texts(h) == Lines{"1 [10, 20) 1: 2"});

  TimeHarness s(sliding("ten by four", 10s, 4s, as_text()));
  s.put(0);  // at 0
  s.advance(5s);
  s.put(5);
  s.advance(4s);
  s.put(9);
  s.advance(1s);
  CHECK(texts(s) == Lines{"0 [0, 10) 3: 0 5 9"});
  s.advance(4s);
  CHECK(texts(s) == Lines{"1 [4, 14) 2: 5 9"});
  s.put(14);
  s.advance(104s);
  CHECK(texts(s) == Lines{"2 [8, 18) 2: 9 14", "3 [12, 22) 1: 14"});
  s.put(118);
  s.finish();
  CHECK(texts(s) == Lines{"28 [112, 122) 1: 118", "29 [116, 126) 1: 118"});
}

TEST_CASE("Folds: per key, by number and by time", "[time]") {
  const auto parity = [](Number n) { return n % 2; };
  testing::StageHarness<Number, std::pair<Number, FoldedWindow<std::string>>> h(
      key_by(parity), tumbling("two", 2, as_text()));
  for (const Number n : {0U, 2U, 1U, 4U, 3U}) h.put(n);
  CHECK(texts(h) == Lines{"0: 0 [0, 2) 2: 0 2", "1: 0 [0, 2) 2: 1 3"});
  h.finish();
  CHECK(texts(h) == Lines{"0: 1 [2, 4) 1: 4"});

  testing::StageHarness<Number, std::pair<Number, FoldedTimeWindow<std::string>>> t(
      key_by(parity), sliding("ten by five", 10s, 5s, as_text()));
  t.put(0);
  t.advance(6s);
  t.put(6);
  t.put(7);
  t.advance(4s);
  CHECK(texts(t) == Lines{"0: 0 [0, 10) 2: 0 6", "1: 0 [0, 10) 1: 7"});
  t.advance(100s);
  CHECK(texts(t) == Lines{"0: 1 [5, 15) 1: 6", "1: 1 [5, 15) 1: 7"});
}

TEST_CASE("Folds: what comes out may be made of the state", "[time]") {
  struct Mean {
    double sum = 0;
    double count = 0;
  };
  const auto add = [](Mean& mean, Number n) {
    mean.sum += static_cast<double>(n);
    ++mean.count;
  };
  const auto combine = [](Mean& mean, const Mean& later) {
    mean.sum += later.sum;
    mean.count += later.count;
  };
  const auto value = [](const Mean& mean) { return mean.sum / mean.count; };
  using MeanHarness = testing::StageHarness<Number, FoldedWindow<double>>;
  MeanHarness tumbled(tumbling("means", 4, fold(Mean{}, add).then(value)));
  MeanHarness slid(sliding("means", 4, 2, fold(Mean{}, add, combine).then(value)));
  for (MeanHarness* h : {&tumbled, &slid}) {
    for (Number n = 1; n <= 6; ++n) h->put(n);
    h->finish();
  }
  REQUIRE(tumbled.outputs().size() == 2);
  CHECK(tumbled.outputs()[0].value == 2.5);
  CHECK(tumbled.outputs()[1].value == 5.5);
  REQUIRE(slid.outputs().size() == 3);
  CHECK(slid.outputs()[1].value == 4.5);
}

TEST_CASE("Folds: no item is kept, and as many states as a window has steps, whatever comes",
          "[time]") {
  const auto before = Counted::live();
  testing::StageHarness<Counted, FoldedWindow<Number>> items(tumbling(
      "sum", 1'000'000, fold(Number{0}, [](Number& sum, const Counted& n) { sum += n.value(); })));
  for (Number n = 0; n < 20'000; ++n) {
    items.put(Counted(n));
    if (Counted::live() != before) FAIL("an item was kept");
  }
  items.finish();
  REQUIRE(items.outputs().size() == 1);
  CHECK(items.outputs().front().value == Number{20'000} * 19'999 / 2);
  CHECK(items.outputs().front().items == 20'000);

  const auto states =
      fold(
          Counted(0), [](Counted& sum, Number n) { sum = Counted(sum.value() + n); },
          [](Counted& sum, const Counted& later) { sum = Counted(sum.value() + later.value()); })
          .then([](const Counted& sum) { return sum.value(); });
  SumHarness by_number(sliding("sums", 10'000, 3'000, states));
  testing::StageHarness<Number, FoldedTimeWindow<Number>> by_time(
      sliding("sums", 10s + 1ns, 3s, states));
  const auto idle = Counted::live();
  constexpr auto kMost = 7;  // 2 * (10'000 / 3'000) + 1, of each
  auto most = idle;
  for (Number n = 0; n < 50'000; ++n) {
    by_number.put(1);
    by_time.put(1);
    if (n % 10 == 0) by_time.advance(7ms);
    most = std::max(most, Counted::live());
  }
  CHECK(most <= idle + 2 * kMost);
  CHECK(most >= idle + 8);  // it is the states that are counted
  for (const auto& window : by_number.outputs()) CHECK(window.value == 10'000);
  for (const auto& window : by_time.outputs()) CHECK(window.value == window.items);
}

/// Adds what is even, and counts its calls.
struct AddsEven {
  void operator()(Number& sum, Number n) {
    ++*calls;
    if (n % 2 != 0 && n != allowed) throw std::runtime_error("odd");
    sum += n;
  }
  std::size_t* calls;
  Number allowed = 0;
};

TEST_CASE("Folds: an item that can't be copied for its attempt is its own failure only", "[time]") {
  struct Fragile {
    explicit Fragile(Number n) : number(n) {}
    Fragile(Fragile&&) = default;
    Fragile& operator=(Fragile&&) = default;
    Fragile(const Fragile& other) : number(other.number) {
      if (number == 3) throw std::runtime_error("no memory for a copy");
    }
    Number number;
  };
  const auto sum = fold(Number{0}, [](Number& all, const Fragile& item) {
    if (item.number == 4) throw std::runtime_error("a bad item");
    all += item.number;
  });
  // Right after an item that was folded, and after one whose step threw.
  const bool after_a_bad_one = GENERATE(false, true);
  testing::StageHarness<Fragile, FoldedWindow<Number>> harness(
      tumbling("sums", 2, sum, {.on_error = retry(1).then(skip())}));
  harness.put(Fragile(1));
  if (after_a_bad_one) harness.put(Fragile(4));
  harness.put(Fragile(3));
  harness.put(Fragile(2));
  harness.finish();
  // The last attempt takes the item itself.
  REQUIRE(harness.outputs().size() == 2);
  CHECK(harness.outputs()[0].value == 4);
  CHECK(harness.outputs()[1].value == 2);
  CHECK(harness.skipped() == (after_a_bad_one ? 1 : 0));
}

TEST_CASE("Folds: an item whose step throws may be skipped, tried again, or be a dead letter",
          "[time]") {
  std::size_t calls = 0;
  const auto evens = fold(Number{0}, AddsEven{&calls});
  SumHarness skipping(tumbling("sums", 2, evens, {.on_error = skip()}));
  for (Number n = 0; n < 7; ++n) skipping.put(n);
  skipping.finish();
  REQUIRE(skipping.outputs().size() == 2);
  CHECK(skipping.outputs()[0].value == 2);
  CHECK(skipping.outputs()[1].value == 10);
  CHECK(skipping.skipped() == 3);

  SumHarness burying(tumbling("sums", 2, evens, {.on_error = retry(2).then(dead_letter("odd"))}));
  calls = 0;
  for (const Number n : {1U, 2U, 4U}) burying.put(n);
  REQUIRE(burying.outputs().size() == 1);
  CHECK(burying.outputs()[0].value == 6);
  CHECK(burying.dead_letters().size() == 1);
  CHECK(calls == 5);

  SumHarness failing(tumbling("sums", 2, evens));
  CHECK_THROWS_AS(failing.put(1), StageError);
}

TEST_CASE("Folds: a window or a key that only failed items had does not exist", "[time]") {
  std::size_t calls = 0;
  const auto evens = fold(Number{0}, AddsEven{&calls, 33});
  testing::StageHarness<Number, FoldedTimeWindow<Number>> alone(
      tumbling("sums", 1s, evens, {.on_error = skip()}));
  alone.put(1);
  alone.advance(1s);
  CHECK(alone.outputs().empty());
  alone.put(2);
  alone.advance(1s);
  alone.put(3);
  alone.finish();
  REQUIRE(alone.outputs().size() == 1);
  CHECK(alone.outputs()[0].ordinal == 1);
  CHECK(alone.outputs()[0].items == 1);

  const auto decade = [](Number n) { return n / 10; };
  testing::StageHarness<Number, std::pair<Number, FoldedTimeWindow<Number>>> h(
      key_by(decade), tumbling("sums", 1s, evens, {.on_error = skip()}));
  for (const Number n : {11U, 2U, 21U, 33U, 12U}) h.put(n);
  h.advance(1s);
  REQUIRE(h.outputs().size() == 3);
  CHECK(h.outputs()[0].first == 0);
  CHECK(h.outputs()[1].first == 3);
  CHECK(h.outputs()[2].first == 1);  // it came with 12
  h.put(11);
  h.finish();
  CHECK(h.outputs().size() == 3);
}

TEST_CASE("Folds: a failed item neither closes a window nor loses one that has ended", "[time]") {
  using Panes =
      detail::Panes<Number, detail::TimeSpan, decltype(fold(Number{0}, AddsEven{})), false>;
  std::size_t calls = 0;
  detail::Folding<decltype(fold(Number{0}, AddsEven{}))> folding{fold(Number{0}, AddsEven{&calls})};
  Panes panes(folding, {10s, 10s}, Clock::time_point{});
  std::vector<FoldedTimeWindow<Number>> out;
  const auto emit = [&out](FoldedTimeWindow<Number>&& window) { out.push_back(window); };
  panes.add(2, Clock::time_point{1s}, emit);
  CHECK_FALSE(folding.in_step);
  CHECK_THROWS(
      panes.add(3, Clock::time_point{12s}, emit));  // before the timer could close the first
  CHECK(folding.in_step);
  CHECK(out.empty());
  CHECK(panes.due().time() == Clock::time_point{10s});
  panes.add(4, Clock::time_point{13s}, emit);
  REQUIRE(out.size() == 1);
  CHECK(out[0].value == 2);
  CHECK(panes.due().time() == Clock::time_point{20s});
  const auto refuse = [](FoldedTimeWindow<Number>&&) { throw std::runtime_error("no room"); };
  CHECK_THROWS(panes.add(6, Clock::time_point{25s}, refuse));
  CHECK_FALSE(folding.in_step);  // the window is lost: no item's fault
}

TEST_CASE("Folds: a combine or a last function that throws fails the run whatever the policy",
          "[time]") {
  const auto no_sum = fold(Number{0}, [](Number& sum, Number n) { sum += n; });
  const auto thrown = [](Number) -> Number { throw std::runtime_error("no value"); };
  SumHarness last(tumbling("sums", 2, no_sum.then(thrown), {.on_error = skip()}));
  last.put(1);
  CHECK_THROWS_AS(last.put(2), StageError);
  const auto no_merge = fold(
      Number{0}, [](Number& sum, Number n) { sum += n; },
      [](Number&, Number) { throw std::runtime_error("can't be merged"); });
  SumHarness merged(sliding("sums", 2, 1, no_merge, {.on_error = retry(3).then(skip())}));
  merged.put(1);
  CHECK_THROWS_AS(merged.put(2), StageError);
}

TEST_CASE("Folds: sizes that make no sense are refused at once", "[time]") {
  CHECK_THROWS_AS(tumbling("w", 0, as_sum()), UsageError);
  CHECK_THROWS_AS(tumbling("w", 0s, as_sum()), UsageError);
  CHECK_THROWS_AS(tumbling("w", std::chrono::hours{24 * 365 * 101}, as_sum()), UsageError);
  CHECK_THROWS_AS(sliding("w", 3, 0, as_sum()), UsageError);
  CHECK_THROWS_AS(sliding("w", 3, 4, as_sum()), UsageError);
  CHECK_THROWS_AS(sliding("w", 3s, 4s, as_sum()), UsageError);
}

TEST_CASE("Folds: by number, every carrier gives the same", "[time]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("folds");
    Collected<FoldedWindow<Number>> tumbled;
    Collected<FoldedWindow<Number>> slid;
    auto read = p.source("read", numbers(100), {.carrier = setting.mix.at(0)});
    const StageOptions options = {.workers = 1,
                                  .carrier = setting.mix.at(1),
                                  .capacity = setting.capacity,
                                  .batch = setting.batch};
    read | tumbling("tumbling", 7, as_sum(), options) |
        sink("tumbled", tumbled.sink(), {.carrier = setting.mix.at(2), .capacity = 1});
    read | sliding("sliding", 7, 3, as_sum(), options) |
        sink("slid", slid.sink(), {.carrier = setting.mix.at(2), .capacity = 1});
    run_watched(p);
    CHECK(tumbled.size() == 15);
    CHECK(slid.size() == 34);
    for (const auto* all : {&tumbled, &slid}) {
      for (const auto& window : all->items()) {
        const Number end = std::min<Number>(100, window.end);
        CHECK(window.end - window.begin == 7);
        CHECK(window.items == end - window.begin);
        CHECK(window.value == (end * (end - 1) - window.begin * (window.begin - 1)) / 2);
      }
    }
  });
}

TEST_CASE("Folds: per key on real carriers, by time, every item once", "[time]") {
  for_every_setting([](const Setting& setting) {
    using Keyed = std::pair<Number, FoldedTimeWindow<Number>>;
    Pipeline p("per key");
    Collected<Keyed> got;
    p.source("read", numbers(300), {.carrier = setting.mix.at(0)}) |
        key_by([](Number n) { return n % 7; }) |
        tumbling("w", 100us, as_sum(),
                 {.workers = setting.workers,
                  .carrier = setting.mix.at(1),
                  .capacity = setting.capacity,
                  .batch = setting.batch}) |
        sink("collect", got.sink(), {.carrier = setting.mix.at(2), .capacity = setting.capacity});
    run_watched(p);
    std::map<Number, std::pair<Number, Number>> of_key;
    for (const auto& [key, window] : got.items()) {
      of_key[key].first += window.items;
      of_key[key].second += window.value;
    }
    REQUIRE(of_key.size() == 7);
    for (const auto& [key, sums] : of_key) {
      std::pair<Number, Number> expected;
      for (Number n = key; n < 300; n += 7) {
        ++expected.first;
        expected.second += n;
      }
      CHECK(sums == expected);
    }
  });
}

}  // namespace
}  // namespace sluice
