// conformance/queue_account_test.cpp: task_done, join and the counts (Q8, Q9, Q16).
// SPDX-License-Identifier: MIT
#include <conformance/queue_conformance.hpp>

using namespace sluice;
using namespace sluice::conformance;

TEMPLATE_TEST_CASE("Queue: task_done on a fresh queue is an error (Q8)", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  CHECK_THROWS_AS(queue.task_done(), UsageError);
  CHECK_NOTHROW(queue.task_done(0));
  CHECK(queue.unfinished() == 0);
}

TEMPLATE_TEST_CASE("Queue: task_done for more items than were taken is an error (Q8)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  for (int i = 0; i < 3; ++i) REQUIRE(queue.put(i) == PutStatus::ok);
  CHECK_THROWS_AS(queue.task_done(), UsageError);  // queued is not taken
  REQUIRE(queue.get());
  REQUIRE(queue.get());
  CHECK_THROWS_AS(queue.task_done(3), UsageError);
  CHECK_THROWS_AS(queue.task_done(~std::size_t{0}), UsageError);
  CHECK(queue.done_count() == 0);
  queue.task_done();
  CHECK_THROWS_AS(queue.task_done(2), UsageError);
  queue.task_done();
  CHECK_THROWS_AS(queue.task_done(), UsageError);
  CHECK(queue.done_count() == 2);
  CHECK(queue.unfinished() == 1);
}

TEMPLATE_TEST_CASE("Queue: task_done after everything was joined is an error (Q8)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  REQUIRE(queue.put(1) == PutStatus::ok);
  REQUIRE(queue.get());
  queue.task_done();
  REQUIRE(queue.join());
  CHECK_THROWS_AS(queue.task_done(), UsageError);
  CHECK(queue.join(Deadline::now()));
}

TEMPLATE_TEST_CASE("Queue: join on a queue without unfinished items returns at once (Q9)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  CHECK(queue.join());
  CHECK(queue.join());
}

TEMPLATE_TEST_CASE("Queue: every put raises the unfinished count, only task_done lowers it (Q9)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  for (std::uint64_t i = 1; i <= 4; ++i) {
    REQUIRE(queue.put(0) == PutStatus::ok);
    CHECK(queue.unfinished() == i);
  }
  CHECK(queue.try_put(0) == PutStatus::full);
  CHECK(queue.unfinished() == 4);
  while (queue.try_get()) {
  }
  CHECK(queue.unfinished() == 4);
  CHECK_FALSE(queue.join(Deadline::now()));
  CHECK_FALSE(queue.join(5ms));
  queue.task_done(3);
  CHECK(queue.unfinished() == 1);
  queue.task_done();
  CHECK(queue.join(Deadline::now()));
  CHECK(balances(queue));
}

TEMPLATE_TEST_CASE("Queue: join waits for the task_done of every put, also when reused (Q9)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  constexpr int kWorkers = 2;
  constexpr int kItems = 100;
  constexpr int kSentinel = 1'000;  // after all others in every order but the stack's
  typename TestType::template Queue<int> queue(16);
  for (int round = 0; round < 3; ++round) {
    std::atomic<int> sum{0};
    const auto work = [&] {
      while (auto item = queue.get()) {
        const bool last = *item == kSentinel;
        if (!last) sum.fetch_add(*item, std::memory_order_relaxed);
        queue.task_done();
        if (last) return;
      }
    };
    std::vector<std::thread> workers;
    for (int i = 0; i < kWorkers; ++i) workers.emplace_back(work);
    for (int i = 0; i < kItems; ++i) REQUIRE(queue.put(i) == PutStatus::ok);
    REQUIRE(queue.join());
    CHECK(sum == kItems * (kItems - 1) / 2);
    // The sentinels count as items.
    for (int i = 0; i < kWorkers; ++i) REQUIRE(queue.put(kSentinel) == PutStatus::ok);
    REQUIRE(queue.join());
    for (auto& worker : workers) worker.join();
    CHECK(queue.empty());
    CHECK(balances(queue));
  }
}

TEMPLATE_TEST_CASE("Queue: reaching zero wakes all joiners, and not earlier (Q9)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  REQUIRE(queue.put(1) == PutStatus::ok);
  REQUIRE(queue.put(2) == PutStatus::ok);
  Call<bool> one([&] { return queue.join(); });
  Call<bool> two([&] { return queue.join(1h); });
  Call<bool> three([&] { return queue.join(); });
  wait_for_joiners(queue, 3);
  REQUIRE(queue.get());
  REQUIRE(queue.get());
  queue.task_done();
  CHECK(queue.join_waiters() == 3);
  CHECK_FALSE((one.returned() || two.returned() || three.returned()));
  queue.task_done();
  CHECK(one.result());
  CHECK(two.result());
  CHECK(three.result());
}

TEMPLATE_TEST_CASE("Queue: join ends at its deadline and by a stop request", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  REQUIRE(queue.put(1) == PutStatus::ok);
  const auto start = Clock::now();
  CHECK_FALSE(queue.join(10ms));
  CHECK(Clock::now() - start >= 10ms);
  std::stop_source stop;
  Call<bool> join([&] { return queue.join(Deadline::never(), stop.get_token()); });
  wait_for_joiners(queue, 1);
  stop.request_stop();
  CHECK_FALSE(join.result());
  CHECK(queue.join_waiters() == 0);
}

TEMPLATE_TEST_CASE("Queue: what happened before task_done is visible after join",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(8);
  const int rounds = scaled(2'000);
  std::vector<int> results(static_cast<std::size_t>(rounds), 0);  // plain: the race detector looks
  std::thread worker([&] {
    while (auto item = queue.get()) {
      results[static_cast<std::size_t>(*item)] = *item + 1;
      queue.task_done();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    REQUIRE(queue.put(i) == PutStatus::ok);
    REQUIRE(queue.join());
    REQUIRE(results[static_cast<std::size_t>(i)] == i + 1);
  }
  queue.close();
  worker.join();
}

TEMPLATE_TEST_CASE("Queue: an item put before its parent is done keeps join waiting",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  // Each item but the last puts its successor into the same queue and is done after that, so the
  // count never really is zero before the end. A join that looks at the counts in the wrong order
  // returns early.
  const int length = scaled(20'000);
  typename TestType::template Queue<int> queue(4);
  std::atomic<int> last{0};
  std::vector<std::thread> workers;
  for (int i = 0; i < 2; ++i) {
    workers.emplace_back([&] {
      while (auto item = queue.get()) {
        if (*item < length) {
          static_cast<void>(queue.put(*item + 1));
        } else {
          last.store(*item, std::memory_order_relaxed);
        }
        queue.task_done();
      }
    });
  }
  for (int round = 0; round < 3; ++round) {
    last.store(0, std::memory_order_relaxed);
    REQUIRE(queue.put(1) == PutStatus::ok);
    REQUIRE(queue.join());
    CHECK(last.load(std::memory_order_relaxed) == length);
  }
  queue.close();
  for (auto& worker : workers) worker.join();
  CHECK(balances(queue));
}

TEMPLATE_TEST_CASE("Queue: join during puts returns only at a moment when all was done",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(3);
  const StateDump dump("queue", [&] { return state_of(queue); });
  const int items = scaled(30'000);
  std::atomic<bool> ended{false};
  std::thread producer([&] {
    for (int i = 0; i < items; ++i) static_cast<void>(queue.put(i));
  });
  std::vector<std::thread> consumers;
  for (int i = 0; i < 2; ++i) {
    consumers.emplace_back([&] {
      while (queue.get()) queue.task_done();
    });
  }
  OffThreadChecks checks;
  std::thread joiner([&] {
    while (!ended.load(std::memory_order_relaxed)) {
      const std::uint64_t before = queue.put_count();
      if (!checks.expect(queue.join(), "join without deadline came back without zero")) return;
      if (!checks.expect(queue.done_count() >= before, "join left out an item put before it")) {
        return;
      }
    }
  });
  producer.join();
  REQUIRE(queue.join());
  CHECK(queue.done_count() == static_cast<std::uint64_t>(items));
  ended.store(true, std::memory_order_relaxed);
  queue.close();
  joiner.join();
  for (auto& consumer : consumers) consumer.join();
  CHECK(checks.failures() == "");
  CHECK(balances(queue));
}

TEMPLATE_TEST_CASE("Queue: concurrent task_done never passes the number of items taken",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(unbounded);
  const int items = scaled(20'000);
  for (int i = 0; i < items; ++i) REQUIRE(queue.put(i) == PutStatus::ok);
  for (int i = 0; i < items / 2; ++i) REQUIRE(queue.get());
  std::atomic<int> accepted{0};
  std::vector<std::thread> settlers;
  for (int i = 0; i < 4; ++i) {
    settlers.emplace_back([&] {
      for (int k = 0; k < items / 4; ++k) {
        try {
          queue.task_done();
          accepted.fetch_add(1, std::memory_order_relaxed);
        } catch (const UsageError&) {
        }
      }
    });
  }
  for (auto& settler : settlers) settler.join();
  CHECK(accepted == items / 2);
  CHECK(queue.done_count() == static_cast<std::uint64_t>(items / 2));
  CHECK(balances(queue));
}

TEMPLATE_TEST_CASE("Queue: close keeps joiners until the rest is taken and done (Q16)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  REQUIRE(queue.put(1) == PutStatus::ok);
  REQUIRE(queue.put(2) == PutStatus::ok);
  Call<bool> join([&] { return queue.join(); });
  wait_for_joiners(queue, 1);
  queue.close();
  REQUIRE(queue.get());
  queue.task_done();
  CHECK(queue.join_waiters() == 1);
  CHECK_FALSE(join.returned());
  REQUIRE(queue.get());
  queue.task_done();
  CHECK(join.result());
}

TEMPLATE_TEST_CASE(
    "Queue: cancel releases all joiners when only queued items were unfinished (Q16)",
    "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  REQUIRE(queue.put(1) == PutStatus::ok);
  REQUIRE(queue.put(2) == PutStatus::ok);
  Call<bool> one([&] { return queue.join(); });
  Call<bool> other([&] { return queue.join(); });
  wait_for_joiners(queue, 2);
  CHECK(queue.cancel() == 2);
  CHECK(one.result());
  CHECK(other.result());
}

// The reference once said that join is released in any case, and corrected itself twice: who holds
// an item still owes its task_done.
TEMPLATE_TEST_CASE("Queue: cancel leaves joiners waiting for items that are in flight (Q16)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  REQUIRE(queue.put(1) == PutStatus::ok);
  REQUIRE(queue.put(2) == PutStatus::ok);
  REQUIRE(queue.get());
  Call<bool> join([&] { return queue.join(); });
  wait_for_joiners(queue, 1);
  CHECK(queue.cancel() == 1);
  CHECK(queue.unfinished() == 1);
  CHECK_FALSE(join.returned());
  queue.task_done();
  CHECK(join.result());
  CHECK(balances(queue));
}
