// conformance/queue_throw_test.cpp: items whose copy, move or memory fails (Q10).
//
// "Leaves the queue undamaged" means: a failed put adds and counts nothing, a failed get removes
// nothing, and a wake-up that a failing call has used up reaches the next waiter.
// SPDX-License-Identifier: MIT
#include <conformance/queue_conformance.hpp>

#include <deque>
#include <optional>
#include <stdexcept>

using namespace sluice;
using namespace sluice::conformance;
using testing_support::ThrowingMove;

namespace {

/// A copy counts down; the one that finds the count at zero throws.
class ThrowingCopy {
 public:
  explicit ThrowingCopy(int value = 0) noexcept : value_(value) {}
  ThrowingCopy(const ThrowingCopy& other) : value_(other.value_) {
    if (copies_left_.fetch_sub(1) == 0) throw std::runtime_error("the copy throws");
  }
  ThrowingCopy(ThrowingCopy&&) noexcept = default;
  ThrowingCopy& operator=(const ThrowingCopy&) = default;
  ThrowingCopy& operator=(ThrowingCopy&&) noexcept = default;
  ~ThrowingCopy() = default;

  [[nodiscard]] int value() const noexcept { return value_; }
  static void throw_after(int copies) { copies_left_ = copies; }
  static void never_throw() { copies_left_ = -1; }

 private:
  int value_;
  inline static std::atomic<int> copies_left_{-1};
};

template <class Q>
void use_normally(Q& queue) {
  const std::size_t before = queue.size();
  REQUIRE(queue.try_put(typename std::decay_t<decltype(*queue.try_get())>(1)) == PutStatus::ok);
  REQUIRE(queue.size() == before + 1);
  REQUIRE(queue.try_get());
  CHECK(balances(queue));
}

struct NeverThrowAgain {
  ~NeverThrowAgain() {
    ThrowingMove::never_throw();
    ThrowingCopy::never_throw();
  }
};

}  // namespace

TEMPLATE_TEST_CASE("Queue: a put whose move throws puts and counts nothing (Q10)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const NeverThrowAgain guard;
  typename TestType::template Queue<ThrowingMove> queue(2);
  REQUIRE(queue.put(ThrowingMove(5)) == PutStatus::ok);
  ThrowingMove item(6);
  const Deadline deadline = GENERATE(as<Deadline>{}, Deadline::now(), Deadline::after(1h));
  ThrowingMove::throw_after(0);
  CHECK_THROWS_AS(queue.put(std::move(item), deadline), std::runtime_error);
  CHECK(queue.size() == 1);
  CHECK(queue.put_count() == 1);
  CHECK(queue.unfinished() == 1);
  CHECK(queue.put(std::move(item), deadline) == PutStatus::ok);
  CHECK(queue.size() == 2);
  CHECK(queue.try_get());
  use_normally(queue);
}

TEMPLATE_TEST_CASE("Queue: a put whose copy throws puts and counts nothing (Q10)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const NeverThrowAgain guard;
  typename TestType::template Queue<ThrowingCopy> queue(2);
  const ThrowingCopy item(6);
  REQUIRE(queue.put(item) == PutStatus::ok);
  const Deadline deadline = GENERATE(as<Deadline>{}, Deadline::now(), Deadline::after(1h));
  ThrowingCopy::throw_after(0);
  CHECK_THROWS_AS(queue.put(item, deadline), std::runtime_error);
  CHECK(queue.put_count() == 1);
  CHECK(queue.put(item, deadline) == PutStatus::ok);
  CHECK(queue.try_get()->value() == 6);
  use_normally(queue);
}

TEMPLATE_TEST_CASE("Queue: a blocked put whose move throws puts and counts nothing (Q10)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const NeverThrowAgain guard;
  typename TestType::template Queue<ThrowingMove> queue(1);
  REQUIRE(queue.put(ThrowingMove(1)) == PutStatus::ok);
  Call<PutStatus> put([&] { return queue.put(ThrowingMove(2)); });
  wait_for_putters(queue, 1);
  ThrowingMove::throw_after(1);  // the get's move succeeds, the put's throws
  REQUIRE(queue.try_get());
  CHECK(put.threw());
  CHECK(queue.empty());
  CHECK(queue.put_count() == 1);
  use_normally(queue);
}

TEMPLATE_TEST_CASE("Queue: a get whose move throws removes nothing (Q10)", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  const NeverThrowAgain guard;
  typename TestType::template Queue<ThrowingMove> queue(2);
  REQUIRE(queue.put(ThrowingMove(5)) == PutStatus::ok);
  const Deadline deadline = GENERATE(as<Deadline>{}, Deadline::now(), Deadline::after(1h));
  ThrowingMove::throw_after(0);
  CHECK_THROWS_AS(static_cast<void>(queue.get(deadline)), std::runtime_error);
  CHECK(queue.size() == 1);
  CHECK(queue.got_count() == 0);
  CHECK_THROWS_AS(queue.task_done(), UsageError);
  CHECK(queue.get(deadline)->value() == 5);
  use_normally(queue);
}

TEMPLATE_TEST_CASE("Queue: a blocked get whose move throws removes nothing (Q10)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const NeverThrowAgain guard;
  typename TestType::template Queue<ThrowingMove> queue(2);
  Call<std::uint64_t> get([&] { return queue.get()->value(); });
  wait_for_getters(queue, 1);
  ThrowingMove::throw_after(1);  // the put's move succeeds, the get's throws
  REQUIRE(queue.put(ThrowingMove(5)) == PutStatus::ok);
  CHECK(get.threw());
  CHECK(queue.size() == 1);
  CHECK(queue.got_count() == 0);
  CHECK(queue.try_get()->value() == 5);
  use_normally(queue);
}

TEMPLATE_TEST_CASE("Queue: a get that throws passes its wake-up on to the next getter (Q10)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const NeverThrowAgain guard;
  typename TestType::template Queue<ThrowingMove> queue(2);
  const auto take = [&] { return queue.get()->value(); };
  Call<std::uint64_t> one(take);
  Call<std::uint64_t> other(take);
  wait_for_getters(queue, 2);
  ThrowingMove::throw_after(1);
  REQUIRE(queue.put(ThrowingMove(5)) == PutStatus::ok);
  // One put, one wake: the getter that throws must wake the other one.
  const bool one_threw = one.threw();
  const bool other_threw = other.threw();
  CHECK(one_threw != other_threw);
  CHECK((one_threw ? other : one).result() == 5);
  CHECK(queue.empty());
}

TEMPLATE_TEST_CASE("Queue: a put that throws passes its wake-up on to the next putter (Q10)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const NeverThrowAgain guard;
  typename TestType::template Queue<ThrowingMove> queue(1);
  REQUIRE(queue.put(ThrowingMove(1)) == PutStatus::ok);
  const auto put = [&] { return queue.put(ThrowingMove(2)); };
  Call<PutStatus> one(put);
  Call<PutStatus> other(put);
  wait_for_putters(queue, 2);
  ThrowingMove::throw_after(1);
  REQUIRE(queue.try_get());
  const bool one_threw = one.threw();
  const bool other_threw = other.threw();
  CHECK(one_threw != other_threw);
  CHECK((one_threw ? other : one).result() == PutStatus::ok);
  CHECK(queue.size() == 1);
  CHECK(queue.put_count() == 2);
}

TEMPLATE_TEST_CASE("Queue: a waiter that leaves by its deadline passes its wake-up on (Q10)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  // Deadlines that pass just when the put wakes: whoever leaves must look for the other one.
  typename TestType::template Queue<int> queue(4);
  const int rounds = scaled(300);
  for (int i = 0; i < rounds; ++i) {
    Call<GetStatus> hurried([&] { return queue.get(std::chrono::microseconds{100}).status(); });
    Call<GetStatus> patient([&] { return queue.get().status(); });
    wait_until([&] { return queue.get_waiters() == (hurried.returned() ? 1U : 2U); });
    REQUIRE(queue.put(1) == PutStatus::ok);
    if (hurried.result() == GetStatus::ok) {
      REQUIRE(queue.put(2) == PutStatus::ok);
    }
    REQUIRE(patient.result() == GetStatus::ok);
    REQUIRE(queue.empty());
  }
}

TEMPLATE_TEST_CASE("Queue: put_many with a throw in the middle keeps what was accepted (Q10)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const NeverThrowAgain guard;
  typename TestType::template Queue<ThrowingMove> queue(10);
  std::vector<ThrowingMove> items;
  for (std::uint64_t i = 0; i < 6; ++i) items.push_back(ThrowingMove(i));
  ThrowingMove::throw_after(3);
  CHECK_THROWS_AS(queue.put_many(items), std::runtime_error);
  CHECK(queue.size() == 3);
  CHECK(queue.put_count() == 3);
  CHECK(queue.unfinished() == 3);
  std::vector<std::uint64_t> left;
  while (auto item = queue.try_get()) left.push_back(item->value());
  std::sort(left.begin(), left.end());
  CHECK(left == std::vector<std::uint64_t>{0, 1, 2});
  CHECK(balances(queue));
}

TEMPLATE_TEST_CASE("Queue: get_many with a throw in the middle keeps the rest queued (Q10)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const NeverThrowAgain guard;
  typename TestType::template Queue<ThrowingMove> queue(10);
  for (std::uint64_t i = 0; i < 6; ++i) REQUIRE(queue.put(ThrowingMove(i)) == PutStatus::ok);
  std::deque<ThrowingMove> taken;
  ThrowingMove::throw_after(2);
  CHECK_THROWS_AS(queue.get_many(taken, 5), std::runtime_error);
  CHECK(taken.size() == 2);
  CHECK(queue.got_count() == 2);
  CHECK(queue.size() == 4);
  while (auto item = queue.try_get()) taken.push_back(ThrowingMove(item->value()));
  std::vector<std::uint64_t> values;
  for (const auto& item : taken) values.push_back(item.value());
  std::sort(values.begin(), values.end());
  CHECK(values == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5});
  queue.task_done(6);
  CHECK(queue.join(Deadline::now()));
}

TEMPLATE_TEST_CASE("Queue: a storm of throwing items loses and doubles none (Q10)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const NeverThrowAgain guard;
  const std::uint64_t items = scaled<std::uint64_t>(20'000);
  typename TestType::template Queue<ThrowingMove> queue(3);
  const StateDump dump("queue", [&] { return state_of(queue); });
  std::vector<std::atomic<int>> seen(items);
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> ended{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (;;) {
        const std::uint64_t value = next.fetch_add(1);
        if (value >= items) return;
        for (bool accepted = false; !accepted;) {
          try {
            accepted = queue.put(ThrowingMove(value)) == PutStatus::ok;
          } catch (const std::runtime_error&) {
          }
        }
      }
    });
  }
  std::vector<std::thread> takers;
  for (int i = 0; i < 3; ++i) {
    takers.emplace_back([&] {
      for (;;) {
        try {
          auto item = queue.get();
          if (!item) return;
          seen[item->value()].fetch_add(1);
          queue.task_done();
        } catch (const std::runtime_error&) {
        }
      }
    });
  }
  std::thread trouble([&] {
    while (!ended) {
      ThrowingMove::throw_after(7);
      std::this_thread::yield();
    }
  });
  for (auto& thread : threads) thread.join();
  ended = true;
  trouble.join();
  ThrowingMove::never_throw();
  REQUIRE(queue.join());
  queue.close();
  for (auto& taker : takers) taker.join();
  const auto once = [](const std::atomic<int>& count) { return count == 1; };
  CHECK(std::all_of(seen.begin(), seen.end(), once));
  CHECK(balances(queue));
}

TEMPLATE_TEST_CASE("Queue: a weigher that throws puts and counts nothing (Q10)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(
      {.capacity = 4, .capacity_bytes = 100, .weigher = [](const int& item) -> std::size_t {
         if (item < 0) throw std::runtime_error("no weight");
         return 1;
       }});
  CHECK_THROWS_AS(queue.put(-1), std::runtime_error);
  CHECK(queue.empty());
  CHECK(queue.size_bytes() == 0);
  use_normally(queue);
}

TEST_CASE("PriorityQueue: a comparison that throws changes nothing (Q10)", "[queue][conformance]") {
  bool throws = false;
  const auto compare = [&](int a, int b) {
    if (throws) throw std::runtime_error("can't compare");
    return a < b;
  };
  PriorityQueue<int, decltype(compare)> queue(10, compare);
  for (const int item : {5, 3, 4, 1}) REQUIRE(queue.put(item) == PutStatus::ok);
  throws = true;
  CHECK_THROWS_AS(queue.put(2), std::runtime_error);
  CHECK_THROWS_AS(static_cast<void>(queue.get()), std::runtime_error);
  CHECK(queue.put_count() == 4);
  CHECK(queue.got_count() == 0);
  throws = false;
  REQUIRE(queue.put(2) == PutStatus::ok);
  for (int expected = 1; expected <= 5; ++expected) CHECK(*queue.try_get() == expected);
}
