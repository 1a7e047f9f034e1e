// time/testing_test.cpp: what sluice::testing promises to those who test their pipelines with it.
// SPDX-License-Identifier: MIT
#include <support/collected.hpp>
#include <support/move_only.hpp>
#include <support/numbers.hpp>

#include <sluice/sluice.hpp>
#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

using Catch::Matchers::Contains;

/// SLUICE_SEED for the length of a block.
class SeedVariable {
 public:
  explicit SeedVariable(const char* value) {
    if (const char* old = std::getenv(kName)) old_ = old;
    if (value != nullptr) {
      ::setenv(kName, value, 1);
    } else {
      ::unsetenv(kName);
    }
  }
  ~SeedVariable() {
    if (old_.has_value()) {
      ::setenv(kName, old_->c_str(), 1);
    } else {
      ::unsetenv(kName);
    }
  }
  SeedVariable(const SeedVariable&) = delete;
  SeedVariable& operator=(const SeedVariable&) = delete;

 private:
  static constexpr const char* kName = "SLUICE_SEED";
  std::optional<std::string> old_;
};

std::vector<Number> arrivals(std::uint64_t seed) {
  std::vector<Number> got;
  Pipeline p("order");
  auto stream = p.source("read", numbers(40));
  merge(stream | map("a", [](Number n) { return n; }, {.workers = 2, .capacity = 2}),
        stream | map("b", [](Number n) { return 100 + n; }, {.capacity = 3})) |
      sink("collect", [&](Number n) { got.push_back(n); });
  testing::run(p, {.seed = seed});
  return got;
}

TEST_CASE("Testing: the same seed gives the same order, another one another", "[time]") {
  CHECK(arrivals(1) == arrivals(1));
  CHECK(arrivals(1) != arrivals(2));
}

TEST_CASE("Testing: run reports like sluice::run, and throws like it", "[time]") {
  Pipeline p("report");
  p.source("read", numbers(10)) | filter("even", [](Number n) { return n % 2 == 0; }) |
      sink("fail",
           [](Number n) {
             if (n == 4) throw std::runtime_error("four");
           },
           {.on_error = dead_letter("bad")});
  std::vector<std::uint64_t> letters;
  const Report report = testing::run(
      p, {.on_dead_letter = [&](const DeadLetter& letter) { letters.push_back(letter.item); }});
  CHECK(report.status == RunStatus::done);
  CHECK(report.ledger.balanced);
  CHECK(report.stage("even").filtered == 5);
  CHECK(letters == std::vector<std::uint64_t>{2});

  Pipeline q("failure");
  q.source("read", numbers(10)) | sink("fail", [](Number n) {
    if (n == 4) throw std::runtime_error("four");
  });
  CHECK_THROWS_AS(testing::run(q), StageError);
  Pipeline faulty("no source");
  CHECK_THROWS_AS(testing::run(faulty), PipelineError);
}

TEST_CASE("Testing: a run can be stopped and cancelled after so many steps", "[time]") {
  Pipeline p("endless");
  p.source("read", endless_numbers()) | sink("drop", [](Number) {});
  CHECK(testing::run(p, {.stop_after = 50}).status == RunStatus::stopped);
  CHECK(testing::run(p, {.cancel_after = 50}).status == RunStatus::cancelled);
}

TEST_CASE("Testing: streaming stages, inlets and outlets are refused with their name", "[time]") {
  Pipeline streaming("streaming");
  streaming.source("read", numbers(1)) |
      flat_map<Number>("pour", [](Number n, Emitter<Number>& out) { out.emit(n); },
                       {.streaming = true}) |
      sink("drop", [](Number) {});
  CHECK_THROWS_WITH(testing::run(streaming), Contains("stage pour is streaming"));
  Pipeline fed("fed");
  fed.inlet<Number>("in") | sink("drop", [](Number) {});
  CHECK_THROWS_WITH(testing::run(fed), Contains("stage in is an inlet"));
  Pipeline read("read");
  read.source("numbers", numbers(1)) | outlet<Number>("out");
  CHECK_THROWS_WITH(testing::run(read), Contains("stage out is an outlet"));
  const auto pour = [](Number n, Emitter<Number>& out) { out.emit(n); };
  using Harness = testing::StageHarness<Number, Number>;
  CHECK_THROWS_WITH(Harness(flat_map<Number>("pour", pour, {.streaming = true})),
                    Contains("stage pour is streaming"));
}

// ---- explore ---------------------------------------------------------------------------------------

TEST_CASE("Explore: tries the seeds that were asked for, and names the one that fails", "[time]") {
  const SeedVariable none(nullptr);
  std::vector<std::uint64_t> tried;
  const auto check = [&](std::uint64_t seed) {
    tried.push_back(seed);
    return seed != 7;
  };
  CHECK(testing::explore(check, {.seeds = 3, .first_seed = 2}) == 3);
  CHECK(tried == std::vector<std::uint64_t>{2, 3, 4});
  CHECK_THROWS_WITH(testing::explore(check, {.seeds = 10, .first_seed = 5}),
                    Contains("seed 7: ") && Contains("SLUICE_SEED=7"));
  CHECK(tried.back() == 7);
  const auto throws = [](std::uint64_t) { throw std::runtime_error("order lost"); };
  try {
    testing::explore(throws);
    FAIL("nothing was thrown");
  } catch (const testing::SeedFailed& failed) {
    CHECK(failed.seed() == 1);
    CHECK_THAT(failed.what(), Contains("seed 1: order lost"));
  }
}

TEST_CASE("Explore: SLUICE_SEED has exactly that seed tried", "[time]") {
  std::vector<std::uint64_t> tried;
  const auto check = [&](std::uint64_t seed) { tried.push_back(seed); };
  {
    const SeedVariable one("4711");
    CHECK(testing::explore(check, {.seeds = 10}) == 1);
    CHECK(tried == std::vector<std::uint64_t>{4711});
  }
  for (const char* text : {"x", "12 ", "-1", "99999999999999999999"}) {
    const SeedVariable bad(text);
    CHECK_THROWS_AS(testing::explore(check), UsageError);
  }
}

/// Passes items on in the order in which they come, but counts on the input being sorted: right with one
/// worker before it, wrong with two.
std::uint64_t first_bad_seed(std::size_t workers) {
  const SeedVariable none(nullptr);
  try {
    testing::explore(
        [&](std::uint64_t seed) {
          Number last = 0;
          bool sorted = true;
          Pipeline p("sorted?");
          p.source("read", numbers(12)) |
              map("same", [](Number n) { return n; }, {.workers = workers, .capacity = 2}) |
              sink("check", [&](Number n) {
                sorted = sorted && n >= last;
                last = n;
              });
          testing::run(p, {.seed = seed});
          return sorted;
        },
        {.seeds = 1000});
  } catch (const testing::SeedFailed& failed) {
    return failed.seed();
  }
  return 0;
}

TEST_CASE("Explore: finds a stage that counts on an order nobody promised", "[time]") {
  CHECK(first_bad_seed(1) == 0);
  const std::uint64_t seed = first_bad_seed(2);
  CHECK(seed != 0);
  CHECK(first_bad_seed(2) == seed);
}

/// "Read the state, wait for the answer, write the state": a lost update when another step comes between.
bool updates_survive(std::uint64_t seed, bool apart) {
  std::map<Number, Number> totals;
  Pipeline p("lost update");
  const auto read_total = [&](Number n) { return std::pair<Number, Number>{n % 2, totals[n % 2]}; };
  const auto write_total = [&](std::pair<Number, Number> seen) {
    totals[seen.first] = seen.second + 1;
  };
  if (apart) {
    p.source("read", numbers(10)) | map("look up", read_total) | sink("write", write_total);
  } else {
    p.source("read", numbers(10)) | sink("both", [&](Number n) { write_total(read_total(n)); });
  }
  testing::run(p, {.seed = seed});
  return totals[0] + totals[1] == 10;
}

TEST_CASE("Explore: finds an update that gets lost between two stages", "[time]") {
  const SeedVariable none(nullptr);
  CHECK_THROWS_AS(testing::explore([](std::uint64_t seed) { return updates_survive(seed, true); },
                                   {.seeds = 100}),
                  testing::SeedFailed);
  CHECK(testing::explore([](std::uint64_t seed) { return updates_survive(seed, false); },
                         {.seeds = 100}) == 100);
}

// ---- one stage alone -------------------------------------------------------------------------------

using Numbers = std::vector<Number>;

TEST_CASE("Harness: a map gives an output per item, a filter says what it kept back", "[time]") {
  testing::StageHarness<Number, std::string> text(
      map("text", [](Number n) { return std::to_string(n); }));
  CHECK(text.put(1));
  CHECK(text.outputs() == std::vector<std::string>{"1"});
  text.put(2);
  CHECK(text.take_outputs() == std::vector<std::string>{"1", "2"});
  CHECK(text.outputs().empty());
  text.finish();
  CHECK_FALSE(text.put(3));

  testing::StageHarness<Number, Number> even(filter("even", [](Number n) { return n % 2 == 0; }));
  for (Number n = 0; n < 5; ++n) even.put(n);
  CHECK(even.outputs() == Numbers{0, 2, 4});
  CHECK(even.filtered() == 2);
  CHECK(even.report().completed == 5);
}

TEST_CASE("Harness: a batch lingers on the virtual clock", "[time]") {
  testing::StageHarness<int, std::vector<int>> h(batch("pack", 3, 10s));
  h.put(1);
  h.put(2);
  CHECK(h.outputs().empty());
  h.advance(10s - 1ns);
  CHECK(h.outputs().empty());
  h.advance(1ns);
  CHECK(h.outputs() == std::vector<std::vector<int>>{{1, 2}});
  CHECK(h.now() == 10s);
  h.put(3);
  h.finish();
  CHECK(h.outputs().back() == std::vector<int>{3});
  CHECK_THROWS_AS(h.advance(-1s), UsageError);
}

/// Emits each item twice, and says how many there were.
struct Twice {
  using Out = std::string;
  void start(Context& context) { name = std::string(context.stage()); }
  void process(Number n, Emitter<Out>& out) {
    out.emit(std::to_string(n));
    out.emit(std::to_string(n));
    ++count;
  }
  void finish(Emitter<Out>& out) { out.emit(name + " " + std::to_string(count)); }
  std::string name;
  int count = 0;
};

TEST_CASE("Harness: a class is started, fed and finished, a flat_map emits many", "[time]") {
  testing::StageHarness<Number, std::string> h(stage("twice", Twice{}));
  h.put(5);
  CHECK(h.outputs() == std::vector<std::string>{"5", "5"});
  h.finish();
  CHECK(h.outputs().back() == "twice 1");

  testing::StageHarness<Number, Number> count(
      flat_map<Number>("count", [](Number n, Emitter<Number>& out) {
        for (Number i = 0; i < n; ++i) out.emit(i);
      }));
  count.put(5000);  // more than any edge holds
  CHECK(count.outputs() == up_to(5000));
}

TEST_CASE("Harness: sinks, and stages behind key_by", "[time]") {
  Numbers got;
  testing::StageHarness<Number> into(sink("keep", [&](Number n) { got.push_back(n); }));
  into.put(3);
  CHECK(got == Numbers{3});
  into.finish();

  const auto parity = [](Number n) { return n % 2; };
  testing::StageHarness<Number, std::pair<Number, Number>> sums(
      key_by(parity), reduce("sum", Number{0}, [](Number& sum, Number n) { sum += n; }));
  for (Number n = 0; n < 10; ++n) sums.put(n);
  CHECK(sums.outputs().empty());
  sums.finish();
  CHECK(sums.outputs() == std::vector<std::pair<Number, Number>>{{0, 20}, {1, 25}});
}

TEST_CASE("Harness: items that can only be moved", "[time]") {
  testing::StageHarness<MoveOnly, MoveOnly> h(map("same", [](MoveOnly item) { return item; }));
  h.put(MoveOnly(4));
  REQUIRE(h.outputs().size() == 1);
  CHECK(h.outputs().front().value() == 4);
}

TEST_CASE("Harness: a failing item throws at once, by the stage's policy is retried or buried",
          "[time]") {
  const auto fail = [](Number n, Context& context) {
    if (n == 1 || context.attempt() < 3) throw std::runtime_error("no " + std::to_string(n));
    return n;
  };
  testing::StageHarness<Number, Number> h(
      map("fail", fail, {.on_error = retry(2, 1s).then(dead_letter("bad"))}));
  h.put(0);
  h.put(1);
  CHECK(h.outputs().empty());
  h.advance(1s);
  CHECK(h.outputs().empty());
  h.advance(2s);
  CHECK(h.outputs() == Numbers{0});
  REQUIRE(h.dead_letters().size() == 1);
  CHECK(h.dead_letters().front().error == "no 1");
  CHECK(h.dead_letters().front().attempt == 3);
  h.finish();
  CHECK(h.report().retried == 4);

  testing::StageHarness<Number, Number> strict(map("fail", fail));
  CHECK_THROWS_AS(strict.put(1), StageError);
  CHECK_THROWS_AS(strict.finish(), StageError);
  testing::StageHarness<Number, Number> lax(map("fail", fail, {.on_error = skip()}));
  lax.put(1);
  CHECK(lax.skipped() == 1);
}

TEST_CASE("Harness: a stage that has enough takes no more", "[time]") {
  testing::StageHarness<Number> h(sink(
      "two", [count = 0](Number) mutable { return ++count == 2 ? Demand::enough : Demand::more; }));
  CHECK(h.put(1));
  CHECK(h.put(2));
  CHECK_FALSE(h.put(3));
  h.finish();
  CHECK(h.report().completed == 2);
}

TEST_CASE("Batch: options may stand where a linger would", "[time]") {
  Pipeline p("batches");
  std::vector<Numbers> got;
  p.source("read",
           [n = Number{0}]() mutable { return n < 5 ? std::optional(n++) : std::nullopt; }) |
      batch("pack", 2, {.carrier = Carrier::thread, .capacity = 3}) |
      sink("note", [&got](Numbers numbers) { got.push_back(std::move(numbers)); });
  CHECK(testing::run(p).edges[0].capacity == 3);
  CHECK(got == std::vector<Numbers>{{0, 1}, {2, 3}, {4}});
}

TEST_CASE("Harness: one that is not finished ends quietly", "[time]") {
  testing::StageHarness<Number, Numbers> h(batch("pack", 3));
  h.put(1);
  SUCCEED();
}

}  // namespace
}  // namespace sluice
