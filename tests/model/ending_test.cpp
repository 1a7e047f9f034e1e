// model/ending_test.cpp: close, cancel and the account of unfinished items on the simulated machine.
// SPDX-License-Identifier: MIT
#include <model/scenarios.hpp>

#include <catch2/catch.hpp>

#include <cstdint>

namespace sluice::model {
namespace {

// Gets until the end; returns how many came.
unsigned drain(ModelQueue& queue, Tally& tally) {
  unsigned count = 0;
  for (;;) {
    auto item = queue.get();
    if (!item) {
      expect(item.status() == GetStatus::closed, "a get without an end ended");
      return count;
    }
    tally.arrived(item->value());
    ++count;
  }
}

}  // namespace

void close_against_put_and_get(Execution& run) {
  auto& queue = run.make<ModelQueue>(sleepy(1));
  auto& tally = run.make<Tally>();
  auto& accepted = run.make<unsigned>(0U);
  run.thread("producer", [&] {
    for (int i = 0; i < 2; ++i) {
      const bool closed = queue.is_closed();
      Item item(i);
      const PutStatus status = queue.put(std::move(item));
      if (status == PutStatus::closed) {
        expect(!item.moved_from(), "a refused item was taken");
        return;
      }
      expect(status == PutStatus::ok && !closed, "an item is put after the close was seen");
      ++accepted;
    }
  });
  run.thread("consumer", [&] { drain(queue, tally); });
  run.thread("closer", [&] {
    queue.close();
    Item late(200);
    expect(queue.try_put(std::move(late)) == PutStatus::closed, "an item is put after the close");
  });
  run.finally([&] {
    tally.expect_all(0, accepted);
    expect(queue.drained() && queue.is_closed(), "the end is not seen as one");
  });
}

void cancel_against_all(Execution& run) {
  auto& queue = run.make<ModelQueue>(sleepy(1));
  auto& accepted = run.make<unsigned>(0U);
  auto& got = run.make<unsigned>(0U);
  auto& dropped = run.make<std::size_t>(std::size_t{0});
  auto& cancelling = run.make<bool>(false);
  run.thread("producer", [&] {
    for (int i = 0; i < 2; ++i) {
      if (queue.put(Item(i)) == PutStatus::ok) ++accepted;
    }
    expect(queue.join(), "a join without an end ended");
    expect(cancelling || accepted == got, "the join ended before all was done");
  });
  run.thread("consumer", [&] {
    while (auto item = queue.get()) {
      (void)item->value();
      ++got;
      queue.task_done();
    }
  });
  run.thread("canceller", [&] {
    cancelling = true;
    dropped = queue.cancel();
  });
  run.finally([&] {
    expect(accepted == got + dropped, "put is not got and dropped");
    expect(queue.put_count() == accepted && queue.got_count() == got && queue.done_count() == got &&
               queue.dropped_count() == dropped,
           "the account does not balance");
    expect(queue.unfinished() == 0, "something is unfinished");
    expect(run.shadow().alive() == 0, "an item is left over");
  });
}

// The join ends when both are done, and then their work is visible.
void settlers_and_joiner(Execution& run) {
  auto& queue = run.make<ModelQueue>(sleepy(2));
  auto& work = run.make<Plain<int>>(0);
  auto& other = run.make<Plain<int>>(0);
  run.thread("joiner", [&] {
    expect(queue.put(Item(0)) == PutStatus::ok && queue.put(Item(1)) == PutStatus::ok,
           "an open queue refuses a put");
    expect(queue.join(), "a join without an end ended");
    expect(work + other == 2, "the join ended before all was done");
  });
  for (auto* result : {&work, &other}) {
    run.thread("worker", [&queue, result] {
      auto item = queue.get();
      *result = *result + 1;
      queue.task_done();
    });
  }
  run.finally([&] { expect(queue.unfinished() == 0, "something is unfinished"); });
}

TEST_CASE("model: no put slips past a close, and what was put before comes out", "[model][queue]") {
  must_hold("close against put and get", close_against_put_and_get);
}

TEST_CASE("model: close releases every getter that waits", "[model][queue]") {
  must_hold("close against two getters", [](Execution& run) {
    auto& queue = run.make<ModelQueue>(sleepy(1));
    auto& left = run.make<Tally>();
    auto& right = run.make<Tally>();
    run.thread("getter 0", [&] { drain(queue, left); });
    run.thread("getter 1", [&] { drain(queue, right); });
    run.thread("producer", [&] {
      expect(queue.put(Item(0)) == PutStatus::ok, "an open queue refuses a put");
      queue.close();
    });
    run.finally([&] {
      left.add(right);
      left.expect_all(0, 1);
    });
  });
}

TEST_CASE("model: close releases every putter that waits", "[model][queue]") {
  must_hold("close against two putters", [](Execution& run) {
    auto& queue = run.make<ModelQueue>(sleepy(1));
    expect(queue.put(Item(0)) == PutStatus::ok, "an open queue refuses a put");
    for (const int value : {100, 200}) {
      run.thread("putter", [&queue, value] {
        expect(queue.put(Item(value)) == PutStatus::closed, "a full queue takes an item");
      });
    }
    run.thread("closer", [&] { queue.close(); });
    run.finally([&] { expect(queue.size() == 1, "what was queued is gone"); });
  });
}

TEST_CASE("model: cancel drops what is queued, settles it and releases everybody",
          "[model][queue]") {
  must_hold("cancel against all", cancel_against_all);
}

TEST_CASE("model: two cancels and a close settle every item once", "[model][queue]") {
  must_hold("two cancels", [](Execution& run) {
    auto& queue = run.make<ModelQueue>(sleepy(2));
    expect(queue.put(Item(0)) == PutStatus::ok && queue.put(Item(1)) == PutStatus::ok,
           "an open queue refuses a put");
    for (const char* name : {"canceller 0", "canceller 1"}) {
      run.thread(name, [&] { queue.cancel(); });
    }
    run.thread("closer", [&] {
      queue.close();
      expect(queue.join(), "a join without an end ended");
    });
    run.finally([&] {
      expect(queue.dropped_count() == 2 && queue.unfinished() == 0, "the account does not balance");
      expect(run.shadow().alive() == 0, "an item is left over");
    });
  });
}

TEST_CASE("model: a join ends when all is done and sees the work of those who did it",
          "[model][queue]") {
  must_hold("settlers and a joiner", settlers_and_joiner);
}

TEST_CASE("model: of two settlers of one item one is refused", "[model][queue]") {
  must_hold("settling too often", [](Execution& run) {
    auto& queue = run.make<ModelQueue>(sleepy(2));
    auto& refused = run.make<Atomic<int>>(0);
    run.thread("taker", [&] {
      expect(queue.put(Item(0)) == PutStatus::ok && queue.put(Item(1)) == PutStatus::ok,
             "an open queue refuses a put");
      (void)queue.get();
    });
    for (const char* name : {"settler 0", "settler 1"}) {
      run.thread(name, [&] {
        try {
          queue.task_done();
        } catch (const UsageError&) {
          refused.fetch_add(1, std::memory_order_relaxed);
        }
      });
    }
    run.finally([&] {
      const int times = refused.load(std::memory_order_relaxed);
      expect(times >= 1, "more was settled than taken");
      expect(queue.done_count() == static_cast<std::uint64_t>(2 - times), "a wrong count");
      expect(queue.unfinished() == 2U - queue.done_count(), "the account does not balance");
    });
  });
}

TEST_CASE("model: an item in hand keeps its account while cancel drops the rest",
          "[model][queue]") {
  must_hold("cancel and an item in hand", [](Execution& run) {
    auto& queue = run.make<ModelQueue>(sleepy(2));
    expect(queue.put(Item(0)) == PutStatus::ok && queue.put(Item(1)) == PutStatus::ok,
           "an open queue refuses a put");
    run.thread("holder", [&] {
      auto item = queue.try_get();
      if (!item) return;
      bool refused = false;
      try {
        queue.task_done(2);
      } catch (const UsageError&) {
        refused = true;
      }
      expect(refused, "what cancel dropped was settled again");
      queue.task_done(1);
    });
    run.thread("canceller", [&] { queue.cancel(); });
    run.thread("joiner", [&] { expect(queue.join(), "a join without an end ended"); });
    run.finally([&] {
      expect(queue.put_count() == queue.got_count() + queue.dropped_count() &&
                 queue.got_count() == queue.done_count(),
             "the account does not balance");
    });
  });
}

}  // namespace sluice::model
