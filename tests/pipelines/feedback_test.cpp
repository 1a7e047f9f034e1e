// pipelines/feedback_test.cpp: cycles: work that creates more work, and when it is over.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/scale.hpp>
#include <support/watched_run.hpp>

#include <sluice/feedback.hpp>
#include <sluice/sluice.hpp>
#include <sluice/stages/take.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using Catch::Matchers::Contains;

// n stands for a tree: it splits into n-1 and n-2 until 0 or 1 is left; as many leaves as fib(n + 1).
void split(Number n, Emitter<Number>& out) {
  if (n < 2) return out.emit(n);
  out.emit(n - 1);
  out.emit(n - 2);
}
bool is_tree(const Number& n) { return n >= 2; }
Number leaves_of(Number n) { return n < 2 ? 1 : leaves_of(n - 1) + leaves_of(n - 2); }

/// One root that comes from outside.
auto root(Number n) {
  return [n = std::optional<Number>(n)]() mutable { return std::exchange(n, std::nullopt); };
}

TEST_CASE("feedback: everything that comes back is worked off, and then the run ends",
          "[pipeline][feedback]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("splits");
    Collected<Number> got;
    Feedback<Number> again(p, "again", {.capacity = setting.capacity});
    auto [trees, leaves] =
        route(merge(p.source("root", root(12), {.carrier = setting.mix.at(0)}), again.items()) |
                  flat_map<Number>("split", split,
                                   {.workers = setting.workers,
                                    .carrier = setting.mix.at(1),
                                    .capacity = setting.capacity,
                                    .batch = setting.batch}),
              is_tree);
    again.put_back(trees);
    leaves | sink("collect", got.sink(), {.carrier = setting.mix.at(0)});
    const Report report = run_watched(p);
    CHECK(got.size() == leaves_of(12));
    CHECK(report.ledger.balanced);
    CHECK(report.stage("again").in == report.stage("again").out);
  });
}

// The head holds one item and its edge another one: without a store the loop would stand still.
TEST_CASE("feedback: one item that makes very many does not block a loop of capacity 1",
          "[pipeline][feedback]") {
  for (const bool streaming : {false, true}) {
    Pipeline p("bursts");
    const Number count = scaled(Number{100'000});
    std::atomic<Number> seen{0};
    Feedback<Number> again(p, "again", {.capacity = 1, .memory_items = 100});
    const auto burst = [&](Number n, Emitter<Number>& out) {
      if (n != 0) return out.emit(n);
      for (Number i = 1; i <= count; ++i) out.emit(2 * i);
    };
    const auto halves = [](const Number& n) { return n % 2 == 0; };
    auto [even, odd] = route(
        merge(p.source("root", root(0)), again.items()) |
            flat_map<Number>("burst", burst, {.capacity = 1, .streaming = streaming}) |
            map("halve", [](Number n) { return n % 4 == 2 ? n - 1 : n / 2; }, {.capacity = 1}),
        halves);
    again.put_back(even);
    odd | sink("count", [&](Number) { ++seen; }, {.capacity = 1});
    const Report report = run_watched(p);
    CHECK(seen == count);
    CHECK(report.ledger.balanced);
  }
}

TEST_CASE("feedback: a loop waits for what is put in from outside, however late",
          "[pipeline][feedback]") {
  Pipeline p("late");
  Collected<Number> got;
  Feedback<Number> again(p, "again");
  auto [trees, leaves] = route(
      merge(p.inlet<Number>("roots"), again.items()) | flat_map<Number>("split", split), is_tree);
  again.put_back(trees);
  leaves | sink("collect", got.sink());
  WatchedRun run(p);
  auto roots = run->inlet<Number>("roots");
  for (int round = 1; round <= 20; ++round) {
    CHECK(roots.put(Number(8)) == PutStatus::ok);
    wait_until([&] { return got.size() == static_cast<std::size_t>(round) * leaves_of(8); });
    CHECK(run->snapshot().status == RunStatus::running);
  }
  roots.close();
  CHECK(run->wait().ledger.balanced);
}

TEST_CASE("feedback: two loops, one within the other", "[pipeline][feedback]") {
  Pipeline p("nested");
  Collected<Number> got;
  Feedback<Number> outer(p, "outer");
  Feedback<Number> inner(p, "inner");
  // Inner: counts down to a multiple of 10. Outer: takes 10 away until nothing is left.
  auto [rest, tens] =
      route(merge(merge(p.source("read", numbers(200)), outer.items()), inner.items()) |
                map("same", [](Number n) { return n; }),
            [](const Number& n) { return n % 10 != 0; });
  inner.put_back(rest | map("less one", [](Number n) { return n - 1; }));
  auto [more, none] = route(tens, [](const Number& n) { return n != 0; });
  outer.put_back(more | map("less ten", [](Number n) { return n - 10; }));
  none | sink("collect", got.sink());
  const Report report = run_watched(p);
  CHECK(got.size() == 200);
  CHECK(report.ledger.balanced);
}

TEST_CASE("feedback: stop drains the loop, cancel drops what is in it", "[pipeline][feedback]") {
  for (const bool cancel : {false, true}) {
    Pipeline p("ends");
    Gate gate;
    Collected<Number> got;
    Feedback<Number> again(p, "again");
    auto [trees, leaves] = route(
        merge(p.source("read", endless_numbers()) | map("ten", [](Number) { return Number{10}; }),
              again.items()) |
            flat_map<Number>("split", split),
        is_tree);
    again.put_back(trees);
    leaves | sink("collect", got.sink());
    WatchedRun run(p);
    wait_until([&] { return got.size() > 1000; });
    if (cancel) {
      run->cancel();
    } else {
      run->stop();
    }
    const Report report = run.end();
    CHECK(report.ledger.balanced);
    CHECK(report.status == (cancel ? RunStatus::cancelled : RunStatus::stopped));
    if (!cancel) CHECK(got.size() == report.stage("ten").out * leaves_of(10));
  }
}

TEST_CASE("feedback: when nobody wants the results, the loop ends", "[pipeline][feedback]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("enough");
    Feedback<Number> again(p, "again", {.capacity = 4});
    // Without an end: every item makes two.
    const auto breed = [](Number n, Emitter<Number>& out) {
      out.emit(2 * n);
      out.emit(2 * n + 1);
    };
    auto found = merge(p.source("root", root(1), {.carrier = mix.at(0)}), again.items()) |
                 flat_map<Number>("breed", breed, {.carrier = mix.at(1), .capacity = 4});
    again.put_back(found);
    std::size_t seen = 0;
    found | sink("some", [&](Number) { return ++seen < 1000 ? Demand::more : Demand::enough; },
                 {.carrier = mix.at(0)});
    const Report report = run_watched(p);
    CHECK(seen == 1000);
    CHECK(report.ledger.balanced);
  });
}

TEST_CASE("feedback: a consumer inside the loop that has enough takes nothing from the others",
          "[pipeline][feedback]") {
  Pipeline p("tap");
  Collected<Number> got;
  std::size_t tapped = 0;
  Feedback<Number> again(p, "again", {.capacity = 2});
  auto [more, none] = route(merge(p.source("read", numbers(100)), again.items()),
                            [](const Number& n) { return n != 0; });
  auto less = more | map("less", [](Number n) { return n - 1; }, {.capacity = 2});
  again.put_back(less);
  less | sink("tap", [&](Number) { return ++tapped < 3 ? Demand::more : Demand::enough; });
  none | sink("collect", got.sink());
  CHECK(run_watched(p).ledger.balanced);
  CHECK(got.size() == 100);
  CHECK(tapped == 3);
}

TEST_CASE("feedback: a way back that ends early does not end what comes from outside",
          "[pipeline][feedback]") {
  Pipeline p("one way ends");
  Collected<Number> got;
  std::atomic<int> begun{0};
  Feedback<Number> odd(p, "odd");
  Feedback<Number> even(p, "even");
  // Every root passes once; only the first three odd ones go round again.
  auto all = merge(merge(p.source("read", numbers(200)), odd.items()), even.items()) |
             map("same", [&](Number n) { return ++begun, n; });
  auto [small, large] = route(all, [](const Number& n) { return n < 1000; });
  auto [odd_ones, even_ones] = route(small, [](const Number& n) { return n % 2 == 1; });
  odd.put_back(odd_ones | map("add 1", [](Number n) { return n + 1000; }) |
               stages::take("three", 3));
  even.put_back(even_ones | map("add 2", [](Number n) { return n + 1000; }));
  large | sink("collect", got.sink());
  CHECK(run_watched(p).ledger.balanced);
  CHECK(got.size() == 103);
}

TEST_CASE("feedback: one loop behind the other, both fed by the first", "[pipeline][feedback]") {
  Pipeline p("chain");
  Collected<Number> got;
  const auto is_positive = [](const Number& n) { return n > 0; };
  Feedback<Number> second(p, "second");
  Feedback<Number> first(p, "first");
  auto [more, done] = route(merge(p.source("read", numbers(50)), first.items()) |
                                map("less", [](Number n) { return n > 0 ? n - 1 : n; }),
                            is_positive);
  first.put_back(more);
  auto [again, rest] = route(merge(merge(done, first.items()), second.items()) |
                                 map("less too", [](Number n) { return n > 0 ? n - 1 : n; }),
                             is_positive);
  second.put_back(again);
  rest | sink("collect", got.sink());
  const Report report = run_watched(p);
  CHECK(report.ledger.balanced);
  CHECK(got.size() == 50 + report.stage("first").out / 2);  // what first passes on goes both ways
}

TEST_CASE("feedback: enough far behind the loop ends it", "[pipeline][feedback]") {
  Pipeline p("endless");
  std::size_t seen = 0;
  Feedback<Number> again(p, "again");
  auto found = merge(p.source("root", root(1)), again.items()) |
               flat_map<Number>("breed",
                                [](Number n, Emitter<Number>& out) {
                                  out.emit(2 * n);
                                  out.emit(2 * n + 1);
                                }) |
               map("same", [](Number n) { return n; });
  again.put_back(found);
  found | map("behind", [](Number n) { return n; }) |
      sink("some", [&](Number) { return ++seen < 500 ? Demand::more : Demand::enough; });
  CHECK(run_watched(p).ledger.balanced);
  CHECK(seen == 500);
}

TEST_CASE("feedback: an item that fails fails the run, or is skipped, as anywhere",
          "[pipeline][feedback]") {
  for (const bool fails : {false, true}) {
    Pipeline p("errors");
    Collected<Number> got;
    Feedback<Number> again(p, "again");
    const auto work = [](Number n, Emitter<Number>& out) {
      if (n == 3) throw std::runtime_error("three");
      split(n, out);
    };
    auto [trees, leaves] =
        route(merge(p.source("root", root(6)), again.items()) |
                  flat_map<Number>("split", work, {.on_error = fails ? fail_run() : skip()}),
              is_tree);
    again.put_back(trees);
    leaves | sink("collect", got.sink());
    WatchedRun run(p);
    const Report report = run.end();
    CHECK(report.status == (fails ? RunStatus::failed : RunStatus::done));
    CHECK(report.ledger.balanced);
    if (!fails) CHECK(report.stage("split").skipped == 3);  // 6 holds 3 three times
  }
}

TEST_CASE("feedback: items that can only be moved", "[pipeline][feedback]") {
  Pipeline p("moved");
  std::size_t seen = 0;
  Feedback<std::unique_ptr<Number>> again(p, "again");
  auto boxed = p.source("read", numbers(100)) |
               map("box", [](Number n) { return std::make_unique<Number>(n); });
  auto [more, rest] =
      route(merge(std::move(boxed), again.items()) | map("less",
                                                         [](std::unique_ptr<Number> n) {
                                                           if (*n > 0) --*n;
                                                           return n;
                                                         }),
            [](const std::unique_ptr<Number>& n) { return *n > 0; });
  again.put_back(std::move(more));
  std::move(rest) | sink("count", [&](std::unique_ptr<Number>) { ++seen; });
  run_watched(p);
  CHECK(seen == 100);
}

TEST_CASE("feedback: what is wrong with a loop is said before anything starts",
          "[pipeline][feedback]") {
  Pipeline nothing("nothing");
  Feedback<Number> unused(nothing, "unused");
  merge(nothing.source("read", numbers(3)), unused.items()) | sink("drop", [](Number) {});
  CHECK_THROWS_WITH(run(nothing), Contains("feedback unused: nothing is put back"));

  Pipeline straight("straight");
  Feedback<Number> again(straight, "again");
  auto read = straight.source("read", numbers(3));
  again.put_back(read);
  again.items() | sink("drop", [](Number) {});
  CHECK_THROWS_WITH(run(straight),
                    Contains("feedback again: what comes from it does not lead back"));

  Pipeline gathers("gathers");
  Feedback<std::vector<Number>> vectors(gathers, "vectors");
  auto batches = merge(gathers.source("read", numbers(3)) |
                           map("one", [](Number n) { return std::vector<Number>{n}; }),
                       vectors.items()) |
                 map("sum", [](const std::vector<Number>& v) { return Number{v.size()}; }) |
                 batch("gather", 2);
  vectors.put_back(batches);
  batches | sink("drop", [](const std::vector<Number>&) {});
  CHECK_THROWS_WITH(run(gathers),
                    Contains("stage gather: it gathers items inside the loop of feedback"));

  struct Last {
    using Out = Number;
    void process(Number n, Emitter<Number>& out) { out.emit(n); }
    void finish(Emitter<Number>& out) { out.emit(0); }
  };
  Pipeline finishes("finishes");
  Feedback<Number> back(finishes, "back");
  auto last = merge(finishes.source("read", numbers(3)), back.items()) | stage("last", Last{});
  back.put_back(last);
  last | sink("drop", [](Number) {});
  CHECK_THROWS_WITH(run(finishes),
                    Contains("stage last: it has a finish() that may emit inside the loop"));

  Pipeline threaded("threaded");
  Feedback<Number> loop(threaded, "loop");
  auto same = merge(threaded.source("read", numbers(3)), loop.items()) |
              filter("none", [](Number) { return false; });
  loop.put_back(same);
  same | sink("drop", [](Number) {});
  CHECK_THROWS_WITH(run(threaded, {.overrides = {{.stage = "loop", .carrier = Carrier::thread}}}),
                    Contains("stage loop: a feedback waits for items and for room at once"));
}

}  // namespace
}  // namespace sluice
