// unit/queue_engine_test.cpp: what the engine uses of a queue besides its contract.
// SPDX-License-Identifier: MIT
#include <sluice/queue.hpp>

#include <support/scale.hpp>
#include <support/watchdog.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <any>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace sluice;
using detail::QueueCore;
using detail::WaitPoint;
using testing_support::scaled;
using testing_support::wait_until;
using namespace std::chrono_literals;

namespace {

struct MovesByCopy {
  explicit MovesByCopy(int* p) : pointer(p) {}
  MovesByCopy(const MovesByCopy& other) noexcept : pointer(other.pointer) {}
  ~MovesByCopy() {}  // NOLINT: that there is one is the point
  int* pointer;
};
struct MoveThrows {
  MoveThrows() = default;
  MoveThrows(MoveThrows&&) noexcept(false) {}
};
struct Aggregate {
  std::string text;
  std::unique_ptr<int> pointer;
};

}  // namespace

TEST_CASE("Queue: which types lie in the ring itself", "[queue]") {
  using detail::kLiesInPlace;
  CHECK(kLiesInPlace<int>);
  CHECK(kLiesInPlace<std::array<int, 100>>);
  CHECK(kLiesInPlace<std::string>);
  CHECK(kLiesInPlace<std::unique_ptr<int>>);
  CHECK(kLiesInPlace<std::shared_ptr<int>>);
  CHECK(kLiesInPlace<std::vector<std::string>>);
  CHECK(kLiesInPlace<std::function<void()>>);
  CHECK(kLiesInPlace<Aggregate>);
  CHECK_FALSE(kLiesInPlace<MovesByCopy>);
  CHECK_FALSE(kLiesInPlace<MoveThrows>);
}

TEST_CASE("QueueCore: room and items as the engine sees them", "[queue]") {
  Queue<int> queue(2);
  QueueCore& core = queue;
  CHECK(core.has_room());
  CHECK(core.may_have_room());
  CHECK_FALSE(core.has_items());
  CHECK_FALSE(core.may_have_items());
  REQUIRE(queue.put(1) == PutStatus::ok);
  REQUIRE(queue.put(2) == PutStatus::ok);
  CHECK_FALSE(core.has_room());
  CHECK_FALSE(core.may_have_room());
  CHECK(core.has_items());
  CHECK(core.may_have_items());
  core.close();
  CHECK_FALSE(core.has_room());
  CHECK(core.may_have_room());  // a sleeper must wake up and find it closed
  CHECK_FALSE(core.drained());
  REQUIRE(queue.get());
  REQUIRE(queue.get());
  CHECK(core.drained());
  CHECK(core.may_have_items());
}

TEST_CASE("QueueCore: wait_for_items returns for an item, for close, deadline and stop",
          "[queue]") {
  Queue<int> queue(2);
  CHECK_FALSE(queue.wait_for_items(Deadline::now()));
  CHECK_FALSE(queue.wait_for_items(1ms));
  std::stop_source stop;
  stop.request_stop();
  CHECK_FALSE(queue.wait_for_items(Deadline::never(), stop.get_token()));
  std::atomic<int> returned{0};
  std::thread waiter([&] {
    returned += queue.wait_for_items();
    static_cast<void>(queue.get());
    returned += queue.wait_for_items();
  });
  wait_until([&] { return queue.get_waiters() == 1; });
  REQUIRE(queue.put(1) == PutStatus::ok);
  wait_until([&] { return returned == 1 && queue.get_waiters() == 1; });
  queue.close();
  waiter.join();
  CHECK(returned == 2);
}

TEST_CASE("QueueCore: wait_for_room returns for room, for close, deadline and stop", "[queue]") {
  Queue<int> queue(1);
  CHECK(queue.wait_for_room(Deadline::now()));
  REQUIRE(queue.put(1) == PutStatus::ok);
  CHECK_FALSE(queue.wait_for_room(Deadline::now()));
  CHECK_FALSE(queue.wait_for_room(1ms));
  std::stop_source stop;
  stop.request_stop();
  CHECK_FALSE(queue.wait_for_room(Deadline::never(), stop.get_token()));
  std::atomic<int> returned{0};
  std::thread waiter([&] {
    returned += queue.wait_for_room();
    static_cast<void>(queue.try_put(2));
    returned += queue.wait_for_room();
  });
  wait_until([&] { return queue.put_waiters() == 1; });
  REQUIRE(queue.get());
  wait_until([&] { return returned == 1 && queue.put_waiters() == 1; });
  queue.close();
  waiter.join();
  CHECK(returned == 2);
}

TEST_CASE("QueueCore: a wait for refill waits for more than one slot, but not for long",
          "[queue]") {
  Queue<int> queue(100);
  queue.set_refill(50);
  for (int i = 0; i < 100; ++i) REQUIRE(queue.try_put(i) == PutStatus::ok);
  CHECK_FALSE(queue.wait_for_room(1ms));
  REQUIRE(queue.try_get());
  queue.wait_for_refill();  // one slot is all there will ever be
  CHECK(queue.try_put(1) == PutStatus::ok);
  CHECK(queue.try_put(1) == PutStatus::full);
  for (int i = 0; i < 50; ++i) REQUIRE(queue.try_get());
  queue.wait_for_refill();
  CHECK(queue.put_waiters() == 0);
  queue.close();
  queue.wait_for_refill();
}

TEST_CASE("QueueCore: producers that wait for one slot and for many share a queue", "[queue]") {
  Queue<int> queue(100);
  queue.set_refill(50);
  constexpr int kItems = scaled(20'000);
  std::vector<std::thread> producers;
  for (const bool many : {true, true, false}) {
    producers.emplace_back([&queue, many] {
      for (int i = 0; i < kItems; ++i) {
        while (queue.try_put(i) == PutStatus::full) {
          if (many) {
            queue.wait_for_refill();
          } else {
            static_cast<void>(queue.wait_for_room());
          }
        }
      }
    });
  }
  for (int got = 0; got < 3 * kItems; ++got) REQUIRE(queue.get());
  for (std::thread& producer : producers) producer.join();
  CHECK(queue.empty());
  CHECK(queue.put_waiters() == 0);
}

TEST_CASE("QueueCore: wait_for_room knows how much room an item needs", "[queue]") {
  Queue<std::string> queue({.capacity = 10,
                            .capacity_bytes = 100,
                            .weigher = [](const std::string& text) { return text.size(); }});
  const std::string heavy(80, 'x');
  CHECK(queue.weight_of(heavy) == 80);
  REQUIRE(queue.put(std::string(30, 'x')) == PutStatus::ok);
  CHECK(queue.wait_for_room(Deadline::now()));
  CHECK_FALSE(queue.wait_for_room(Deadline::now(), {}, queue.weight_of(heavy)));
  std::atomic<bool> returned{false};
  std::thread waiter(
      [&] { returned = queue.wait_for_room(Deadline::never(), {}, queue.weight_of(heavy)); });
  wait_until([&] { return queue.put_waiters() == 1; });
  REQUIRE(queue.get());
  waiter.join();
  CHECK(returned);
}

TEST_CASE("QueueCore: workers that wait for items take all of them between them", "[queue]") {
  // Who returns from wait_for_items with true owes the queue a try; then nothing is left lying.
  const int items = scaled(20'000);
  Queue<int> queue(4);
  std::atomic<int> taken{0};
  std::vector<std::thread> workers;
  for (int i = 0; i < 3; ++i) {
    workers.emplace_back([&] {
      while (queue.wait_for_items()) {
        if (queue.try_get()) ++taken;
        if (queue.drained()) return;
      }
    });
  }
  for (int i = 0; i < items; ++i) {
    while (queue.try_put(i) == PutStatus::full) static_cast<void>(queue.wait_for_room());
    if (i % 64 == 0) wait_until([&] { return taken == i + 1; });
  }
  queue.close();
  for (auto& worker : workers) worker.join();
  CHECK(taken == items);
}

TEST_CASE("QueueCore: a bell is rung for items, for room, by close and by cancel", "[queue]") {
  WaitPoint bell;
  Queue<int> input(2);
  Queue<int> output(1);
  input.set_bells(&bell, nullptr);
  output.set_bells(nullptr, &bell);
  const auto rung_by = [&](auto action) {
    const auto ticket = bell.announce();
    action();
    const bool rung = bell.park(ticket, Deadline::now());
    static_cast<void>(bell.leave());
    return rung;
  };
  CHECK_FALSE(rung_by([] {}));
  CHECK(rung_by([&] { REQUIRE(input.put(1) == PutStatus::ok); }));
  CHECK_FALSE(rung_by([&] { REQUIRE(input.get()); }));
  CHECK_FALSE(rung_by([&] { REQUIRE(output.put(1) == PutStatus::ok); }));
  CHECK(rung_by([&] { REQUIRE(output.get()); }));
  CHECK(rung_by([&] { output.set_capacity(5); }));
  CHECK(rung_by([&] { input.close(); }));
  CHECK(rung_by([&] { output.cancel(); }));
}

TEST_CASE("QueueCore: a sleeper on a bell misses nothing of many queues", "[queue]") {
  // One thread serves three queues and sleeps on one bell, the way the pool does.
  constexpr std::size_t kQueues = 3;
  const int each = scaled(30'000);
  WaitPoint bell;
  std::vector<std::unique_ptr<Queue<int>>> queues;
  for (std::size_t i = 0; i < kQueues; ++i) {
    queues.push_back(std::make_unique<Queue<int>>(8));
    queues.back()->set_bells(&bell, nullptr);
  }
  std::vector<std::thread> producers;
  for (auto& queue : queues) {
    producers.emplace_back([&queue] {
      for (int i = 0; i < each; ++i) static_cast<void>(queue->put(i));
      queue->close();
    });
  }
  std::vector<int> taken(kQueues, 0);
  bool in_order = true;
  const auto serve = [&] {
    bool any = false;
    for (std::size_t i = 0; i < kQueues; ++i) {
      while (auto item = queues[i]->try_get()) {
        in_order = in_order && *item == taken[i]++;
        any = true;
      }
    }
    return any;
  };
  const auto drained = [](const auto& queue) { return queue->drained(); };
  while (!std::all_of(queues.begin(), queues.end(), drained)) {
    if (serve()) continue;
    const auto ticket = bell.announce();
    const bool work = std::any_of(queues.begin(), queues.end(), [](const auto& queue) {
      return queue->may_have_items() && !queue->drained();
    });
    const bool end = std::all_of(queues.begin(), queues.end(), drained);
    if (!work && !end) bell.park(ticket, Deadline::never());
    static_cast<void>(bell.leave());
  }
  for (auto& producer : producers) producer.join();
  CHECK(taken == std::vector<int>(kQueues, each));
  CHECK(in_order);
}

TEST_CASE("QueueCore: the spin budget can be set at any time", "[queue]") {
  Queue<int> queue({.capacity = 4, .spin = 0ns});
  CHECK(queue.get(1ms).status() == GetStatus::empty);
  queue.set_spin(50us);
  CHECK(queue.get(1ms).status() == GetStatus::empty);
  queue.set_spin(detail::kAutoSpin);
  CHECK(queue.get(1ms).status() == GetStatus::empty);
}

TEST_CASE("GetResult: value of nothing is an error", "[queue]") {
  Queue<std::any> queue(1);
  auto nothing = queue.try_get();
  CHECK_FALSE(nothing);
  CHECK_THROWS_AS(nothing.value(), UsageError);
  REQUIRE(queue.put(std::any(5)) == PutStatus::ok);
  auto something = queue.try_get();
  REQUIRE(something);
  CHECK(std::any_cast<int>(something.value()) == 5);
  const auto moved = std::move(something);
  CHECK(std::any_cast<int>(*moved) == 5);
}
