// conformance/queue_simple_test.cpp: the unbounded queue (the SimpleQueue paragraph), and what
// becomes of an item the moment it leaves.
// SPDX-License-Identifier: MIT
#include <conformance/queue_conformance.hpp>

#include <support/counted.hpp>
#include <support/move_only.hpp>

#include <memory>

using namespace sluice;
using namespace sluice::conformance;
using testing_support::Counted;
using testing_support::MoveOnly;

TEMPLATE_TEST_CASE("Queue: on an unbounded queue no put ever waits", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(unbounded);
  for (int i = 0; i < 20'000; ++i) REQUIRE(queue.put(i, Deadline::now()) == PutStatus::ok);
  CHECK(queue.size() == 20'000);
  std::vector<int> many(5'000, 7);
  CHECK(queue.try_put_many(many).accepted == 5'000);
  CHECK(queue.size() == 25'000);
  CHECK_FALSE(queue.empty());
}

TEMPLATE_TEST_CASE("Queue: size and empty are exact when nobody puts or gets",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(unbounded);
  for (std::size_t i = 0; i < 3'000; ++i) {
    REQUIRE(queue.size() == i);
    REQUIRE(queue.empty() == (i == 0));
    REQUIRE(queue.try_put(1) == PutStatus::ok);
  }
  for (std::size_t i = 3'000; i > 0; --i) {
    REQUIRE(queue.size() == i);
    REQUIRE(queue.try_get());
  }
  CHECK(queue.empty());
}

TEMPLATE_TEST_CASE("Queue: move-only items go through put, put_many, get and get_many",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<MoveOnly> queue(8);
  MoveOnly item(1);
  REQUIRE(queue.put(std::move(item)) == PutStatus::ok);
  CHECK_FALSE(item.has_value());
  std::vector<MoveOnly> items;
  for (std::uint64_t i = 2; i < 12; ++i) items.emplace_back(i);
  const PutManyResult many = queue.try_put_many(items);
  CHECK(many.accepted == 7);
  CHECK(many.status == PutStatus::full);
  for (std::size_t i = 0; i < items.size(); ++i) CHECK(items[i].has_value() == (i >= 7));
  MoveOnly refused(99);
  CHECK(queue.try_put(std::move(refused)) == PutStatus::full);
  CHECK(refused.has_value());
  CHECK(queue.put(std::move(refused), 1ms) == PutStatus::full);
  CHECK(refused.has_value());
  queue.close();
  CHECK(queue.put(std::move(refused)) == PutStatus::closed);
  CHECK(refused.has_value());
  std::vector<MoveOnly> out;
  MoveOnly first = queue.get().value();
  CHECK(first.has_value());
  CHECK(queue.get_many(out, 100).count == 7);
  CHECK(std::all_of(out.begin(), out.end(), [](const MoveOnly& m) { return m.has_value(); }));
}

TEMPLATE_TEST_CASE("Queue: an item is released the moment it leaves the queue",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const auto before = Counted::live();
  typename TestType::template Queue<Counted> queue(8);
  for (std::uint64_t i = 0; i < 6; ++i) REQUIRE(queue.put(Counted(i)) == PutStatus::ok);
  CHECK(Counted::live() == before + 6);
  { const auto item = queue.get(); }
  CHECK(Counted::live() == before + 5);
  {
    std::vector<Counted> items;
    CHECK(queue.get_many(items, 3).count == 3);
    CHECK(Counted::live() == before + 5);
  }
  CHECK(Counted::live() == before + 2);

  // The same seen from a shared pointer: no slot keeps a stale reference.
  typename TestType::template Queue<std::shared_ptr<int>> pointers(8);
  const auto shared = std::make_shared<int>(1);
  REQUIRE(pointers.put(shared) == PutStatus::ok);
  CHECK(shared.use_count() == 2);
  { const auto item = pointers.get(); }
  CHECK(shared.use_count() == 1);
}

namespace {

/// Puts one more item into the queue when it is destroyed. Has no move constructor, as a class whose
/// author wrote a destructor and nothing else: every "move" is a copy, and each copy's destructor
/// counts.
template <class Flavour>
struct PutsWhenDestroyed {
  struct State;

  explicit PutsWhenDestroyed(State* where) : state(where) {}
  PutsWhenDestroyed(const PutsWhenDestroyed& other) noexcept : state(other.state) {}
  PutsWhenDestroyed& operator=(const PutsWhenDestroyed&) = delete;
  ~PutsWhenDestroyed();

  [[nodiscard]] int value() const { return 0; }

  State* state;
};

template <class Flavour>
struct PutsWhenDestroyed<Flavour>::State {
  int left = 0;
  PutsWhenDestroyed prototype{this};
  typename Flavour::template Queue<PutsWhenDestroyed> queue{unbounded};
};

template <class Flavour>
PutsWhenDestroyed<Flavour>::~PutsWhenDestroyed() {
  if (state->left <= 0) return;
  --state->left;
  static_cast<void>(state->queue.put(state->prototype));
}

}  // namespace

TEMPLATE_TEST_CASE(
    "Queue: a put from a destructor that runs during a queue operation is no deadlock",
    "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  using Item = PutsWhenDestroyed<TestType>;
  typename Item::State state;
  const Item& item = state.prototype;
  const int puts = 5'000;  // enough for the storage to grow while a destructor runs
  REQUIRE(state.queue.put(item) == PutStatus::ok);
  state.left = puts;
  std::uint64_t got = 0;
  while (state.queue.try_get()) ++got;
  CHECK(state.left == 0);
  CHECK(got == state.queue.put_count());
  CHECK(got > 1);

  for (int i = 0; i < 10; ++i) REQUIRE(state.queue.put(item) == PutStatus::ok);
  state.left = 3;
  CHECK(state.queue.cancel() == 10);  // the destructors' puts find it closed
  CHECK(state.left == 0);
}

namespace {

/// `getters` take while `putters` put `items` in all; each value is counted.
template <class Q, class Get>
void check_nothing_lost(Q& queue, int putters, int getters, int items, Get get) {
  const StateDump dump("queue", [&] { return state_of(queue); });
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(items));
  std::vector<std::thread> threads;
  std::atomic<int> next{0};
  for (int i = 0; i < putters; ++i) {
    threads.emplace_back([&] {
      for (;;) {
        const int value = next.fetch_add(1);
        if (value >= items) return;
        static_cast<void>(queue.put(value));
      }
    });
  }
  std::vector<std::thread> takers;
  for (int i = 0; i < getters; ++i) {
    takers.emplace_back([&] {
      for (;;) {
        const auto item = get(queue);
        if (item) {
          seen[static_cast<std::size_t>(*item)].fetch_add(1);
        } else if (item.status() == GetStatus::closed) {
          return;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  queue.close();
  for (auto& taker : takers) taker.join();
  const auto once = [](const std::atomic<int>& count) { return count == 1; };
  CHECK(std::all_of(seen.begin(), seen.end(), once));
  CHECK(queue.put_count() == static_cast<std::uint64_t>(items));
  CHECK(balances(queue));
}

}  // namespace

TEMPLATE_TEST_CASE("Queue: 50 putters and 50 blocking getters lose and double nothing",
                   "[queue][conformance][stress]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(unbounded);
  check_nothing_lost(queue, 50, 50, scaled(10'000), [](auto& q) { return q.get(); });
}

TEMPLATE_TEST_CASE("Queue: 50 putters and 50 polling getters lose and double nothing",
                   "[queue][conformance][stress]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(unbounded);
  check_nothing_lost(queue, 50, 50, scaled(10'000), [](auto& q) { return q.try_get(); });
}

TEMPLATE_TEST_CASE("Queue: 50 getters with deadlines of 10 microseconds lose and double nothing",
                   "[queue][conformance][stress]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(unbounded);
  check_nothing_lost(queue, 50, 50, scaled(1'000),
                     [](auto& q) { return q.get(std::chrono::microseconds{10}); });
}

TEST_CASE("Queue: one producer and one consumer keep the order", "[queue][conformance]") {
  Queue<int> queue(GENERATE(as<std::size_t>{}, 1, 2, 3, 1'024, unbounded));
  const int items = scaled(50'000);
  std::thread producer([&] {
    for (int i = 0; i < items; ++i) static_cast<void>(queue.put(i));
    queue.close();
  });
  int expected = 0;
  bool in_order = true;
  while (auto item = queue.get()) {
    in_order = in_order && *item == expected && item.ordinal() == static_cast<unsigned>(expected);
    ++expected;
  }
  producer.join();
  CHECK(in_order);
  CHECK(expected == items);
}
