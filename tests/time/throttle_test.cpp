// time/throttle_test.cpp: a throttle passes items on in order, never faster than its rate, exactly at it where
// nothing else holds them back, and waits without blocking anybody.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/move_only.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/flow/token_bucket.hpp>
#include <sluice/sluice.hpp>
#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

using Times = std::vector<std::chrono::nanoseconds>;

/// When each of `count` items comes through, all there from the beginning.
Times passages(double rate, std::size_t burst, Number count, std::uint64_t seed = 1) {
  Times times;
  std::vector<Number> got;
  Pipeline p("throttle");
  p.source("read", numbers(count)) | throttle("slow", rate, burst, {.capacity = 3}) |
      sink("note", [&](Number n, Context& context) {
        got.push_back(n);
        times.push_back(context.now().time_since_epoch());
      });
  testing::run(p, {.seed = seed});
  CHECK(got == up_to(count));
  return times;
}

TEST_CASE("Throttle: one item an interval, or a burst at once and then one", "[time]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CHECK(passages(10, 1, 4, seed) == Times{0ms, 100ms, 200ms, 300ms});
    CHECK(passages(10, 3, 6, seed) == Times{0ms, 0ms, 0ms, 100ms, 200ms, 300ms});
    CHECK(passages(0.001, 1, 3, seed) == Times{0s, 1000s, 2000s});
    CHECK(passages(0.5, 100, 3, seed) == Times{0s, 0s, 0s});
  }
}

TEST_CASE("Throttle: an interval that is no whole number of nanoseconds does not add up",
          "[time]") {
  const Times times = passages(3, 1, 3001);
  CHECK(times[3000] >= 1000s);
  CHECK(times[3000] <= 1000s + 1ns);
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto exact = std::chrono::nanoseconds(
        static_cast<std::int64_t>(std::ceil(static_cast<long double>(i) * 1e9L / 3)));
    REQUIRE(times[i] >= exact);
    REQUIRE(times[i] <= exact + 1ns);
  }
}

TEST_CASE("Throttle: a pause saves up a burst, and no more", "[time]") {
  testing::StageHarness<Number, Number> h(throttle("slow", 10, 2));
  for (Number n = 0; n < 5; ++n) CHECK(h.put(n));
  CHECK(h.outputs() == up_to(2));
  h.advance(99ms);
  CHECK(h.outputs().size() == 2);
  h.advance(1ms);
  CHECK(h.outputs().size() == 3);
  h.advance(10s);
  CHECK(h.outputs() == up_to(5));
  for (Number n = 5; n < 9; ++n) h.put(n);
  CHECK(h.outputs().size() == 7);
  h.advance(50ms);
  CHECK(h.outputs().size() == 7);
  h.finish();
  CHECK(h.outputs() == up_to(9));
  CHECK(h.now() == 10s + 100ms + 200ms);
}

TEST_CASE("Throttle: the end of the input needs no token", "[time]") {
  testing::StageHarness<Number, Number> h(throttle("slow", 0.001));
  h.put(0);
  h.finish();
  CHECK(h.now() == 0s);
}

TEST_CASE("Throttle: what waits stays in the queue and holds back the source", "[time]") {
  Number emitted = 0;
  Number most_ahead = 0;
  Number passed = 0;
  Pipeline p("back");
  const auto read = [&]() -> std::optional<Number> {
    if (emitted == 100) return std::nullopt;
    return emitted++;
  };
  p.source("read", read) | throttle("slow", 1, 1, {.capacity = 4, .batch = 64}) |
      sink("note", [&](Number) {
        ++passed;
        most_ahead = std::max(most_ahead, emitted - passed);
      });
  testing::run(p);
  CHECK(passed == 100);
  // Four in the queue, one in the source's hands, and one on its way to the sink.
  CHECK(most_ahead <= 6);
}

TEST_CASE("Throttle: in any span at most burst + rate * span items, however they come", "[time]") {
  testing::explore(
      [](std::uint64_t seed) {
        std::mt19937_64 random(seed);
        const double rate = std::uniform_real_distribution<double>(0.1, 1e6)(random);
        const std::size_t burst = 1 + random() % 5;
        detail::TokenBucket bucket(rate, burst);
        std::vector<Clock::time_point> passed;
        Clock::time_point now{};
        for (int i = 0; i < 200; ++i) {
          if (random() % 3 == 0) {
            const double wait = 3e9 / rate * static_cast<double>(random() % 1000) / 500;
            now += Clock::duration(static_cast<Clock::rep>(wait));
          }
          if (bucket.available(now) == 0) {
            const Clock::time_point next = bucket.next();
            if (next <= now || bucket.available(next - 1ns) != 0) return false;
            now = next;
            if (bucket.available(now) == 0) return false;
          }
          bucket.take(now);
          passed.push_back(now);
        }
        for (std::size_t i = 0; i + burst < passed.size(); ++i) {
          for (std::size_t n = burst; i + n < passed.size(); ++n) {
            const double span =
                std::chrono::duration<double>(passed[i + n] - passed[i]).count() + 2e-9;
            if (span * rate + static_cast<double>(burst) < static_cast<double>(n + 1)) return false;
          }
        }
        return true;
      },
      {.seeds = 300});
  SUCCEED();
}

TEST_CASE("Token bucket: extreme rates and bursts", "[time]") {
  detail::TokenBucket rare(1e-18, 1);
  rare.take(Clock::time_point{1s});
  CHECK(rare.next() == Clock::time_point::max());
  CHECK(rare.available(Clock::time_point{std::chrono::hours{24 * 365 * 200}}) == 0);
  detail::TokenBucket often(1e18, 1);
  often.take(Clock::time_point{1s});
  CHECK(often.available(Clock::time_point{1s + 1ns}) == 1);
  detail::TokenBucket large(1, std::numeric_limits<std::size_t>::max());
  CHECK(large.available(Clock::time_point{}) == std::numeric_limits<std::size_t>::max());
  large.take(Clock::time_point{});
  CHECK(large.available(Clock::time_point{}) == std::numeric_limits<std::size_t>::max() - 1);
}

TEST_CASE("Throttle: on real carriers in order, and never faster than its rate", "[time]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const std::size_t burst : {1U, 5U}) {
      std::vector<Clock::time_point> times;
      std::vector<Number> got;
      Pipeline p("real");
      p.source("read", numbers(40), {.carrier = mix.at(0)}) |
          throttle("slow", 2000, burst, {.carrier = mix.at(1), .capacity = 2}) |
          map("note",
              [](Number n, Context& context) {
                return std::pair{n, context.now()};
              },
              {.carrier = mix.at(2)}) |
          sink("collect", [&](std::pair<Number, Clock::time_point> noted) {
            got.push_back(noted.first);
            times.push_back(noted.second);
          });
      run_watched(p);
      CHECK(got == up_to(40));
      // The last one is seen after it passed, the first one passed after the run began.
      CHECK(times.back() - times.front() + 1s > 0s);
      const Report report = run_watched(p);
      CHECK(report.ledger.balanced);
      CHECK(report.seconds >= static_cast<double>(40 - burst) / 2000);
    }
  });
}

TEST_CASE("Throttle: does not block the pool while it waits", "[time]") {
  // As many throttles as the pool has threads, and one more, wait for an hour; others go on beside them.
  Pipeline p("pool");
  Collected<Number> got;
  for (std::size_t i = 0; i <= pool_size(); ++i) {
    const std::string name = std::to_string(i);
    p.source("wait" + name, numbers(5)) |
        throttle("slow" + name, 1.0 / 3600, 1, {.carrier = Carrier::pool}) |
        sink("drop" + name, [](Number) {}, {.carrier = Carrier::pool});
  }
  p.source("read", numbers(1000)) |
      map("go", [](Number n) { return n; }, {.carrier = Carrier::pool}) |
      sink("collect", got.sink(), {.carrier = Carrier::pool});
  WatchedRun run(p);
  wait_until([&] { return got.size() == 1000; });
  run->cancel();
  CHECK(run.end().status == RunStatus::cancelled);
  CHECK(got.items() == up_to(1000));
}

TEST_CASE("Throttle: stop ends its wait and drains, cancel ends it and drops", "[time]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const bool cancel : {false, true}) {
      Pipeline p("end");
      Collected<Number> got;
      p.inlet<Number>("in", {.carrier = mix.at(0)}) |
          throttle("slow", 1.0 / 3600, 1, {.carrier = mix.at(1)}) |
          sink("collect", got.sink(), {.carrier = mix.at(2)});
      WatchedRun run(p);
      auto in = run->inlet<Number>("in");
      for (Number n = 0; n < 10; ++n) REQUIRE(in.put(n) == PutStatus::ok);
      wait_until([&] { return got.size() == 1; });
      CHECK(run->join(20ms) == JoinStatus::late);
      if (cancel) {
        run->cancel();
      } else {
        run->stop();
      }
      const Report report = run.end();
      CHECK(report.ledger.balanced);
      CHECK(got.items() == up_to(cancel ? 1 : 10));
    }
  });
}

TEST_CASE("Throttle: a branch that has enough ends its wait", "[time]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("enough");
    p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
        throttle("slow", 1.0 / 3600, 1, {.carrier = mix.at(1)}) |
        sink("one", [](Number) { return Demand::enough; }, {.carrier = mix.at(2)});
    CHECK(run_watched(p).status == RunStatus::done);
  });
}

TEST_CASE("Throttle: items that can only be moved, one that is not passed on comes back",
          "[time]") {
  testing::StageHarness<MoveOnly, MoveOnly> h(throttle("slow", 1));
  h.put(MoveOnly(1));
  REQUIRE(h.outputs().size() == 1);
  CHECK(h.outputs().front().value() == 1);

  Pipeline p("letters");
  std::vector<Number> got;
  const auto key = [](Number n) {
    if (n % 2 == 1) throw std::runtime_error("odd");
    return n;
  };
  p.source("read", numbers(6)) | throttle("slow", 1, 1, {.on_error = dead_letter()}) | key_by(key) |
      sink("collect", [&](Number n) { got.push_back(n); });
  const Report report = testing::run(p);
  CHECK(got == std::vector<Number>{0, 2, 4});
  CHECK(report.dead_letters == 3);
}

TEST_CASE("Throttle: rates and bursts that make no sense, and several workers, are refused",
          "[time]") {
  for (const double rate : {0.0, -1.0, std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(throttle("t", rate), UsageError);
  }
  CHECK_THROWS_AS(throttle("t", 1, 0), UsageError);
  Pipeline p("two");
  p.source("read", numbers(1)) | throttle("t", 1, 1, {.workers = 2}) | sink("drop", [](Number) {});
  CHECK_THROWS_AS(testing::run(p), PipelineError);
}

}  // namespace
}  // namespace sluice
