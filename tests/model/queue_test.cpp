// model/queue_test.cpp: items through the queue, on the simulated machine: nothing is lost, doubled,
// reordered or read before it is whole, and nobody sleeps while there is something for him.
// SPDX-License-Identifier: MIT
#include <model/scenarios.hpp>

#include <catch2/catch.hpp>

#include <span>
#include <stdexcept>
#include <vector>

namespace sluice::model {
namespace {

void put_values(ModelQueue& queue, int producer, int count) {
  for (int i = 0; i < count; ++i) {
    expect(queue.put(Item(100 * producer + i)) == PutStatus::ok, "an open queue refuses a put");
  }
}

void get_values(ModelQueue& queue, Tally& tally, int count) {
  for (int i = 0; i < count; ++i) {
    auto item = queue.get();
    expect(static_cast<bool>(item), "a get of an open queue returns nothing");
    tally.arrived(item->value());
  }
}

// The storage starts with fewer slots than the capacity, as it does for large capacities.
class GrowingQueue : public ModelQueue {
 public:
  explicit GrowingQueue(std::size_t capacity) : ModelQueue(sleepy(capacity)) {
    using Memory = detail::RingStorage<Item>;
    const detail::RingSlots whole = ring().put_slots();
    ring().set_slots(Memory::make(1, false));
    Memory::release(whole);
  }
};

}  // namespace

void one_producer_one_consumer(Execution& run) {
  auto& queue = run.make<ModelQueue>(sleepy(1));
  auto& tally = run.make<Tally>();
  run.thread("producer", [&] { put_values(queue, 0, 2); });
  run.thread("consumer", [&] { get_values(queue, tally, 2); });
  run.finally([&] {
    tally.expect_all(0, 2);
    expect(queue.put_count() == 2 && queue.got_count() == 2, "the counts are wrong");
    expect(queue.unfinished() == 2, "what was taken and not done is unfinished");
    expect(queue.high_water() == 1, "the bound was exceeded");
  });
}

void two_producers_one_consumer(Execution& run) {
  auto& queue = run.make<ModelQueue>(sleepy(1));
  auto& tally = run.make<Tally>();
  run.thread("producer 0", [&] { put_values(queue, 0, 1); });
  run.thread("producer 1", [&] { put_values(queue, 1, 1); });
  run.thread("consumer", [&] { get_values(queue, tally, 2); });
  run.finally([&] {
    tally.expect_all(0, 1);
    tally.expect_all(1, 1);
  });
}

void one_producer_two_consumers(Execution& run) {
  auto& queue = run.make<ModelQueue>(sleepy(2));
  auto& left = run.make<Tally>();
  auto& right = run.make<Tally>();
  run.thread("producer", [&] {
    Item items[] = {Item(0), Item(1)};
    const PutManyResult result = queue.put_many(items);
    expect(result.status == PutStatus::ok && result.accepted == 2, "an open queue refuses a put");
  });
  run.thread("consumer 0", [&] { get_values(queue, left, 1); });
  run.thread("consumer 1", [&] { get_values(queue, right, 1); });
  run.finally([&] {
    left.add(right);
    left.expect_all(0, 2);
  });
}

void many_at_once(Execution& run) {
  auto& queue = run.make<ModelQueue>(sleepy(2));
  auto& tally = run.make<Tally>();
  run.thread("producer", [&] {
    Item items[] = {Item(0), Item(1), Item(2)};
    const PutManyResult result = queue.put_many(items);
    expect(result.status == PutStatus::ok && result.accepted == 3, "an open queue refuses a put");
    for (const Item& item : items) expect(item.moved_from(), "an accepted item was not moved");
    queue.close();
  });
  run.thread("consumer", [&] {
    for (std::uint64_t next = 0;;) {
      std::vector<Item> buffer;
      const GetManyResult result = queue.get_many(buffer, 2);
      if (result.status == GetStatus::closed) return;
      expect(result.status == GetStatus::ok && result.count == buffer.size(), "a wrong count");
      expect(result.first == next, "a wrong ordinal");
      next += result.count;
      for (const Item& item : buffer) tally.arrived(item.value());
    }
  });
  run.finally([&] { tally.expect_all(0, 3); });
}

TEST_CASE("model: a producer and a consumer pass two items through one slot", "[model][queue]") {
  must_hold("one producer, one consumer", one_producer_one_consumer, {.preemptions = 2});
}

TEST_CASE("model: two producers that wait for one slot both get it", "[model][queue]") {
  must_hold("two producers, one consumer", two_producers_one_consumer);
}

TEST_CASE("model: one publication of two items wakes two consumers", "[model][queue]") {
  must_hold("one producer, two consumers", one_producer_two_consumers);
}

TEST_CASE("model: two producers and two consumers lose, double and reorder nothing",
          "[model][queue]") {
  must_hold("two producers, two consumers",
            [](Execution& run) {
              auto& queue = run.make<ModelQueue>(sleepy(1));
              auto& left = run.make<Tally>();
              auto& right = run.make<Tally>();
              run.thread("producer 0", [&] { put_values(queue, 0, 2); });
              run.thread("producer 1", [&] { put_values(queue, 1, 2); });
              run.thread("consumer 0", [&] { get_values(queue, left, 2); });
              run.thread("consumer 1", [&] { get_values(queue, right, 2); });
              run.finally([&] {
                left.add(right);
                left.expect_all(0, 2);
                left.expect_all(1, 2);
              });
            },
            {.preemptions = 1});
}

TEST_CASE("model: a span longer than the capacity goes in pieces and comes out whole",
          "[model][queue]") {
  must_hold("many at once", many_at_once);
}

TEST_CASE("model: plain bytes copied in bulk arrive as they were", "[model][queue]") {
  must_hold("bulk copies", [](Execution& run) {
    auto& queue = run.make<detail::BasicQueue<int, ModelSync>>(sleepy<int>(2));
    auto& tally = run.make<Tally>();
    run.thread("producer", [&] {
      int items[] = {0, 1, 2};
      expect(queue.put_many(items).status == PutStatus::ok, "an open queue refuses a put");
    });
    run.thread("consumer", [&] {
      for (std::size_t got = 0; got < 3;) {
        std::vector<int> buffer;
        got += queue.get_many(buffer, 3).count;
        for (const int value : buffer) tally.arrived(value);
      }
    });
    run.finally([&] { tally.expect_all(0, 3); });
  });
}

TEST_CASE("model: the storage grows under puts and gets and no item is lost on the way",
          "[model][queue]") {
  must_hold("growth", [](Execution& run) {
    auto& queue = run.make<GrowingQueue>(std::size_t{4});
    auto& tally = run.make<Tally>();
    run.thread("producer 0", [&] { put_values(queue, 0, 2); });
    run.thread("producer 1", [&] { put_values(queue, 1, 1); });
    run.thread("consumer", [&] { get_values(queue, tally, 3); });
    run.finally([&] {
      tally.expect_all(0, 2);
      tally.expect_all(1, 1);
      expect(run.shadow().alive() == 0, "an item is left over");
    });
  });
}

TEST_CASE("model: a raised capacity lets a waiting producer go on", "[model][queue]") {
  must_hold("a raised capacity", [](Execution& run) {
    auto& queue = run.make<GrowingQueue>(std::size_t{1});
    auto& tally = run.make<Tally>();
    run.thread("producer", [&] { put_values(queue, 0, 2); });
    run.thread("owner", [&] { queue.set_capacity(2); });
    run.finally([&] {
      get_values(queue, tally, 2);
      tally.expect_all(0, 2);
    });
  });
}

TEST_CASE("model: a queue bounded in bytes wakes the producer whose item fits", "[model][queue]") {
  must_hold("bytes", [](Execution& run) {
    auto options = sleepy<Item>(4);
    options.capacity_bytes = 3;
    options.weigher = [](const Item& item) {
      return static_cast<std::size_t>(item.value() >= 100 ? 1 : 3);
    };
    auto& queue = run.make<ModelQueue>(std::move(options));
    auto& tally = run.make<Tally>();
    run.thread("heavy", [&] { put_values(queue, 0, 1); });
    run.thread("light", [&] { put_values(queue, 1, 1); });
    run.thread("consumer", [&] { get_values(queue, tally, 2); });
    run.finally([&] {
      tally.expect_all(0, 1);
      tally.expect_all(1, 1);
      expect(queue.size_bytes() == 0, "bytes are left over");
      expect(queue.high_water_bytes() <= 3, "the bound in bytes was exceeded");
    });
  });
}

TEST_CASE("model: a spinning end and a paced one end up with the same items", "[model][queue]") {
  must_hold("spinning", [](Execution& run) {
    run.set_clock_step(100);
    auto options = sleepy<Item>(1);
    options.spin = std::chrono::nanoseconds{1};
    auto& queue = run.make<ModelQueue>(std::move(options));
    auto& tally = run.make<Tally>();
    run.thread("producer", [&] { put_values(queue, 0, 2); });
    run.thread("consumer", [&] { get_values(queue, tally, 2); });
    run.finally([&] { tally.expect_all(0, 2); });
  });
}

namespace {

// No reserve(), and its second push_back() throws: the item that did not go in is still queued.
class ThrowingBuffer {
 public:
  void push_back(Item&& item) {
    if (values_.size() == 1 && !thrown_) {
      thrown_ = true;
      throw std::length_error("no more room");
    }
    values_.push_back(item.value());
    Item taken(std::move(item));
  }
  [[nodiscard]] const std::vector<int>& values() const noexcept { return values_; }

 private:
  std::vector<int> values_;
  bool thrown_ = false;
};

}  // namespace

TEST_CASE("model: a get_many that throws has taken what it handed over and nothing else",
          "[model][queue]") {
  must_hold("a throwing buffer", [](Execution& run) {
    auto& queue = run.make<ModelQueue>(sleepy(2));
    auto& tally = run.make<Tally>();
    run.thread("producer", [&] {
      put_values(queue, 0, 3);
      queue.close();
    });
    run.thread("consumer", [&] {
      ThrowingBuffer buffer;
      for (;;) {
        try {
          if (queue.get_many(buffer, 2).status == GetStatus::closed) break;
        } catch (const std::length_error&) {
          expect(buffer.values().size() == 1, "more was handed over than taken");
        }
      }
      for (const int value : buffer.values()) tally.arrived(value);
    });
    run.finally([&] {
      tally.expect_all(0, 3);
      expect(queue.got_count() == 3, "the count of takes is wrong");
      expect(run.shadow().alive() == 0, "an item is left over");
    });
  });
}

}  // namespace sluice::model
