// conformance/queue_fill_test.cpp: order, fill level, full and empty (Q1 to Q7).
// SPDX-License-Identifier: MIT
#include <conformance/queue_conformance.hpp>

using namespace sluice;
using namespace sluice::conformance;

namespace {

template <class Q>
std::vector<int> drain(Q& queue) {
  std::vector<int> items;
  while (auto item = queue.try_get()) items.push_back(*item);
  return items;
}

template <class Function>
std::chrono::nanoseconds duration_of(Function function) {
  const auto start = Clock::now();
  function();
  return Clock::now() - start;
}

}  // namespace

TEMPLATE_TEST_CASE("Queue: items leave in the queue's order, on the same instance twice (Q1)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(8);
  for (int round = 0; round < 2; ++round) {
    const std::vector<int> put = {111, 333, 222};
    for (const int item : put) REQUIRE(queue.put(item) == PutStatus::ok);
    CHECK(drain(queue) == TestType::order(put));
    queue.task_done(3);
    CHECK(queue.join(Deadline::now()));
  }
}

TEMPLATE_TEST_CASE("Queue: a new queue is empty and not full, and its size is 0 (Q2)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const typename TestType::template Queue<int> queue(3);
  CHECK(queue.empty());
  CHECK_FALSE(queue.full());
  CHECK(queue.size() == 0);
  CHECK(queue.capacity() == 3);
  CHECK(queue.unfinished() == 0);
  CHECK_FALSE(queue.is_closed());
  CHECK_FALSE(queue.is_cancelled());
}

TEMPLATE_TEST_CASE("Queue: full exactly when as many items are queued as its capacity (Q2)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const std::size_t capacity = GENERATE(1U, 2U, 3U, 7U, 8U);
  typename TestType::template Queue<int> queue(capacity);
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < capacity; ++i) {
      CHECK_FALSE(queue.full());
      REQUIRE(queue.try_put(static_cast<int>(i)) == PutStatus::ok);
      CHECK(queue.size() == i + 1);
      CHECK_FALSE(queue.empty());
    }
    CHECK(queue.full());
    CHECK(drain(queue).size() == capacity);
    CHECK(queue.empty());
  }
}

// The reference takes a capacity of 0 or less for "no bound". Here that is said in words, and 0 is
// refused, because a capacity that was computed wrongly must not mean unlimited memory.
TEMPLATE_TEST_CASE("Queue: an unbounded queue is never full, and capacity 0 is refused (Q2)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  using Q = typename TestType::template Queue<int>;
  Q queue(unbounded);
  std::vector<int> put;
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(queue.try_put(i) == PutStatus::ok);
    put.push_back(i);
  }
  CHECK_FALSE(queue.full());
  CHECK(queue.capacity() == std::size_t{unbounded});
  CHECK(drain(queue) == TestType::order(put));
  CHECK_THROWS_AS(Q(0), UsageError);
  CHECK_THROWS_AS(Q(QueueOptions<int>{}), UsageError);
  CHECK_THROWS_AS(queue.set_capacity(0), UsageError);
}

TEMPLATE_TEST_CASE("Queue: a put on a full queue that may not wait is refused at once (Q3)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(1);
  REQUIRE(queue.put(1) == PutStatus::ok);
  CHECK(queue.try_put(2) == PutStatus::full);
  CHECK(queue.put(2, Deadline::now()) == PutStatus::full);
  CHECK(queue.put(2, 0ms) == PutStatus::full);
  CHECK(queue.put(2, Clock::now() - 1h) == PutStatus::full);
  CHECK(queue.size() == 1);
  CHECK(queue.put_count() == 1);
}

TEMPLATE_TEST_CASE("Queue: a put on a full queue with a deadline is refused, not before it (Q3)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(1);
  REQUIRE(queue.put(1) == PutStatus::ok);
  PutStatus status = PutStatus::ok;
  CHECK(duration_of([&] { status = queue.put(2, 10ms); }) >= 10ms);
  CHECK(status == PutStatus::full);
  CHECK(queue.put_count() == 1);
  CHECK(queue.put_waiters() == 0);
}

TEMPLATE_TEST_CASE("Queue: a put on a full queue blocks until a get (Q3)", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(2);
  const Deadline deadline = GENERATE(as<Deadline>{}, Deadline::never(), Deadline::after(1h));
  REQUIRE(queue.put(1) == PutStatus::ok);
  REQUIRE(queue.put(2) == PutStatus::ok);
  Call<PutStatus> put([&] { return queue.put(3, deadline); });
  wait_for_putters(queue, 1);
  CHECK_FALSE(put.returned());
  CHECK(queue.put_count() == 2);
  CHECK(queue.try_get());
  CHECK(put.result() == PutStatus::ok);
  CHECK(queue.size() == 2);
  CHECK(queue.put_count() == 3);
}

TEMPLATE_TEST_CASE("Queue: a get on an empty queue that may not wait says empty at once (Q4)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(1);
  CHECK(queue.try_get().status() == GetStatus::empty);
  CHECK(queue.get(Deadline::now()).status() == GetStatus::empty);
  CHECK(queue.get(0ms).status() == GetStatus::empty);
  CHECK(queue.get(Clock::now() - 1h).status() == GetStatus::empty);
  CHECK(queue.got_count() == 0);
}

TEMPLATE_TEST_CASE("Queue: a get on an empty queue with a deadline says empty, not before it (Q4)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(1);
  GetStatus status = GetStatus::ok;
  CHECK(duration_of([&] { status = queue.get(10ms).status(); }) >= 10ms);
  CHECK(status == GetStatus::empty);
  CHECK(queue.get_waiters() == 0);
}

TEMPLATE_TEST_CASE("Queue: a get on an empty queue blocks until a put (Q4)", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(2);
  const Deadline deadline = GENERATE(as<Deadline>{}, Deadline::never(), Deadline::after(1h));
  Call<int> get([&] { return queue.get(deadline).value(); });
  wait_for_getters(queue, 1);
  CHECK_FALSE(get.returned());
  REQUIRE(queue.try_put(7) == PutStatus::ok);
  CHECK(get.result() == 7);
  CHECK(queue.empty());
}

// The reference checks the timeout of a blocking call only, and of an unbounded queue's put never.
// Here a negative duration is no deadline at all, so it can't even be handed over.
TEMPLATE_TEST_CASE("Queue: a negative duration is an error even when nothing would wait (Q5)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(2);
  CHECK_THROWS_AS(queue.put(1, -1ms), UsageError);
  CHECK(queue.empty());
  REQUIRE(queue.put(1) == PutStatus::ok);
  CHECK_THROWS_AS(static_cast<void>(queue.get(-1ns)), UsageError);
  CHECK_THROWS_AS(static_cast<void>(queue.join(-1s)), UsageError);
  CHECK(queue.size() == 1);
}

TEMPLATE_TEST_CASE("Queue: the try forms do what the blocking forms do with one try (Q6)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> tried(2);
  typename TestType::template Queue<int> asked(2);
  for (int round = 0; round < 4; ++round) {
    CHECK(tried.try_put(round) == asked.put(round, Deadline::now()));
  }
  for (int round = 0; round < 4; ++round) {
    const auto one = tried.try_get();
    const auto other = asked.get(Deadline::now());
    REQUIRE(one.status() == other.status());
    if (one) CHECK(*one == *other);
  }
  tried.close();
  asked.close();
  CHECK(tried.try_put(1) == asked.put(1, Deadline::now()));
  CHECK(tried.try_get().status() == asked.get(Deadline::now()).status());
}

TEMPLATE_TEST_CASE("Queue: a capacity lowered below the size refuses puts and keeps the items (Q7)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(5);
  const std::vector<int> put = {3, 1, 4, 2};
  for (const int item : put) REQUIRE(queue.put(item) == PutStatus::ok);
  queue.set_capacity(2);
  CHECK(queue.full());
  CHECK(queue.try_put(9) == PutStatus::full);
  CHECK(queue.size() == 4);
  CHECK(queue.capacity() == 2);
  CHECK(drain(queue) == TestType::order(put));
  CHECK(queue.try_put(1) == PutStatus::ok);
  CHECK(queue.try_put(2) == PutStatus::ok);
  CHECK(queue.try_put(3) == PutStatus::full);
}

TEMPLATE_TEST_CASE("Queue: raising the capacity releases blocked puts", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(1);
  REQUIRE(queue.put(1) == PutStatus::ok);
  Call<PutStatus> one([&] { return queue.put(2); });
  Call<PutStatus> other([&] { return queue.put(3); });
  wait_for_putters(queue, 2);
  queue.set_capacity(10'000);
  CHECK(one.result() == PutStatus::ok);
  CHECK(other.result() == PutStatus::ok);
  for (int i = 3; i < 10'000; ++i) REQUIRE(queue.try_put(i) == PutStatus::ok);
  CHECK(queue.try_put(0) == PutStatus::full);
}

TEMPLATE_TEST_CASE("Queue: the high water mark is the largest size there was",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(100);
  CHECK(queue.high_water() == 0);
  const auto put_and_take = [&](int count) {
    for (int i = 0; i < count; ++i) REQUIRE(queue.try_put(i) == PutStatus::ok);
    for (int i = 0; i < count; ++i) REQUIRE(queue.try_get());
  };
  put_and_take(3);
  CHECK(queue.high_water() == 3);
  put_and_take(2);
  CHECK(queue.high_water() == 3);
  for (int i = 0; i < 500; ++i) put_and_take(1);
  CHECK(queue.high_water() == 3);
  put_and_take(40);
  CHECK(queue.high_water() == 40);
  std::vector<int> many(70);
  REQUIRE(queue.put_many(many).accepted == 70);
  CHECK(queue.high_water() == 70);
}
