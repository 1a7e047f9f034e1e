// time/clock_test.cpp: everything in a step that waits goes by the run's clock: the steady one, or the virtual
// one of the testing driver.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/scratch.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>
#include <sluice/stages/write_lines.hpp>
#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

using Numbers = std::vector<Number>;
using Times = std::vector<std::chrono::nanoseconds>;

std::chrono::nanoseconds since_start(const Context& context) {
  return context.now().time_since_epoch();
}

TEST_CASE("Clock: on real carriers it is the steady clock", "[time]") {
  for_every_carrier([](const CarrierMix& mix) {
    const auto before = std::chrono::steady_clock::now();
    Collected<std::chrono::steady_clock::time_point> seen;
    Pipeline p("steady");
    p.source("read", numbers(20), {.carrier = mix.at(0)}) |
        map("look", [](Number, Context& context) { return context.now(); },
            {.carrier = mix.at(1)}) |
        sink("collect", seen.sink(), {.carrier = mix.at(2)});
    run_watched(p);
    const auto after = std::chrono::steady_clock::now();
    REQUIRE(seen.size() == 20);
    CHECK(std::is_sorted(seen.items().begin(), seen.items().end()));
    CHECK(seen.items().front() >= before);
    CHECK(seen.items().back() <= after);
  });
}

TEST_CASE("Clock: under the seeded driver a retry's back-off passes at once, and doubles exactly",
          "[time]") {
  testing::explore(
      [](std::uint64_t seed) {
        Times seen;
        Pipeline p("back-off");
        const auto fail = [&seen](Number, Context& context) {
          seen.push_back(since_start(context));
          if (context.attempt() < 4) throw std::runtime_error("not yet");
        };
        p.source("read", numbers(1)) | sink("fail", fail, {.on_error = retry(3, 10min)});
        testing::run(p, {.seed = seed});
        return seen == Times{0min, 10min, 30min, 70min};
      },
      {.seeds = 100});
  SUCCEED();
}

TEST_CASE("Clock: under the seeded driver a source's back-off passes at once", "[time]") {
  Times seen;
  Pipeline p("back-off of a source");
  const auto read = [&seen](Context& context) -> std::optional<Number> {
    seen.push_back(since_start(context));
    if (context.attempt() < 3) throw std::runtime_error("not yet");
    return std::nullopt;
  };
  p.source("read", read, {.on_error = retry(2, 20min)}) | sink("drop", [](Number) {});
  testing::run(p);
  CHECK(seen == Times{0min, 20min, 60min});
}

TEST_CASE("Clock: under the seeded driver a linger of an hour passes at once", "[time]") {
  // The second item comes half an hour after the first, the third long after the batch was passed on.
  Times arrived;
  std::vector<Numbers> packs;
  Pipeline p("linger");
  const auto late = [](Number n, Context& context) {
    if (context.attempt() == 1) throw std::runtime_error("later");
    return n;
  };
  const auto note = [&](Numbers pack, Context& context) {
    arrived.push_back(since_start(context));
    packs.push_back(std::move(pack));
  };
  auto read = p.source("read", numbers(1));
  merge(read | map("at 0", [](Number) { return Number{0}; }),
        read | map("at 30 min", late, {.on_error = retry(1, 30min)}) |
            map("one", [](Number) { return Number{1}; }),
        read | map("at 5 h", late, {.on_error = retry(1, 5h)}) |
            map("two", [](Number) { return Number{2}; })) |
      batch("pack", 100, 1h) | sink("note", note);
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    arrived.clear();
    packs.clear();
    testing::run(p, {.seed = seed});
    CHECK(packs == std::vector<Numbers>{{0, 1}, {2}});
    CHECK(arrived == Times{1h, 5h});
  }
}

TEST_CASE("Clock: a stopped source does not wait for its retry, a stage's retry keeps its time",
          "[time]") {
  Times seen;
  Pipeline p("stop");
  const auto fail = [&seen](Number, Context& context) {
    seen.push_back(since_start(context));
    if (context.attempt() == 1) {
      context.stop();
      throw std::runtime_error("not yet");
    }
  };
  p.source("read", numbers(1)) | sink("fail", fail, {.on_error = retry(1, 1h)});
  CHECK(testing::run(p).status == RunStatus::stopped);
  CHECK(seen == Times{0h, 1h});
}

TEST_CASE("Clock: lines wait for more of them on the virtual clock before they are written",
          "[time]") {
  const Scratch scratch;
  const std::string path = scratch / "lines";
  testing::StageHarness<std::string> h(sink("write", stages::write_lines(path)));
  h.put("one");
  h.advance(19ms);
  h.put("two");
  CHECK(content_of(path).empty());
  h.advance(1ms);
  CHECK(content_of(path) == "one\ntwo\n");
  CHECK(h.now() == 20ms);
}

}  // namespace
}  // namespace sluice
