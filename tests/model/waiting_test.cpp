// model/waiting_test.cpp: the wait point and its users on the simulated machine: no wake-up is lost
// when waiters come, leave early or wait for several things.
// SPDX-License-Identifier: MIT
#include <model/scenarios.hpp>

#include <catch2/catch.hpp>

#include <stop_token>

namespace sluice::model {
namespace {

using Counter = Atomic<std::uint64_t>;
using Waiter = detail::BasicWaiter<ModelSync>;

// The least that can be waited for: a number of permits.
struct Permits {
  Counter left{0};
  ModelPoint point;

  [[nodiscard]] detail::Probe probe() const {
    return {.may_proceed =
                [](const void* self, std::size_t count, std::size_t) noexcept {
                  const auto& permits = *static_cast<const Permits*>(self);
                  return permits.left.load(std::memory_order_seq_cst) >= count;
                },
            .object = this};
  }
  [[nodiscard]] bool try_take() {
    std::uint64_t seen = left.load(std::memory_order_relaxed);
    while (seen > 0) {
      if (left.compare_exchange_weak(seen, seen - 1, std::memory_order_seq_cst,
                                     std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void take() {
    if (try_take()) return;
    Waiter waiter(point, probe(), {}, {}, 0);
    do {
      expect(waiter.wait() == detail::WaitEnd::ready, "a wait without an end ended");
    } while (!try_take());
  }
  void give() {
    left.fetch_add(1, std::memory_order_seq_cst);
    point.wake_one();
  }
};

void put_one(ModelQueue& queue, int value) {
  expect(queue.put(Item(value)) == PutStatus::ok, "an open queue refuses a put");
}

// As a stage puts: never blocking in the put itself, and on once the queue is half empty.
void put_as_a_stage(ModelQueue& queue, int value) {
  Item item(value);
  while (queue.try_put(std::move(item)) == PutStatus::full) queue.wait_for_refill();
}

ModelQueue& half_refilled(Execution& run, std::size_t capacity) {
  auto& queue = run.make<ModelQueue>(sleepy(capacity));
  queue.set_refill(capacity - capacity / 2);
  return queue;
}

}  // namespace

void sleeper_and_waker(Execution& run) {
  auto& permits = run.make<Permits>();
  run.thread("sleeper", [&] { permits.take(); });
  run.thread("waker", [&] { permits.give(); });
  run.finally([&] { expect(!permits.point.has_waiters(), "somebody did not leave"); });
}

// Whoever is woken for the one item and leaves instead must pass the wake on.
void getter_leaves_at_its_deadline(Execution& run) {
  auto& queue = run.make<ModelQueue>(sleepy(1));
  auto& tally = run.make<Tally>();
  run.thread("impatient", [&] {
    auto item = queue.get(some_time());
    if (!item) return;
    tally.arrived(item->value());
    queue.close();
  });
  run.thread("patient", [&] {
    if (auto item = queue.get()) tally.arrived(item->value());
  });
  run.thread("producer", [&] { put_one(queue, 0); });
  run.finally([&] {
    tally.expect_all(0, 1);
    expect(queue.get_waiters() == 0, "somebody did not leave");
  });
}

void getter_leaves_on_stop(Execution& run) {
  auto& queue = run.make<ModelQueue>(sleepy(1));
  auto& tally = run.make<Tally>();
  auto& stop = run.make<std::stop_source>();
  run.thread("stopped", [&] {
    auto item = queue.get({}, stop.get_token());
    if (!item) {
      expect(item.status() == GetStatus::stopped, "the get ended for no reason");
      return;
    }
    tally.arrived(item->value());
    queue.close();
  });
  run.thread("patient", [&] {
    if (auto item = queue.get()) tally.arrived(item->value());
  });
  run.thread("producer", [&] {
    put_one(queue, 0);
    stop.request_stop();
  });
  run.finally([&] { tally.expect_all(0, 1); });
}

TEST_CASE("model: a sleeper that announced itself is woken or sees the change", "[model][sync]") {
  must_hold("a sleeper and a waker", sleeper_and_waker,
            {.preemptions = 4, .weak_steps = 3, .searched = 150'000});
}

TEST_CASE("model: two changes reach two sleepers through one wake in flight", "[model][sync]") {
  must_hold("two sleepers, one waker", [](Execution& run) {
    auto& permits = run.make<Permits>();
    run.thread("sleeper 0", [&] { permits.take(); });
    run.thread("sleeper 1", [&] { permits.take(); });
    run.thread("waker", [&] {
      permits.give();
      permits.give();
    });
    run.finally([&] {
      expect(permits.left.load(std::memory_order_relaxed) == 0, "a permit is left over");
      expect(!permits.point.has_waiters(), "somebody did not leave");
    });
  });
}

TEST_CASE("model: two wakers and two sleepers all end", "[model][sync]") {
  must_hold("two sleepers, two wakers", [](Execution& run) {
    auto& permits = run.make<Permits>();
    for (const char* name : {"sleeper 0", "sleeper 1"}) {
      run.thread(name, [&] { permits.take(); });
    }
    for (const char* name : {"waker 0", "waker 1"}) {
      run.thread(name, [&] { permits.give(); });
    }
  });
}

TEST_CASE("model: a getter that leaves at its deadline passes its wake on", "[model][sync]") {
  must_hold("a deadline", getter_leaves_at_its_deadline);
}

TEST_CASE("model: a getter that leaves on a stop passes its wake on", "[model][sync]") {
  must_hold("a stop", getter_leaves_on_stop);
}

TEST_CASE("model: a putter that leaves at its deadline passes its wake on", "[model][sync]") {
  must_hold("a putter's deadline",
            [](Execution& run) {
              auto& queue = run.make<ModelQueue>(sleepy(1));
              auto& tally = run.make<Tally>();
              auto& refused = run.make<bool>(false);
              put_one(queue, 200);
              run.thread("impatient", [&] {
                Item item(0);
                refused = queue.put(std::move(item), some_time()) == PutStatus::full;
                expect(item.moved_from() != refused,
                       "a refused item was taken, or an accepted one was not");
              });
              run.thread("patient", [&] { put_one(queue, 100); });
              run.thread("consumer", [&] {
                for (int i = 0; i < 2; ++i) tally.arrived(queue.get()->value());
              });
              run.finally([&] {
                while (auto item = queue.try_get()) tally.arrived(item->value());
                tally.expect_all(0, refused ? 0 : 1);
                tally.expect_all(1, 1);
                tally.expect_all(2, 1);
              });
            },
            {.preemptions = 1});
}

TEST_CASE("model: a stage that waits for a half empty queue is woken in time", "[model][sync]") {
  must_hold("a stage and a consumer",
            [](Execution& run) {
              ModelQueue& queue = half_refilled(run, 3);
              auto& tally = run.make<Tally>();
              for (int i = 0; i < 3; ++i) put_one(queue, i);
              run.thread("stage", [&] {
                for (int i = 3; i < 5; ++i) put_as_a_stage(queue, i);
              });
              // It waits for what the stage will put after just as many takes as must wake it.
              run.thread("consumer", [&] {
                for (int i = 0; i < 5; ++i) tally.arrived(queue.get()->value());
              });
              run.finally([&] {
                tally.expect_all(0, 5);
                expect(queue.put_waiters() == 0, "somebody did not leave");
              });
            },
            {.preemptions = 2});
}

TEST_CASE("model: the takes that leave a queue half empty wake the stage that waits for that",
          "[model][sync]") {
  must_hold("takes up to the half",
            [](Execution& run) {
              ModelQueue& queue = half_refilled(run, 4);
              auto& tally = run.make<Tally>();
              for (int i = 0; i < 4; ++i) put_one(queue, i);
              run.thread("stage", [&] { put_as_a_stage(queue, 4); });
              for (const char* name : {"consumer 0", "consumer 1"}) {
                run.thread(name, [&] { static_cast<void>(queue.get()); });
              }
              run.finally([&] {
                while (auto item = queue.try_get()) tally.arrived(item->value());
                expect(queue.put_count() == 5, "the stage was not woken");
              });
            },
            {.preemptions = 2});
}

TEST_CASE("model: a stage that waits for any room is not kept from it by one that waits for half",
          "[model][sync]") {
  must_hold("a patient and an impatient stage",
            [](Execution& run) {
              ModelQueue& queue = half_refilled(run, 5);
              auto& tally = run.make<Tally>();
              for (int i = 200; i < 205; ++i) put_one(queue, i);
              run.thread("patient", [&] { put_as_a_stage(queue, 0); });
              run.thread("impatient", [&] {
                Item item(100);
                while (queue.try_put(std::move(item)) == PutStatus::full) {
                  expect(queue.wait_for_room(), "a wait without an end ended");
                }
              });
              // Room for both, and never for half the queue.
              run.thread("consumer", [&] {
                for (int i = 0; i < 2; ++i) tally.arrived(queue.get()->value());
              });
              run.finally([&] {
                while (auto item = queue.try_get()) tally.arrived(item->value());
                tally.expect_all(0, 1);
                tally.expect_all(1, 1);
                tally.expect_all(2, 5);
              });
            },
            {.preemptions = 1});
}

TEST_CASE("model: two stages that wait for a half empty queue both go on", "[model][sync]") {
  must_hold("two stages and a consumer",
            [](Execution& run) {
              ModelQueue& queue = half_refilled(run, 2);
              auto& tally = run.make<Tally>();
              for (int i = 200; i < 202; ++i) put_one(queue, i);
              run.thread("stage 0", [&] { put_as_a_stage(queue, 0); });
              run.thread("stage 1", [&] { put_as_a_stage(queue, 100); });
              run.thread("consumer", [&] {
                for (int i = 0; i < 4; ++i) tally.arrived(queue.get()->value());
              });
              run.finally([&] {
                tally.expect_all(0, 1);
                tally.expect_all(1, 1);
                tally.expect_all(2, 2);
              });
            },
            {.preemptions = 1});
}

TEST_CASE("model: whoever only waits for items does not keep them from a getter", "[model][sync]") {
  must_hold("an observer and a getter", [](Execution& run) {
    auto& queue = run.make<ModelQueue>(sleepy(2));
    auto& tally = run.make<Tally>();
    auto& other = run.make<Tally>();
    run.thread("observer", [&] {
      // Owes the queue a try after each wait.
      for (;;) {
        expect(queue.wait_for_items(), "a wait without an end ended");
        auto item = queue.try_get();
        if (item) tally.arrived(item->value());
        if (item || item.status() == GetStatus::closed) return;
      }
    });
    run.thread("getter", [&] {
      if (auto item = queue.get()) other.arrived(item->value());
    });
    run.thread("producer", [&] {
      put_one(queue, 0);
      put_one(queue, 1);
    });
    run.finally([&] {
      tally.add(other);
      tally.expect_all(0, 2);
    });
  });
}

TEST_CASE("model: one who watches two queues by a bell misses no put to either", "[model][sync]") {
  must_hold("a bell", [](Execution& run) {
    auto& bell = run.make<ModelPoint>();
    auto& left = run.make<ModelQueue>(sleepy(1));
    auto& right = run.make<ModelQueue>(sleepy(1));
    auto& tally = run.make<Tally>();
    left.set_bells(&bell, nullptr);
    right.set_bells(&bell, nullptr);
    run.thread("watcher", [&] {
      while (tally.count() < 2) {
        for (ModelQueue* queue : {&left, &right}) {
          if (auto item = queue->try_get()) tally.arrived(item->value());
        }
        if (tally.count() == 2) return;
        const auto ticket = bell.announce();
        if (!left.may_have_items() && !right.may_have_items()) bell.park(ticket, Deadline::never());
        static_cast<void>(bell.leave());
        ModelSync::pause();  // perhaps only a put in progress
      }
    });
    run.thread("producer 0", [&] { put_one(left, 0); });
    run.thread("producer 1", [&] { put_one(right, 100); });
    run.finally([&] {
      tally.expect_all(0, 1);
      tally.expect_all(1, 1);
    });
  });
}

}  // namespace sluice::model
