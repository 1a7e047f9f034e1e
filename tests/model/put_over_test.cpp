// model/put_over_test.cpp: puts that make room by dropping the oldest item, on the simulated machine: against
// gets, puts that wait, cancel, growth and each other.
// SPDX-License-Identifier: MIT
#include <model/scenarios.hpp>

#include <catch2/catch.hpp>

namespace sluice::model {
namespace {

/// What one thread has counted of its own calls.
struct Counts {
  unsigned put = 0;
  unsigned dropped = 0;
  unsigned got = 0;
};

void put_over(ModelQueue& queue, Counts& counts, int first, int count) {
  for (int i = 0; i < count; ++i) {
    const auto over = queue.put_over(Item(first + i));
    if (over.status != PutStatus::ok) {
      expect(!over.dropped, "a refused put has dropped an item");
      return;
    }
    ++counts.put;
    counts.dropped += over.dropped ? 1 : 0;
  }
}

void get(ModelQueue& queue, Counts& counts) {
  auto item = queue.get();
  if (!item) return;
  (void)item->value();
  ++counts.got;
  queue.task_done();
}

void check(const ModelQueue& queue, const Counts& sum, std::size_t cancelled = 0) {
  expect(queue.put_count() == sum.put, "a put is lost or counted twice");
  expect(queue.got_count() == sum.got && queue.done_count() == sum.got, "a get is miscounted");
  expect(queue.dropped_count() == sum.dropped + cancelled, "a dropped item is miscounted");
  expect(queue.size() == sum.put - sum.got - sum.dropped - cancelled,
         "put is not got + dropped + queued");
  expect(queue.unfinished() == queue.size(), "what is queued is unfinished, and nothing else");
}

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

TEST_CASE("model: two producers make room in one slot, and a getter that sleeps gets an item",
          "[model][queue]") {
  must_hold("two that make room", [](Execution& run) {
    auto& queue = run.make<ModelQueue>(sleepy(1));
    auto& left = run.make<Counts>();
    auto& right = run.make<Counts>();
    auto& getter = run.make<Counts>();
    run.thread("producer 0", [&] { put_over(queue, left, 0, 2); });
    run.thread("producer 1", [&] { put_over(queue, right, 100, 1); });
    run.thread("consumer", [&] { get(queue, getter); });
    run.finally([&] {
      expect(getter.got == 1, "the getter got nothing");
      check(queue, {.put = left.put + right.put,
                    .dropped = left.dropped + right.dropped,
                    .got = getter.got});
      expect(left.put == 2 && right.put == 1, "an open queue refuses a put");
      expect(queue.high_water() == 1, "the bound was exceeded");
    });
  });
}

TEST_CASE("model: a put that waits for room gets it beside one that makes room", "[model][queue]") {
  must_hold("one that waits, one that makes room", [](Execution& run) {
    auto& queue = run.make<ModelQueue>(sleepy(1));
    auto& over = run.make<Counts>();
    auto& waiter = run.make<Counts>();
    auto& getter = run.make<Counts>();
    expect(queue.put(Item(9)) == PutStatus::ok, "an open queue refuses a put");
    run.thread("waiter", [&] { waiter.put += queue.put(Item(100)) == PutStatus::ok ? 1U : 0U; });
    // One thread makes room and takes; two, because the put that makes room may take the slot itself.
    run.thread("consumer", [&] {
      put_over(queue, over, 0, 1);
      get(queue, getter);
      get(queue, getter);
    });
    run.finally([&] {
      check(queue, {.put = 1 + over.put + waiter.put, .dropped = over.dropped, .got = getter.got});
      expect(waiter.put == 1, "the put that waited was refused");
    });
  });
}

TEST_CASE("model: cancel against puts that make room settles every item once", "[model][queue]") {
  must_hold("cancel against one that makes room", [](Execution& run) {
    auto& queue = run.make<ModelQueue>(sleepy(1));
    auto& over = run.make<Counts>();
    auto& getter = run.make<Counts>();
    auto& cancelled = run.make<std::size_t>(std::size_t{0});
    run.thread("producer", [&] { put_over(queue, over, 0, 2); });
    run.thread("consumer", [&] { get(queue, getter); });
    run.thread("canceller", [&] { cancelled = queue.cancel(); });
    run.finally([&] {
      check(queue, {.put = over.put, .dropped = over.dropped, .got = getter.got}, cancelled);
      expect(run.shadow().alive() == 0, "an item is left over");
    });
  });
}

TEST_CASE("model: a ring that may still grow grows before anything is dropped", "[model][queue]") {
  must_hold("growth before a drop", [](Execution& run) {
    auto& queue = run.make<GrowingQueue>(2);
    auto& left = run.make<Counts>();
    auto& right = run.make<Counts>();
    run.thread("producer 0", [&] { put_over(queue, left, 0, 1); });
    run.thread("producer 1", [&] { put_over(queue, right, 100, 1); });
    run.finally([&] {
      check(queue, {.put = left.put + right.put, .dropped = 0});
      expect(left.dropped + right.dropped == 0, "an item was dropped while there was room");
    });
  });
}

TEST_CASE("model: two that make room and two getters lose and double nothing", "[model][queue]") {
  must_hold("two that make room, two getters",
            [](Execution& run) {
              auto& queue = run.make<ModelQueue>(sleepy(2));
              auto& left = run.make<Counts>();
              auto& right = run.make<Counts>();
              auto& first = run.make<Counts>();
              auto& second = run.make<Counts>();
              expect(queue.put(Item(8)) == PutStatus::ok, "an open queue refuses a put");
              expect(queue.put(Item(9)) == PutStatus::ok, "an open queue refuses a put");
              run.thread("producer 0", [&] { put_over(queue, left, 0, 1); });
              run.thread("producer 1", [&] { put_over(queue, right, 100, 1); });
              run.thread("consumer 0", [&] { get(queue, first); });
              run.thread("consumer 1", [&] { get(queue, second); });
              run.finally([&] {
                check(queue, {.put = 2 + left.put + right.put,
                              .dropped = left.dropped + right.dropped,
                              .got = first.got + second.got});
              });
            },
            {.preemptions = 1});
}

}  // namespace sluice::model
