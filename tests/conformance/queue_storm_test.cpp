// conformance/queue_storm_test.cpp: many threads, every value counted, order per producer.
//
// Loss and doubling both show in an array of one counter a value. Capacities of 1, 2 and 3, and
// smaller than the number of threads, because there every corner is always in use.
// SPDX-License-Identifier: MIT
#include <conformance/queue_conformance.hpp>

#include <support/seeds.hpp>

#include <deque>
#include <memory>
#include <mutex>

using namespace sluice;
using namespace sluice::conformance;

namespace {

struct Shape {
  std::size_t capacity;
  int producers;
  int consumers;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << "capacity " << shape.capacity << ", " << shape.producers << " producers, "
             << shape.consumers << " consumers";
}

/// A value that knows where it comes from.
struct Origin {
  int producer = 0;
  int number = 0;
  friend bool operator<(const Origin& a, const Origin& b) { return a.number < b.number; }
};

/// Counts what arrives, and looks whether each producer's items arrive in order.
class Arrivals {
 public:
  Arrivals(int producers, int each)
      : each_(each), seen_(static_cast<std::size_t>(producers) * static_cast<std::size_t>(each)) {}

  void count(const Origin& item) {
    seen_[static_cast<std::size_t>(item.producer) * static_cast<std::size_t>(each_) +
          static_cast<std::size_t>(item.number)]
        .fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] bool each_once() const {
    return std::all_of(seen_.begin(), seen_.end(), [](const auto& count) { return count == 1; });
  }

 private:
  int each_;
  std::vector<std::atomic<int>> seen_;
};

/// One consumer's view: what one thread takes of one producer must come in order from a Queue.
class OrderPerProducer {
 public:
  explicit OrderPerProducer(int producers) : last_(static_cast<std::size_t>(producers), -1) {}
  [[nodiscard]] bool next(const Origin& item) {
    int& last = last_[static_cast<std::size_t>(item.producer)];
    const bool in_order = item.number > last;
    last = item.number;
    return in_order;
  }

 private:
  std::vector<int> last_;
};

template <class Flavour, class Produce, class Consume>
void storm(const Shape& shape, int each, Produce produce, Consume consume) {
  typename Flavour::template Queue<Origin> queue(shape.capacity);
  const StateDump dump("queue", [&] { return state_of(queue); });
  Arrivals arrivals(shape.producers, each);
  OffThreadChecks checks;
  std::vector<std::thread> producers;
  std::vector<std::thread> consumers;
  for (int p = 0; p < shape.producers; ++p) {
    producers.emplace_back([&, p] { produce(queue, p, each, checks); });
  }
  for (int c = 0; c < shape.consumers; ++c) {
    consumers.emplace_back([&] {
      OrderPerProducer order(shape.producers);
      consume(queue, [&](const Origin& item) {
        arrivals.count(item);
        checks.expect(order.next(item) || !Flavour::kFifo, "a producer's items out of order");
        queue.task_done();
      });
    });
  }
  for (auto& producer : producers) producer.join();
  REQUIRE(queue.join());
  CHECK(queue.empty());
  queue.close();
  for (auto& consumer : consumers) consumer.join();
  CHECK(arrivals.each_once());
  CHECK(checks.failures() == "");
  CHECK(queue.put_count() ==
        static_cast<std::uint64_t>(shape.producers) * static_cast<std::uint64_t>(each));
  CHECK(queue.done_count() == queue.put_count());
  CHECK(queue.high_water() <= shape.capacity);
  CHECK(balances(queue));
}

const auto put_each = [](auto& queue, int producer, int each, OffThreadChecks& checks) {
  for (int i = 0; i < each; ++i) {
    checks.expect(queue.put(Origin{producer, i}) == PutStatus::ok, "a put was refused");
  }
};

const auto get_each = [](auto& queue, auto count) {
  while (auto item = queue.get()) count(*item);
};

auto shapes() {
  return GENERATE(as<Shape>{}, Shape{1, 1, 1}, Shape{1, 4, 4}, Shape{2, 3, 2}, Shape{3, 2, 5},
                  Shape{1, 8, 1}, Shape{2, 1, 8}, Shape{3, 4, 4}, Shape{64, 4, 4},
                  Shape{1'024, 2, 2});
}

}  // namespace

TEMPLATE_TEST_CASE("Queue: a storm of single puts and gets loses and doubles nothing",
                   "[queue][conformance][stress]", SLUICE_QUEUE_FLAVOURS) {
  const Shape shape = shapes();
  INFO(shape);
  storm<TestType>(shape, scaled(20'000) / shape.producers, put_each, get_each);
}

TEMPLATE_TEST_CASE("Queue: a storm of batches loses and doubles nothing",
                   "[queue][conformance][stress]", SLUICE_QUEUE_FLAVOURS) {
  const Shape shape = shapes();
  INFO(shape);
  storm<TestType>(
      shape, scaled(40'000) / shape.producers,
      [](auto& queue, int producer, int each, OffThreadChecks& checks) {
        auto random = testing_support::random_engine(static_cast<std::uint64_t>(producer));
        std::vector<Origin> items;
        for (int i = 0; i < each;) {
          items.clear();
          for (auto n = random() % 70 + 1; n > 0 && i < each; --n) {
            items.push_back({producer, i++});
          }
          const PutManyResult put = queue.put_many(items);
          checks.expect(put.status == PutStatus::ok, "a batch was refused");
          checks.expect_equal(put.accepted, items.size(), "a batch was accepted in part");
        }
      },
      [](auto& queue, auto count) {
        std::vector<Origin> items;
        while (queue.get_many(items, 64).status == GetStatus::ok) {
          for (const Origin& item : items) count(item);
          items.clear();
        }
      });
}

TEMPLATE_TEST_CASE("Queue: a storm of mixed calls with deadlines loses and doubles nothing",
                   "[queue][conformance][stress]", SLUICE_QUEUE_FLAVOURS) {
  const Shape shape = shapes();
  INFO(shape);
  std::atomic<std::uint64_t> consumers{100};
  storm<TestType>(
      shape, scaled(10'000) / shape.producers,
      [](auto& queue, int producer, int each, OffThreadChecks& checks) {
        auto random = testing_support::random_engine(static_cast<std::uint64_t>(producer));
        for (int i = 0; i < each; ++i) {
          for (PutStatus status = PutStatus::full; status != PutStatus::ok;) {
            const auto choice = random() % 3;
            if (choice == 0) {
              status = queue.try_put(Origin{producer, i});
            } else if (choice == 1) {
              status = queue.put(Origin{producer, i}, std::chrono::microseconds{random() % 50});
            } else {
              status = queue.put(Origin{producer, i});
            }
            if (!checks.expect(status == PutStatus::ok || status == PutStatus::full, "status")) {
              return;
            }
          }
        }
      },
      [&consumers](auto& queue, auto count) {
        auto random = testing_support::random_engine(consumers.fetch_add(1));
        std::deque<Origin> items;
        for (;;) {
          const auto choice = random() % 3;
          const Deadline deadline = choice == 0 ? Deadline::now()
                                    : choice == 1
                                        ? Deadline::after(std::chrono::microseconds{random() % 50})
                                        : Deadline::never();
          const GetManyResult got = queue.get_many(items, random() % 5 + 1, deadline);
          if (got.status == GetStatus::closed) return;
          for (const Origin& item : items) count(item);
          items.clear();
        }
      });
}

TEMPLATE_TEST_CASE("Queue: a storm with stop requests loses and doubles nothing",
                   "[queue][conformance][stress]", SLUICE_QUEUE_FLAVOURS) {
  // Every wait may be stopped at any time; the caller then simply calls again.
  typename TestType::template Queue<Origin> queue(2);
  const StateDump dump("queue", [&] { return state_of(queue); });
  const int each = scaled(10'000);
  constexpr int kSides = 3;
  Arrivals arrivals(kSides, each);
  std::atomic<bool> ended{false};
  std::mutex mutex;
  std::vector<std::shared_ptr<std::stop_source>> stops(2 * kSides,
                                                       std::make_shared<std::stop_source>());
  const auto stop_of = [&](std::size_t i) {
    const std::lock_guard lock(mutex);
    if (stops[i]->stop_requested()) stops[i] = std::make_shared<std::stop_source>();
    return stops[i]->get_token();
  };
  std::vector<std::thread> producers;
  std::vector<std::thread> consumers;
  for (int p = 0; p < kSides; ++p) {
    const auto slot = static_cast<std::size_t>(p);
    producers.emplace_back([&, p, slot] {
      for (int i = 0; i < each; ++i) {
        while (queue.put(Origin{p, i}, {}, stop_of(slot)) != PutStatus::ok) {
        }
      }
    });
    consumers.emplace_back([&, slot] {
      for (;;) {
        const auto item = queue.get({}, stop_of(kSides + slot));
        if (item) arrivals.count(*item);
        if (item.status() == GetStatus::closed) return;
      }
    });
  }
  std::thread stopper([&] {
    auto random = testing_support::random_engine(7);
    while (!ended.load()) {
      std::shared_ptr<std::stop_source> stop;
      {
        const std::lock_guard lock(mutex);
        stop = stops[random() % stops.size()];
      }
      stop->request_stop();
      std::this_thread::yield();
    }
  });
  for (auto& producer : producers) producer.join();
  queue.close();
  for (auto& consumer : consumers) consumer.join();
  ended.store(true);
  stopper.join();
  CHECK(arrivals.each_once());
  CHECK(balances(queue));
}

TEST_CASE("Queue: what one thread takes lies in order over all producers' ordinals",
          "[queue][conformance]") {
  // Ordinals number the items over all puts: taken together they are 0, 1, 2 ... without gap.
  const int items = scaled(100'000);
  Queue<int> queue(7);
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(items));
  OffThreadChecks checks;
  std::vector<std::thread> threads;
  for (int p = 0; p < 2; ++p) {
    threads.emplace_back([&] {
      for (int i = 0; i < items / 2; ++i) static_cast<void>(queue.put(i));
    });
  }
  std::vector<std::thread> takers;
  for (int c = 0; c < 2; ++c) {
    takers.emplace_back([&] {
      std::uint64_t next = 0;
      std::vector<int> batch;
      for (;;) {
        batch.clear();
        const GetManyResult got = queue.get_many(batch, 5);
        if (got.status != GetStatus::ok) return;
        checks.expect(got.first >= next, "ordinals go back");
        next = got.first + got.count;
        for (std::uint64_t i = got.first; i < next; ++i) seen[i].fetch_add(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  queue.close();
  for (auto& taker : takers) taker.join();
  CHECK(checks.failures() == "");
  CHECK(std::all_of(seen.begin(), seen.end(), [](const auto& count) { return count == 1; }));
}

TEST_CASE("Queue: storage that grows during a storm loses and doubles nothing",
          "[queue][conformance][stress]") {
  // Unbounded, and consumers that start late: several doublings happen while both ends are busy.
  const int each = scaled(100'000);
  Queue<std::unique_ptr<Origin>> queue(unbounded);
  const StateDump dump("queue", [&] { return state_of(queue); });
  Arrivals arrivals(3, each);
  std::vector<std::thread> threads;
  for (int p = 0; p < 3; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < each; ++i) {
        static_cast<void>(queue.put(std::make_unique<Origin>(Origin{p, i})));
      }
    });
  }
  std::vector<std::thread> takers;
  for (int c = 0; c < 2; ++c) {
    takers.emplace_back([&] {
      while (queue.size() < static_cast<std::size_t>(each) / 2 && !queue.is_closed()) {
        std::this_thread::yield();
      }
      while (auto item = queue.get()) arrivals.count(**item);
    });
  }
  for (auto& thread : threads) thread.join();
  queue.close();
  for (auto& taker : takers) taker.join();
  CHECK(arrivals.each_once());
  CHECK(balances(queue));
}

TEST_CASE("Queue: a capacity that changes during a storm loses and doubles nothing",
          "[queue][conformance][stress]") {
  const int each = scaled(50'000);
  Queue<Origin> queue(4);
  const StateDump dump("queue", [&] { return state_of(queue); });
  Arrivals arrivals(2, each);
  std::atomic<bool> ended{false};
  std::vector<std::thread> threads;
  for (int p = 0; p < 2; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < each; ++i) static_cast<void>(queue.put(Origin{p, i}));
    });
  }
  std::vector<std::thread> takers;
  for (int c = 0; c < 2; ++c) {
    takers.emplace_back([&] {
      while (auto item = queue.get()) arrivals.count(*item);
    });
  }
  std::thread changer([&] {
    auto random = testing_support::random_engine(3);
    while (!ended.load()) {
      queue.set_capacity(random() % 10 == 0 ? 10'000 : random() % 5 + 1);
      std::this_thread::yield();
    }
  });
  for (auto& thread : threads) thread.join();
  queue.close();
  for (auto& taker : takers) taker.join();
  ended.store(true);
  changer.join();
  CHECK(arrivals.each_once());
  CHECK(balances(queue));
}
