// time/per_key_test.cpp: a stage behind key_by has a state of its own for every key.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>
#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

using Pair = std::pair<Number, Number>;
using Pairs = std::vector<Pair>;

const auto by_seven = [](Number n) { return n % 7; };

/// Emits the running total of its key.
void add(Number& total, const Number& key, Number n, Emitter<Pair>& out) {
  total += n;
  out.emit({key, total});
}

Pairs running_totals(Number count) {
  Pairs expected;
  std::map<Number, Number> totals;
  for (Number n = 0; n < count; ++n) expected.emplace_back(n % 7, totals[n % 7] += n);
  return expected;
}

TEST_CASE("Per key: a function sees the state of the item's key, on every carrier", "[time]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("totals");
    Collected<Pair> got;
    p.source("read", numbers(300), {.carrier = setting.mix.at(0)}) | key_by(by_seven) |
        per_key<Pair>("total", Number{0}, add,
                      {.workers = setting.workers,
                       .carrier = setting.mix.at(1),
                       .capacity = setting.capacity,
                       .batch = setting.batch}) |
        sink("collect", got.sink(), {.carrier = setting.mix.at(2), .capacity = setting.capacity});
    run_watched(p);
    Pairs expected = running_totals(300);
    if (setting.workers == 1) CHECK(got.items() == expected);
    std::sort(expected.begin(), expected.end());
    CHECK(got.sorted() == expected);
  });
}

TEST_CASE("Per key: the key and the context may be left out or asked for", "[time]") {
  const auto plain = [](Number& last, Number n, Emitter<Number>& out) {
    out.emit(std::exchange(last, n));
  };
  testing::StageHarness<Number, Number> h(key_by(by_seven),
                                          per_key<Number>("last", Number{99}, plain));
  for (const Number n : {0U, 7U, 1U, 14U}) h.put(n);
  CHECK(h.outputs() == std::vector<Number>{99, 0, 99, 7});

  const auto with_context = [](Number& last, Number n, Emitter<Number>& out, Context& context) {
    last = n;
    out.emit(last + 100 * context.item());
  };
  testing::StageHarness<Number, Number> c(key_by(by_seven),
                                          per_key<Number>("item", Number{0}, with_context));
  c.put(5);
  c.put(6);
  CHECK(c.outputs() == std::vector<Number>{5, 106});

  const auto with_all = [](Number& last, const Number& key, Number n, Emitter<Number>& out,
                           Context& context) { out.emit(last += key + n + context.workers()); };
  testing::StageHarness<Number, Number> a(
      key_by(by_seven), per_key<Number>("all", Number{0}, with_all, {.workers = 3}));
  a.put(8);
  CHECK(a.outputs() == std::vector<Number>{12});
}

TEST_CASE("Per key: finish is called for every key, in the order in which they came", "[time]") {
  const auto keep = [](Number& total, Number n, Emitter<Pair>&) { total += n; };
  const auto finish = [](Number& total, const Number& key, Emitter<Pair>& out) {
    out.emit({key, total});
  };
  testing::StageHarness<Number, Pair> h(key_by(by_seven),
                                        per_key<Pair>("total", Number{0}, keep, finish));
  for (const Number n : {3U, 8U, 10U, 1U}) h.put(n);
  CHECK(h.outputs().empty());
  h.finish();
  CHECK(h.outputs() == Pairs{{3, 13}, {1, 9}});
}

TEST_CASE("Per key: very many keys are finished", "[time]") {
  for_every_carrier([](const CarrierMix& mix) {
    const auto keep = [](Number& total, Number n, Emitter<Pair>&) { total += n; };
    const auto finish = [](Number& total, const Number& key, Emitter<Pair>& out) {
      out.emit({key, total});
    };
    Pipeline p("many keys");
    Collected<Pair> got;
    p.source("read", numbers(20'000), {.carrier = mix.at(0)}) |
        key_by([](Number n) { return n % 10'000; }) |
        per_key<Pair>("total", Number{0}, keep, finish,
                      {.workers = 3, .carrier = mix.at(1), .capacity = 16}) |
        sink("collect", got.sink(), {.carrier = mix.at(2), .capacity = 16});
    run_watched(p);
    Pairs expected;
    for (Number n = 0; n < 10'000; ++n) expected.emplace_back(n, 2 * n + 10'000);
    CHECK(got.sorted() == expected);
  });
}

/// A session of one key: opens with its first item, says so, and reports when the input ends.
struct Session {
  using Out = std::string;
  void start(Context& context) { opened_by = std::string(context.stage()); }
  void process(Number n, Emitter<Out>& out) {
    if (items.empty()) out.emit("open by " + opened_by);
    items.push_back(n);
  }
  bool finish(Emitter<Out>& out) {  // an output a call
    if (told < items.size()) out.emit(std::to_string(items[told]));
    return ++told < items.size();
  }
  std::string opened_by;
  std::vector<Number> items;
  std::size_t told = 0;
};

TEST_CASE("Per key: a stage class has an object for every key", "[time]") {
  testing::StageHarness<Number, std::string> h(key_by(by_seven), per_key("session", Session{}));
  for (const Number n : {3U, 8U, 10U, 1U}) h.put(n);
  CHECK(h.take_outputs() == std::vector<std::string>{"open by session", "open by session"});
  h.finish();
  CHECK(h.outputs() == std::vector<std::string>{"3", "10", "8", "1"});
}

TEST_CASE("Per key: a key that only a failed item had is forgotten", "[time]") {
  const auto fail = [](Number& count, const Number& key, Number, Emitter<Pair>&) {
    ++count;
    if (key == 3) throw std::runtime_error("three");
  };
  const auto finish = [](Number& count, const Number& key, Emitter<Pair>& out) {
    out.emit({key, count});
  };
  testing::StageHarness<Number, Pair> h(
      key_by(by_seven), per_key<Pair>("count", Number{0}, fail, finish, {.on_error = skip()}));
  for (Number n = 0; n < 14; ++n) h.put(n);
  h.finish();
  CHECK(h.skipped() == 2);
  CHECK(h.outputs() == Pairs{{0, 2}, {1, 2}, {2, 2}, {4, 2}, {5, 2}, {6, 2}});
}

TEST_CASE("Per key: a retry that waits holds the key's later items", "[time]") {
  testing::explore(
      [](std::uint64_t seed) {
        const auto fail_first = [](std::vector<Number>& seen, Number n, Emitter<Pair>& out,
                                   Context& context) {
          if (n % 3 == 0 && context.attempt() == 1) throw std::runtime_error("not yet");
          seen.push_back(n);
          out.emit({n % 7, seen.size()});
        };
        std::map<Number, std::vector<Number>> got;
        Pipeline p("retry");
        p.source("read", numbers(40)) | key_by(by_seven) |
            per_key<Pair>("count", std::vector<Number>{}, fail_first,
                          {.workers = 3, .on_error = retry(1, std::chrono::hours{1})}) |
            sink("collect", [&](Pair pair) { got[pair.first].push_back(pair.second); });
        testing::run(p, {.seed = seed});
        for (const auto& [key, list] : got) {
          for (std::size_t i = 0; i < list.size(); ++i) {
            if (list[i] != i + 1) return false;
          }
        }
        return got.size() == 7;
      },
      {.seeds = 200});
  SUCCEED();
}

}  // namespace
}  // namespace sluice
