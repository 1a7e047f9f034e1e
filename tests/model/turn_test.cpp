// model/turn_test.cpp: numbers that several threads finish leave in order, each once, and none is left
// lying, on the simulated machine.
// SPDX-License-Identifier: MIT
#include <model/scenarios.hpp>

#include <sluice/sync/turn.hpp>

#include <catch2/catch.hpp>

#include <vector>

namespace sluice::model {
namespace {

using ModelTurn = detail::BasicTurn<ModelSync>;

// A source of numbers, the turn, and what was delivered; `delivered` is the turn's, as ports are.
struct Desk {
  explicit Desk(std::size_t window) : turn(window) {}

  ModelTurn turn;
  Atomic<std::uint64_t> source{0};
  typename ModelSync::template Plain<std::uint64_t> delivered{0};

  void deliver(std::uint64_t number) {
    expect(delivered == number, "out of order");
    delivered = number + 1;
  }
  // Delivers next() and what others have finished behind it.
  void drain() {
    do {
      deliver(turn.next());
      while (turn.advance()) deliver(turn.next());
    } while (turn.leave());
  }
  void work(int numbers) {
    for (int i = 0; i < numbers; ++i) {
      if (turn.admit(1) == 0) return;
      const std::uint64_t number = source.fetch_add(1, std::memory_order_relaxed);
      if (turn.try_own(number)) {
        drain();
      } else if (turn.finish(number)) {
        drain();
      }
    }
  }
};

}  // namespace

TEST_CASE("model: what two workers finish is delivered in order and none is left",
          "[model][turn]") {
  must_hold("two workers",
            [](Execution& run) {
              auto& desk = run.make<Desk>(std::size_t{4});
              run.thread("worker 0", [&] { desk.work(2); });
              run.thread("worker 1", [&] { desk.work(2); });
              run.finally([&] { expect(desk.delivered == 4, "a finished number was left"); });
            },
            {.preemptions = 3});
}

TEST_CASE("model: what three workers finish is delivered in order and none is left",
          "[model][turn]") {
  must_hold("three workers", [](Execution& run) {
    auto& desk = run.make<Desk>(std::size_t{4});
    for (const char* name : {"worker 0", "worker 1", "worker 2"}) {
      run.thread(name, [&] { desk.work(1); });
    }
    run.finally([&] { expect(desk.delivered == 3, "a finished number was left"); });
  });
}

TEST_CASE("model: a window of one admits one at a time", "[model][turn]") {
  must_hold("a window of one", [](Execution& run) {
    auto& desk = run.make<Desk>(std::size_t{1});
    run.thread("worker 0", [&] { desk.work(2); });
    run.thread("worker 1", [&] { desk.work(2); });
    run.finally([&] {
      expect(desk.delivered == desk.source.load(std::memory_order_relaxed),
             "a finished number was left");
      expect(desk.turn.open() == 0, "a number is still open");
    });
  });
}

}  // namespace sluice::model
