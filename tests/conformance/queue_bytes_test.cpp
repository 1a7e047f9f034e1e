// conformance/queue_bytes_test.cpp: a queue bounded in bytes besides items.
// SPDX-License-Identifier: MIT
#include <conformance/queue_conformance.hpp>

#include <support/seeds.hpp>

using namespace sluice;
using namespace sluice::conformance;

namespace {

std::size_t length(const std::string& text) { return text.size(); }

QueueOptions<std::string> options(std::size_t capacity, std::size_t bytes) {
  return {.capacity = capacity, .capacity_bytes = bytes, .weigher = length};
}

std::string text(std::size_t size) { return std::string(size, 'x'); }

}  // namespace

TEMPLATE_TEST_CASE("Queue: a bound in bytes without a weigher is refused", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  using Q = typename TestType::template Queue<std::string>;
  CHECK_THROWS_AS(Q({.capacity = 4, .capacity_bytes = 10}), UsageError);
  CHECK_NOTHROW(Q(options(4, 0)));
}

TEMPLATE_TEST_CASE("Queue: puts are refused beyond the bytes as beyond the items",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<std::string> queue(options(3, 100));
  CHECK(queue.capacity_bytes() == 100);
  REQUIRE(queue.put(text(60)) == PutStatus::ok);
  CHECK(queue.size_bytes() == 60);
  CHECK(queue.try_put(text(41)) == PutStatus::full);
  CHECK(queue.put(text(41), 1ms) == PutStatus::full);
  CHECK(queue.size_bytes() == 60);
  REQUIRE(queue.try_put(text(40)) == PutStatus::ok);
  CHECK(queue.full());
  CHECK(queue.try_put(text(1)) == PutStatus::full);
  CHECK(queue.try_put(text(0)) == PutStatus::ok);
  CHECK(queue.try_put(text(0)) == PutStatus::full);
  CHECK(queue.high_water_bytes() == 100);
  REQUIRE(queue.get());
  REQUIRE(queue.get());
  REQUIRE(queue.get());
  CHECK(queue.size_bytes() == 0);
  CHECK(queue.high_water_bytes() == 100);
  CHECK(queue.high_water() == 3);
}

TEMPLATE_TEST_CASE("Queue: an item heavier than the bound is accepted when the queue is empty",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<std::string> queue(options(4, 100));
  REQUIRE(queue.put(text(1)) == PutStatus::ok);
  CHECK(queue.try_put(text(500)) == PutStatus::full);
  Call<PutStatus> put([&] { return queue.put(text(500)); });
  wait_for_putters(queue, 1);
  REQUIRE(queue.get());
  CHECK(put.result() == PutStatus::ok);
  CHECK(queue.size_bytes() == 500);
  CHECK(queue.full());
  CHECK(queue.try_put(text(0)) == PutStatus::full);
  REQUIRE(queue.get());
  CHECK(queue.size_bytes() == 0);
}

TEMPLATE_TEST_CASE("Queue: a light putter gets in while a heavy one still waits",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<std::string> queue(options(10, 100));
  REQUIRE(queue.put(text(50)) == PutStatus::ok);
  REQUIRE(queue.put(text(50)) == PutStatus::ok);
  Call<PutStatus> heavy([&] { return queue.put(text(90)); });
  wait_for_putters(queue, 1);
  Call<PutStatus> light([&] { return queue.put(text(20)); });
  wait_for_putters(queue, 2);
  REQUIRE(queue.get());
  CHECK(light.result() == PutStatus::ok);
  CHECK_FALSE(heavy.returned());
  REQUIRE(queue.get());
  REQUIRE(queue.get());
  CHECK(heavy.result() == PutStatus::ok);
}

TEMPLATE_TEST_CASE("Queue: cancel gives the bytes back", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<std::string> queue(options(10, 100));
  REQUIRE(queue.put(text(50)) == PutStatus::ok);
  REQUIRE(queue.put(text(20)) == PutStatus::ok);
  CHECK(queue.cancel() == 2);
  CHECK(queue.size_bytes() == 0);
}

TEMPLATE_TEST_CASE("Queue: a storm of weights keeps the bound and loses nothing",
                   "[queue][conformance][stress]", SLUICE_QUEUE_FLAVOURS) {
  constexpr std::size_t kBytes = 300;
  constexpr std::size_t kHeaviest = 120;
  const int each = scaled(10'000);
  typename TestType::template Queue<std::string> queue(options(16, kBytes));
  const StateDump dump("queue", [&] { return state_of(queue); });
  std::atomic<std::uint64_t> put_bytes{0};
  std::atomic<std::uint64_t> got_bytes{0};
  std::vector<std::thread> producers;
  std::vector<std::thread> consumers;
  for (int p = 0; p < 3; ++p) {
    producers.emplace_back([&, p] {
      auto random = testing_support::random_engine(static_cast<std::uint64_t>(p));
      std::vector<std::string> batch;
      for (int i = 0; i < each; ++i) {
        batch.push_back(text(random() % kHeaviest));
        put_bytes.fetch_add(batch.back().size());
        if (random() % 4 != 0) continue;
        static_cast<void>(queue.put_many(batch));
        batch.clear();
      }
      static_cast<void>(queue.put_many(batch));
    });
    consumers.emplace_back([&] {
      std::vector<std::string> batch;
      while (queue.get_many(batch, 7).status == GetStatus::ok) {
        for (const auto& item : batch) got_bytes.fetch_add(item.size());
        queue.task_done(batch.size());
        batch.clear();
      }
    });
  }
  for (auto& producer : producers) producer.join();
  REQUIRE(queue.join());
  queue.close();
  for (auto& consumer : consumers) consumer.join();
  CHECK(got_bytes == put_bytes);
  CHECK(queue.done_count() == static_cast<std::uint64_t>(3 * each));
  CHECK(queue.size_bytes() == 0);
  CHECK(queue.high_water_bytes() <= kBytes);
  CHECK(balances(queue));
}
