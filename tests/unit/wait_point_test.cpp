// unit/wait_point_test.cpp: announcing, sleeping, waking, one wake in flight.
// SPDX-License-Identifier: MIT
#include <sluice/sync/waiter.hpp>

#include <support/scale.hpp>
#include <support/watchdog.hpp>

#include <catch2/catch.hpp>

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

using namespace sluice;
using detail::Probe;
using detail::WaitEnd;
using detail::Waiter;
using detail::WaitPoint;
using testing_support::scaled;
using testing_support::wait_until;
using namespace std::chrono_literals;

TEST_CASE("WaitPoint: a wake between announce and park is not slept through", "[sync]") {
  WaitPoint point;
  const auto ticket = point.announce();
  CHECK(point.needs_wake());
  point.wake_one();
  CHECK(point.park(ticket, Deadline::never()));  // returns, although nobody will wake again
  CHECK_FALSE(point.leave());
  CHECK(point.waiters() == 0);
}

TEST_CASE("WaitPoint: park ends at the deadline, not before it", "[sync]") {
  WaitPoint point;
  const auto ticket = point.announce();
  const auto start = Clock::now();
  CHECK_FALSE(point.park(ticket, 5ms));
  CHECK(Clock::now() - start >= 5ms);
  CHECK_FALSE(point.leave());
}

TEST_CASE("WaitPoint: a wake is only needed when somebody waits and none is in flight", "[sync]") {
  WaitPoint point;
  CHECK_FALSE(point.needs_wake());
  point.wake_one();  // not remembered
  const auto first = point.announce();
  const auto second = point.announce();
  CHECK(point.waiters() == 2);
  point.wake_one();
  CHECK_FALSE(point.needs_wake());  // one is in flight
  CHECK(point.park(first, Deadline::never()));
  CHECK(point.leave());  // there is another one
  CHECK(point.needs_wake());
  CHECK(point.park(second, Deadline::never()));  // its ticket is older than the wake
  CHECK_FALSE(point.leave());
}

TEST_CASE("WaitPoint: rearming asks for a wake anew", "[sync]") {
  WaitPoint point;
  const auto old = point.announce();
  point.wake_one();
  CHECK(point.park(old, Deadline::never()));
  const auto fresh = point.rearm();
  CHECK(point.needs_wake());
  CHECK_FALSE(point.park(fresh, 1ms));
  point.wake_one();
  CHECK(point.park(fresh, Deadline::never()));
  CHECK_FALSE(point.leave());
}

TEST_CASE("WaitPoint: wake_all ends every sleep, also while a wake is in flight", "[sync]") {
  WaitPoint point;
  const auto ticket = point.announce();
  point.wake_one();
  CHECK(point.park(ticket, Deadline::never()));
  // `pending` is still set: nobody has left yet.
  std::atomic<int> awake{0};
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 3; ++i) {
    sleepers.emplace_back([&] {
      const auto mine = point.announce();
      point.park(mine, Deadline::never());
      ++awake;
      static_cast<void>(point.leave());
    });
  }
  wait_until([&] { return point.waiters() == 4; });
  point.wake_all();
  for (auto& sleeper : sleepers) sleeper.join();
  CHECK(awake == 3);
  static_cast<void>(point.leave());
  CHECK(point.waiters() == 0);
}

TEST_CASE("WaitPoint: signals end neither a sleep nor a deadline", "[sync]") {
  struct sigaction ignore = {};
  struct sigaction before = {};
  ignore.sa_handler = [](int) {};
  REQUIRE(sigaction(SIGUSR1, &ignore, &before) == 0);
  WaitPoint point;
  std::atomic<bool> in_time{true};
  std::atomic<bool> returned{false};
  std::thread sleeper([&] {
    const auto ticket = point.announce();
    in_time = point.park(ticket, 50ms);
    static_cast<void>(point.leave());
    returned = true;
  });
  wait_until([&] { return point.waiters() == 1; });
  while (!returned) {
    pthread_kill(sleeper.native_handle(), SIGUSR1);
    std::this_thread::sleep_for(1ms);
  }
  sleeper.join();
  CHECK_FALSE(in_time);  // it ended by its deadline
  REQUIRE(sigaction(SIGUSR1, &before, nullptr) == 0);
}

TEST_CASE("WaitPoint: a ball thrown back and forth is never lost", "[sync]") {
  // Two threads that wake each other for every step: a single lost wake-up hangs.
  const int steps = scaled(30'000);
  std::atomic<int> turn{0};
  WaitPoint points[2];
  const auto play = [&](int me) {
    const auto mine = static_cast<std::size_t>(me);
    for (int step = me; step < steps; step += 2) {
      while (turn.load(std::memory_order_seq_cst) != step) {
        const auto ticket = points[mine].announce();
        if (turn.load(std::memory_order_seq_cst) != step) {
          points[mine].park(ticket, Deadline::never());
        }
        static_cast<void>(points[mine].leave());
      }
      turn.fetch_add(1, std::memory_order_seq_cst);
      points[1 - mine].wake_one();
    }
  };
  std::thread other([&] { play(1); });
  play(0);
  other.join();
  CHECK(turn == steps);
}

namespace {

/// Something to wait for: tickets that can be taken one by one.
struct Tickets {
  std::atomic<int> left{0};
  WaitPoint point;

  [[nodiscard]] Probe probe() const {
    return {.may_proceed =
                [](const void* self, std::size_t, std::size_t) noexcept {
                  return static_cast<const Tickets*>(self)->left.load(std::memory_order_seq_cst) >
                         0;
                },
            .object = this};
  }
  bool take() {
    int seen = left.load(std::memory_order_relaxed);
    while (seen > 0) {
      if (left.compare_exchange_weak(seen, seen - 1, std::memory_order_seq_cst,
                                     std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void add() {
    left.fetch_add(1, std::memory_order_seq_cst);
    point.wake_one();
  }
};

}  // namespace

TEST_CASE("Waiter: one wake at a time reaches everybody, because leavers pass it on", "[sync]") {
  constexpr int kSleepers = 5;
  Tickets tickets;
  std::atomic<int> served{0};
  std::vector<std::thread> sleepers;
  for (int i = 0; i < kSleepers; ++i) {
    sleepers.emplace_back([&] {
      Waiter waiter(tickets.point, tickets.probe(), Deadline::never(), {}, 0);
      while (waiter.wait() == WaitEnd::ready && !tickets.take()) {
      }
      ++served;
    });
  }
  wait_until([&] { return tickets.point.waiters() == kSleepers; });
  for (int i = 0; i < kSleepers; ++i) tickets.left.fetch_add(1, std::memory_order_seq_cst);
  tickets.point.wake_one();  // a single one
  for (auto& sleeper : sleepers) sleeper.join();
  CHECK(served == kSleepers);
  CHECK(tickets.point.waiters() == 0);
}

TEST_CASE("Waiter: a sleeper that leaves by stop or deadline passes a wake on", "[sync]") {
  const int rounds = scaled(500);
  for (int round = 0; round < rounds; ++round) {
    Tickets tickets;
    std::stop_source stop;
    std::thread leaver([&] {
      const Deadline deadline = round % 2 == 0 ? Deadline::after(50us) : Deadline::never();
      Waiter waiter(tickets.point, tickets.probe(), deadline, stop.get_token(), 0);
      static_cast<void>(waiter.wait());  // takes nothing, whatever woke it
    });
    std::thread taker([&] {
      Waiter waiter(tickets.point, tickets.probe(), Deadline::never(), {}, 0);
      while (waiter.wait() == WaitEnd::ready && !tickets.take()) {
      }
    });
    std::thread stopper([&] { stop.request_stop(); });
    tickets.add();
    leaver.join();
    taker.join();  // hangs when the wake was lost
    stopper.join();
    REQUIRE(tickets.left == 0);
  }
}

TEST_CASE("Waiter: spinning finds what comes without announcing", "[sync]") {
  Tickets tickets;
  tickets.add();
  Waiter waiter(tickets.point, tickets.probe(), Deadline::never(), {}, 1'000'000);
  CHECK(waiter.wait() == WaitEnd::ready);
  CHECK(tickets.point.waiters() == 0);
}
