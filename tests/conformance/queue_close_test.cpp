// conformance/queue_close_test.cpp: close and cancel (Q11 to Q17).
// SPDX-License-Identifier: MIT
#include <conformance/queue_conformance.hpp>

#include <support/counted.hpp>

using namespace sluice;
using namespace sluice::conformance;
using testing_support::Counted;

namespace {

/// Both ways to end a queue, under the reference's name.
constexpr bool kImmediate = true;

template <class Q>
void check_refuses(Q& queue) {
  CHECK(queue.put(9) == PutStatus::closed);
  CHECK(queue.try_put(9) == PutStatus::closed);
  CHECK(queue.put(9, 1h) == PutStatus::closed);
  int item = 9;
  CHECK(queue.put_many(std::span<int>(&item, 1)).status == PutStatus::closed);
}

template <class Q>
void check_drained(Q& queue) {
  CHECK(queue.get().status() == GetStatus::closed);
  CHECK(queue.try_get().status() == GetStatus::closed);
  CHECK(queue.get(1h).status() == GetStatus::closed);
  std::vector<int> buffer;
  const GetManyResult many = queue.get_many(buffer, 5);
  CHECK(many.status == GetStatus::closed);
  CHECK(many.count == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("Queue: after shutdown of an empty queue put and get say closed (Q11)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(2);
  queue.shutdown(GENERATE(false, kImmediate));
  check_refuses(queue);
  check_drained(queue);
  CHECK(queue.put_count() == 0);
}

TEMPLATE_TEST_CASE("Queue: after close gets drain what is left and then say closed (Q11)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  const std::vector<int> put = {2, 3, 1};
  for (const int item : put) REQUIRE(queue.put(item) == PutStatus::ok);
  queue.close();
  check_refuses(queue);
  CHECK(queue.size() == 3);
  std::vector<int> got;
  while (auto item = queue.get()) got.push_back(*item);
  CHECK(got == TestType::order(put));
  check_drained(queue);
}

TEMPLATE_TEST_CASE("Queue: cancel drops the contents and counts each item as done (Q12)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  for (int i = 0; i < 3; ++i) REQUIRE(queue.put(i) == PutStatus::ok);
  CHECK(queue.cancel() == 3);
  CHECK(queue.size() == 0);
  CHECK(queue.unfinished() == 0);
  CHECK(queue.dropped_count() == 3);
  CHECK(queue.got_count() == 0);
  CHECK(queue.done_count() == 0);
  CHECK(queue.join());
  CHECK_THROWS_AS(queue.task_done(), UsageError);
  check_refuses(queue);
  check_drained(queue);
  CHECK(balances(queue));
}

TEMPLATE_TEST_CASE("Queue: after cancel a taken item is still settled once (Q12)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  for (int i = 0; i < 3; ++i) REQUIRE(queue.put(i) == PutStatus::ok);
  REQUIRE(queue.get());
  CHECK(queue.cancel() == 2);
  CHECK_THROWS_AS(queue.task_done(2), UsageError);
  queue.task_done();
  CHECK_THROWS_AS(queue.task_done(), UsageError);
  CHECK(queue.join(Deadline::now()));
  CHECK(balances(queue));
}

TEMPLATE_TEST_CASE("Queue: closing is final, repeated calls change nothing (Q13)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  REQUIRE(queue.put(1) == PutStatus::ok);
  CHECK_FALSE(queue.is_closed());
  queue.close();
  queue.shutdown();
  queue.close();
  CHECK(queue.is_closed());
  CHECK_FALSE(queue.is_cancelled());
  CHECK(queue.size() == 1);
  queue.shutdown(kImmediate);
  CHECK(queue.is_closed());
  CHECK(queue.is_cancelled());
  CHECK(queue.size() == 0);
  CHECK(queue.cancel() == 0);
  queue.close();
  queue.set_capacity(100);
  CHECK(queue.is_closed());
  CHECK(queue.is_cancelled());
  CHECK(queue.dropped_count() == 1);
  check_refuses(queue);
  check_drained(queue);
}

TEMPLATE_TEST_CASE("Queue: after close a full queue refuses puts as closed, not as full (Q14)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(2);
  REQUIRE(queue.put(1) == PutStatus::ok);
  REQUIRE(queue.put(2) == PutStatus::ok);
  queue.close();
  CHECK(queue.full());
  check_refuses(queue);
  REQUIRE(queue.get());
  queue.task_done();
  REQUIRE(queue.get());
  queue.task_done();
  CHECK(queue.join());
  check_drained(queue);
}

TEMPLATE_TEST_CASE("Queue: shutdown releases blocked putters with closed (Q15)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const bool immediate = GENERATE(false, kImmediate);
  typename TestType::template Queue<int> queue(1);
  REQUIRE(queue.put(1) == PutStatus::ok);
  Call<PutStatus> one([&] { return queue.put(2); });
  Call<PutStatus> other([&] { return queue.put(3, 1h); });
  Call<PutManyResult> many([&] {
    std::vector<int> items(5, 4);
    return queue.put_many(items);
  });
  wait_for_putters(queue, 3);
  queue.shutdown(immediate);
  CHECK(one.result() == PutStatus::closed);
  CHECK(other.result() == PutStatus::closed);
  CHECK(many.result().status == PutStatus::closed);
  CHECK(many.result().accepted == 0);
  CHECK(queue.size() == (immediate ? 0 : 1));
  CHECK(queue.put_count() == 1);
}

TEMPLATE_TEST_CASE("Queue: shutdown releases a blocked getter with closed (Q15)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(1);
  Call<GetStatus> one([&] { return queue.get().status(); });
  Call<GetStatus> other([&] { return queue.get(1h).status(); });
  Call<GetStatus> many([&] {
    std::vector<int> buffer;
    return queue.get_many(buffer, 3).status;
  });
  wait_for_getters(queue, 3);
  queue.shutdown(GENERATE(false, kImmediate));
  CHECK(one.result() == GetStatus::closed);
  CHECK(other.result() == GetStatus::closed);
  CHECK(many.result() == GetStatus::closed);
}

TEMPLATE_TEST_CASE("Queue: of three getters on two items exactly two succeed after close (Q15)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  const auto take = [&] { return queue.get().status(); };
  Call<GetStatus> one(take);
  Call<GetStatus> two(take);
  Call<GetStatus> three(take);
  wait_for_getters(queue, 3);
  REQUIRE(queue.put(1) == PutStatus::ok);
  REQUIRE(queue.put(2) == PutStatus::ok);
  queue.close();
  int succeeded = 0;
  int closed = 0;
  for (auto* call : {&one, &two, &three}) {
    succeeded += call->result() == GetStatus::ok;
    closed += call->result() == GetStatus::closed;
  }
  CHECK(succeeded == 2);
  CHECK(closed == 1);
}

TEMPLATE_TEST_CASE("Queue: getters on two items all find it closed after cancel (Q15)",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  REQUIRE(queue.put(1) == PutStatus::ok);
  REQUIRE(queue.put(2) == PutStatus::ok);
  queue.cancel();
  Call<GetStatus> one([&] { return queue.get().status(); });
  Call<GetStatus> other([&] { return queue.get().status(); });
  CHECK(one.result() == GetStatus::closed);
  CHECK(other.result() == GetStatus::closed);
}

TEMPLATE_TEST_CASE("Queue: cancel releases every kind of blocked party", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  // Putters and getters can't block at once, so two queues.
  typename TestType::template Queue<int> full(1);
  REQUIRE(full.put(1) == PutStatus::ok);
  Call<PutStatus> put([&] { return full.put(2); });
  Call<bool> join([&] { return full.join(); });
  wait_for_putters(full, 1);
  wait_for_joiners(full, 1);
  CHECK(full.cancel() == 1);
  CHECK(put.result() == PutStatus::closed);
  CHECK(join.result());

  typename TestType::template Queue<int> empty(1);
  REQUIRE(empty.put(1) == PutStatus::ok);
  REQUIRE(empty.get());
  Call<GetStatus> get([&] { return empty.get().status(); });
  Call<bool> other_join([&] { return empty.join(); });
  wait_for_getters(empty, 1);
  wait_for_joiners(empty, 1);
  CHECK(empty.cancel() == 0);
  CHECK(get.result() == GetStatus::closed);
  empty.task_done();
  CHECK(other_join.result());
}

TEMPLATE_TEST_CASE("Queue: cancel and the destructor destroy what is queued, once each",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const auto before = Counted::live();
  {
    typename TestType::template Queue<Counted> cancelled(8);
    typename TestType::template Queue<Counted> destroyed(8);
    for (std::uint64_t i = 0; i < 12; ++i) {
      if (i >= 8) {  // so that the contents lie around the end of the storage
        REQUIRE(cancelled.try_get());
        REQUIRE(destroyed.try_get());
      }
      REQUIRE(cancelled.put(Counted(i)) == PutStatus::ok);
      REQUIRE(destroyed.put(Counted(i)) == PutStatus::ok);
    }
    CHECK(Counted::live() == before + 16);
    CHECK(cancelled.cancel() == 8);
    CHECK(Counted::live() == before + 8);
  }
  CHECK(Counted::live() == before);
}

TEMPLATE_TEST_CASE("Queue: no put is accepted after close has returned", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  // Puts race one close. What was accepted before must all come out, nothing may come after. The
  // queue is unbounded, so that the putters are really putting when it is closed.
  const int rounds = scaled(500);
  constexpr std::uint64_t kTooMany = 2'000'000;  // a close that is lost must not eat all memory
  for (int round = 0; round < rounds; ++round) {
    typename TestType::template Queue<int> queue(unbounded);
    std::atomic<int> ready{0};
    std::atomic<std::uint64_t> accepted{0};
    const auto put_until_closed = [&] {
      ready.fetch_add(1);
      std::uint64_t count = 0;
      while (count < kTooMany && queue.try_put(1) == PutStatus::ok) ++count;
      accepted.fetch_add(count);
    };
    std::thread one(put_until_closed);
    std::thread other(put_until_closed);
    while (ready.load() < 2 || queue.put_count() == 0) std::this_thread::yield();
    queue.close();
    const std::uint64_t at_close = queue.put_count();
    const bool closed = queue.is_closed();
    one.join();
    other.join();
    REQUIRE(closed);
    REQUIRE(queue.is_closed());
    REQUIRE(queue.put_count() == at_close);
    REQUIRE(accepted.load() == at_close);
    std::vector<int> rest;
    if (at_close > 0) REQUIRE(queue.get_many(rest, 2 * kTooMany).status == GetStatus::ok);
    REQUIRE(rest.size() == at_close);
    REQUIRE(queue.try_get().status() == GetStatus::closed);
  }
}

TEMPLATE_TEST_CASE("Queue: every item of puts that race a cancel is taken or dropped",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  const int rounds = scaled(500);
  for (int round = 0; round < rounds; ++round) {
    typename TestType::template Queue<int> queue(3);
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> taken{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        while (queue.put(1) == PutStatus::ok) accepted.fetch_add(1);
      });
      threads.emplace_back([&] {
        while (queue.get()) {
          taken.fetch_add(1);
          queue.task_done();
        }
      });
    }
    const auto enough = static_cast<std::uint64_t>(round % 20);
    while (accepted.load() < enough) std::this_thread::yield();
    const std::size_t dropped = queue.cancel();
    for (auto& thread : threads) thread.join();
    REQUIRE(accepted.load() == taken.load() + dropped);
    REQUIRE(queue.put_count() == accepted.load());
    REQUIRE(queue.got_count() == taken.load());
    REQUIRE(queue.dropped_count() == dropped);
    REQUIRE(queue.join(Deadline::now()));
    REQUIRE(balances(queue));
  }
}

TEMPLATE_TEST_CASE("Queue: in a storm every reader and writer ends by shutdown (Q17)",
                   "[queue][conformance][stress]", SLUICE_QUEUE_FLAVOURS) {
  constexpr int kWriters = 4;
  constexpr int kReaders = 6;
  const int each = scaled(16'384);
  const bool immediate = GENERATE(false, kImmediate);
  typename TestType::template Queue<int> queue(GENERATE(as<std::size_t>{}, 2, unbounded));
  const StateDump dump("queue", [&] { return state_of(queue); });
  std::atomic<int> written{0};
  std::atomic<int> read{0};
  std::atomic<int> readers_ended_by_close{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < each; ++k) {
        if (queue.put(k) != PutStatus::ok) return;
        written.fetch_add(1);
      }
    });
  }
  for (int i = 0; i < kReaders; ++i) {
    threads.emplace_back([&] {
      for (;;) {
        const auto item = queue.try_get();
        if (item) {
          read.fetch_add(1);
          queue.task_done();
        } else if (item.status() == GetStatus::closed) {
          readers_ended_by_close.fetch_add(1);
          return;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  std::atomic<int> joined{0};
  for (int i = 0; immediate && i < 2; ++i) {
    threads.emplace_back([&] { joined.fetch_add(queue.join()); });
  }
  while (written.load() < kWriters * each / 2) std::this_thread::yield();
  queue.shutdown(immediate);
  for (auto& thread : threads) thread.join();
  CHECK(readers_ended_by_close == kReaders);
  CHECK(written >= kWriters * each / 2);
  CHECK(static_cast<std::uint64_t>(written) == queue.put_count());
  CHECK(static_cast<std::uint64_t>(read) + queue.dropped_count() == queue.put_count());
  CHECK((immediate || read == written));
  CHECK(joined == (immediate ? 2 : 0));
  CHECK(queue.join(Deadline::now()));
  CHECK(balances(queue));
}
