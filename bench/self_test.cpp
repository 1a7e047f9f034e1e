// bench/self_test.cpp: the benches' own yardsticks: their checks must notice wrong results, and the
// method must drop what it says it drops.
// SPDX-License-Identifier: MIT
#define CATCH_CONFIG_MAIN
#include <peers/mutex_queues.hpp>
#include <peers/spsc_ring.hpp>
#include <peers/thread_pipelines.hpp>
#include <support/chain.hpp>
#include <support/queue_job.hpp>
#include <support/statistics.hpp>
#include <support/work.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <random>
#include <vector>

using namespace sluice::bench;

namespace {

Pair pair_of(double steal, double foreign = 0, double cores = 2) {
  Pair pair;
  pair.reference.wall_s = pair.contestant.wall_s = 1;
  pair.reference.cpu_s = pair.contestant.cpu_s = cores;
  pair.contestant.steal = steal;
  pair.contestant.foreign = foreign;
  return pair;
}

int kept(const std::vector<Pair>& pairs) {
  int count = 0;
  for (const Pair& pair : pairs) {
    count += pair.kept ? 1 : 0;
  }
  return count;
}

// A queue that replaces every thousandth item by a copy of the one before it.
class ForgetfulQueue : public MutexQueue<std::uint64_t> {
 public:
  using MutexQueue<std::uint64_t>::MutexQueue;
  void put(std::uint64_t value) {
    MutexQueue<std::uint64_t>::put(value % 1000 == 999 ? value - 1 : value);
  }
};

}  // namespace

TEST_CASE("statistics: the median is the middle, quantiles lie between", "[bench]") {
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 2, 3}) == 2.5);
  CHECK(quantile({0, 10}, 0.25) == 2.5);
  CHECK(quantile({5}, 0.9) == 5);
  CHECK_THROWS_AS(median({}), std::invalid_argument);
  const Spread values = spread({5, 1, 9});
  CHECK(values.median == 5);
  CHECK(values.min == 1);
  CHECK(values.max == 9);
}

TEST_CASE("statistics: the bootstrap interval holds the median, and the same seed repeats it",
          "[bench]") {
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(100, 5);
  std::vector<double> values(15);
  for (double& value : values) {
    value = noise(random);
  }
  const Interval first = bootstrap_median(values, 1);
  CHECK(first.low <= first.median);
  CHECK(first.median <= first.high);
  CHECK(first.low < first.high);
  const Interval again = bootstrap_median(values, 1);
  CHECK(first.low == again.low);
  CHECK(first.high == again.high);
  const Interval constant = bootstrap_median({2, 2, 2}, 1);
  CHECK(constant.low == 2);
  CHECK(constant.high == 2);
}

TEST_CASE("statistics: the bootstrap interval holds the true median in about 95 of 100 samples",
          "[bench]") {
  std::mt19937_64 random(11);
  std::normal_distribution<double> noise(0, 1);
  int held = 0;
  for (std::uint64_t trial = 0; trial < 100; ++trial) {
    std::vector<double> values(15);
    for (double& value : values) {
      value = noise(random);
    }
    const Interval interval = bootstrap_median(values, trial);
    held += interval.low <= 0 && 0 <= interval.high ? 1 : 0;
  }
  CHECK(held >= 85);
}

TEST_CASE("duel: steal, other processes and idle cores disturb a pair", "[bench]") {
  const Method method;
  CHECK(disturbance(pair_of(0), true, true, method).empty());
  CHECK(disturbance(pair_of(0.04), false, false, method) == "steal");
  CHECK(disturbance(pair_of(0, 0.2), false, false, method) == "foreign");
  CHECK(disturbance(pair_of(0, 0, 1.5), false, true, method) == "cores");
  CHECK(disturbance(pair_of(0, 0, 1.5), false, false, method).empty());
}

TEST_CASE("duel: undisturbed pairs are kept, and never fewer than half of all", "[bench]") {
  const Method method;
  std::vector<Pair> pairs{pair_of(0), pair_of(0.5), pair_of(0), pair_of(0.1), pair_of(0)};
  for (Pair& pair : pairs) {
    pair.disturbed_by = disturbance(pair, false, false, method);
  }
  keep_pairs(pairs);
  CHECK(kept(pairs) == 3);
  CHECK_FALSE(pairs[1].kept);
  CHECK_FALSE(pairs[3].kept);

  std::vector<Pair> noisy{pair_of(0.5), pair_of(0.2), pair_of(0.4), pair_of(0.3)};
  for (Pair& pair : noisy) {
    pair.disturbed_by = disturbance(pair, false, false, method);
  }
  keep_pairs(noisy);
  CHECK(kept(noisy) == 2);
  CHECK(noisy[1].kept);
  CHECK(noisy[3].kept);
}

TEST_CASE("work: the expected value is what the work computes", "[bench]") {
  for (const std::uint64_t turns : {0U, 1U, 2U, 77U, 4096U}) {
    const Work work(turns);
    for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
      CHECK(work(value) == work.expected(value));
    }
  }
}

TEST_CASE("checks: a set with a lost, doubled or changed number is refused", "[bench]") {
  for (const std::uint64_t count : {0U, 1U, 2U, 3U, 100U, 1001U}) {
    SetCheck check;
    for (std::uint64_t value = 0; value < count; ++value) {
      check.add(value);
    }
    CHECK_NOTHROW(check.require_first(count, "whole"));
    CHECK_THROWS_AS(check.require_first(count + 2, "two too few"), WrongResult);
    check.add(count + 5);
    CHECK_THROWS_AS(check.require_first(count + 1, "a changed number"), WrongResult);
  }
}

TEST_CASE("checks: the sum alone would not notice two changes that make up for each other",
          "[bench]") {
  SetCheck check;
  for (const std::uint64_t value : {0U, 1U, 3U, 2U, 5U, 4U}) {
    check.add(value);
  }
  CHECK_NOTHROW(check.require_first(6, "any order"));
  SetCheck swapped;
  for (const std::uint64_t value : {0U, 2U, 2U, 3U, 3U, 5U}) {
    swapped.add(value);
  }
  CHECK_THROWS_AS(swapped.require_first(6, "1 + 4 became 2 + 3"), WrongResult);
}

TEST_CASE("checks: a misplaced result is refused where the order counts, and only there",
          "[bench]") {
  const Work work(3);
  InOrder ordered(work, 1);
  AnyOrder unordered(work, 1);
  for (const std::uint64_t i : {0U, 2U, 1U, 3U}) {
    ordered.take(work(i));
    unordered.take(work(i));
  }
  CHECK_THROWS_AS(ordered.require("misplaced", 4), WrongResult);
  CHECK_NOTHROW(unordered.require("any order", 4));
  CHECK_THROWS_AS(unordered.require("one missing", 5), WrongResult);
}

TEST_CASE("checks: results that come early are put back into order", "[bench]") {
  const Work work(1);
  InOrder sink(work, 1);
  Reorder reorder(sink);
  // Each block of 5,000 backwards: further ahead than the first window of 4,096.
  for (std::uint64_t block = 0; block < 20'000; block += 5'000) {
    for (std::uint64_t i = 5'000; i-- > 0;) {
      reorder.take({block + i, work(block + i)});
    }
  }
  CHECK_NOTHROW(sink.require("reorder", 20'000));
}

TEST_CASE("peers: the hand-written queues pass every item on", "[bench]") {
  for (const std::size_t side : {1U, 2U, 4U}) {
    for (const std::size_t capacity : {1U, 2U, 64U}) {
      const QueueShape shape{side, side, capacity, 8};
      CHECK_NOTHROW(
          move_through_queue<MutexQueue<std::uint64_t>>("mutex", shape, 20'000, Placement::free));
      CHECK_NOTHROW(move_through_queue<AccountedMutexQueue<std::uint64_t>>(
          "task_done", shape, 20'000, Placement::free));
      CHECK_NOTHROW(move_through_queue<BatchedMutexQueue<std::uint64_t>>("batched", shape, 20'000,
                                                                         Placement::free));
    }
  }
  for (const std::size_t capacity : {1U, 2U, 64U}) {
    CHECK_NOTHROW(
        move_through_queue<SpscRing>("ring", {1, 1, capacity, 8}, 20'000, Placement::free));
  }
}

TEST_CASE("peers: a queue that changes an item is found out", "[bench]") {
  CHECK_THROWS_AS(
      move_through_queue<ForgetfulQueue>("forgetful", {2, 2, 16, 1}, 10'000, Placement::free),
      WrongResult);
}
