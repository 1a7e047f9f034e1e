// edges/policy_storm_test.cpp: every value of a storm is counted: put = received + dropped, exactly.
// SPDX-License-Identifier: MIT
#include <edges/edge_reports.hpp>

#include <support/carriers.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <sluice/queue.hpp>
#include <sluice/sluice.hpp>
#include <sluice/spill.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <cstdint>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

/// How often each value arrived; any thread.
class Arrivals {
 public:
  explicit Arrivals(std::size_t values) : times_(values) {}
  void add(Number n) { times_.at(n).fetch_add(1, std::memory_order_relaxed); }
  /// Values that arrived; throws nothing, `doubled` counts those that arrived more often than once.
  [[nodiscard]] std::size_t once(std::size_t& doubled) const {
    std::size_t sum = 0;
    for (const auto& times : times_) {
      const unsigned n = times.load(std::memory_order_relaxed);
      sum += n > 0;
      doubled += n > 1;
    }
    return sum;
  }

 private:
  std::vector<std::atomic<unsigned>> times_;
};

TEST_CASE("Storm: every value of four branches is received or counted as dropped", "[edges]") {
  const Number count = scaled(Number{400'000});
  for_every_carrier([&](const CarrierMix& mix) {
    auto random = random_engine(static_cast<std::uint64_t>(mix.name[0]));
    const auto capacity = [&] { return std::uniform_int_distribution<std::size_t>{1, 64}(random); };
    Arrivals newest(2 * count);
    Arrivals oldest(2 * count);
    Arrivals keyed(2 * count);
    Arrivals spilled(2 * count);
    Arrivals all(2 * count);
    Pipeline p("storm");
    const auto twice = [](Number n, Emitter<Number>& out) {
      out.emit(2 * n);
      out.emit(2 * n + 1);
    };
    const auto into = [](Arrivals& to) { return [&to](Number n) { to.add(n); }; };
    const auto end = [&](std::size_t place) -> SinkOptions {
      return {.workers = 1 + place % 2, .carrier = mix.at(place), .capacity = capacity()};
    };
    auto stream = p.source("read", numbers(count), {.carrier = mix.at(0)}) |
                  flat_map<Number>("twice", twice,
                                   {.workers = 3, .carrier = mix.at(1), .capacity = capacity()});
    stream | when_full(drop_newest()) | sink("newest", into(newest), end(0));
    stream | when_full(drop_oldest()) | sink("oldest", into(oldest), end(1));
    stream | when_full(drop_oldest()) | key_by([](Number n) { return n; }) |
        sink("keyed", into(keyed), end(1));
    stream | when_full(spill({.max_bytes = 1'000'000, .memory_items = 100})) |
        sink("spilled", into(spilled), end(3));
    stream | sink("all", into(all), end(2));
    const Report report = run_watched(p);
    std::size_t doubled = 0;
    const auto dropped = [&](const char* to) { return edge_into(report, to).dropped_when_full(); };
    CHECK(newest.once(doubled) + dropped("newest") == 2 * count);
    CHECK(oldest.once(doubled) + dropped("oldest") == 2 * count);
    CHECK(keyed.once(doubled) + dropped("keyed") == 2 * count);
    CHECK(spilled.once(doubled) == 2 * count);
    CHECK(all.once(doubled) == 2 * count);
    CHECK(doubled == 0);
    std::cout << "storm on " << mix.name << ": " << 2 * count << " values, dropped "
              << dropped("newest") << " + " << dropped("oldest") << " + " << dropped("keyed")
              << ", stored at most " << edge_into(report, "spilled/spill").store.items_high_water
              << '\n';
  });
}

TEST_CASE("Queue: puts that make room lose and double nothing, whoever else puts, gets and cancels",
          "[edges][queue]") {
  const Number each = scaled(Number{300'000});
  for (const std::size_t capacity : {1U, 3U, 64U, 5000U}) {
    for (const bool cancels : {false, true}) {
      INFO("capacity " << capacity << ", cancels " << cancels);
      Queue<std::unique_ptr<Number>> queue(
          capacity);  // a lost or doubled one is a leak, or freed twice
      constexpr std::size_t kProducers = 3;
      Arrivals got(kProducers * each);
      std::atomic<std::uint64_t> dropped{0};
      std::atomic<std::uint64_t> put{0};
      const auto produce = [&](std::size_t producer) {
        for (Number n = 0; n < each; ++n) {
          const auto over = queue.put_over(std::make_unique<Number>(producer * each + n));
          if (over.status != PutStatus::ok) return;
          ++put;
          if (over.dropped) ++dropped;
        }
      };
      const auto consume = [&] {
        for (Number taken = 0;; ++taken) {
          auto item = queue.get();
          if (!item) return;
          got.add(**item);
          queue.task_done();
          if (cancels && taken == each / 10) queue.cancel();
        }
      };
      std::vector<std::thread> consumers;
      std::vector<std::thread> producers;
      for (int i = 0; i < 2; ++i) consumers.emplace_back(consume);
      for (std::size_t i = 0; i < kProducers; ++i) producers.emplace_back(produce, i);
      for (std::thread& thread : producers) thread.join();
      queue.close();
      for (std::thread& thread : consumers) thread.join();
      std::size_t doubled = 0;
      const std::size_t received = got.once(doubled);
      CHECK(doubled == 0);
      CHECK(queue.put_count() == put);
      CHECK(queue.put_count() == received + queue.dropped_count());
      CHECK(queue.got_count() == received);
      CHECK(queue.unfinished() == 0);
      CHECK(queue.high_water() <= capacity);
      if (!cancels) CHECK(queue.dropped_count() == dropped);
      if (cancels) CHECK(queue.dropped_count() >= dropped);
    }
  }
}

TEST_CASE("Queue: a put that makes room drops the oldest, only when it is full", "[edges][queue]") {
  Queue<int> queue(2);
  for (int i = 0; i < 5; ++i) {
    const auto over = queue.put_over(int{i});
    CHECK(over.status == PutStatus::ok);
    CHECK(over.dropped == (i >= 2));
  }
  CHECK(queue.size() == 2);
  CHECK(queue.put_count() == 5);
  CHECK(queue.got_count() == 0);
  CHECK(queue.dropped_count() == 3);
  CHECK(queue.unfinished() == 2);
  auto item = queue.get();
  CHECK(*item == 3);
  CHECK(item.ordinal() == 3);
  CHECK(*queue.get() == 4);
  CHECK(queue.got_count() == 2);
  queue.task_done(2);
  CHECK_THROWS_AS(queue.task_done(), UsageError);  // what was dropped owes nothing
  queue.close();
  CHECK(queue.put_over(7).status == PutStatus::closed);
  CHECK(queue.dropped_count() == 3);
}

}  // namespace
}  // namespace sluice
