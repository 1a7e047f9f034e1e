// unit/hand_over_test.cpp: what is handed over has one owner, and does not outlive those who could take it.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <hand_over.hpp>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace sluice;
using namespace sluice::samples;

using Thing = std::shared_ptr<int>;
using Things = HandOver<Thing>;

}  // namespace

TEST_CASE("hand-over: what was put is taken once, by its number", "[hand_over]") {
  const auto place = std::make_shared<Things>();
  Things::Taker taker(place);
  const auto first = place->put(std::make_shared<int>(1));
  const auto second = place->put(std::make_shared<int>(2));
  CHECK(first != second);
  CHECK(*taker.take(second) == 2);
  CHECK(*taker.take(first) == 1);
  CHECK_THROWS_AS(taker.take(first), UsageError);
  CHECK_THROWS_AS(taker.take(second + 1), UsageError);
}

TEST_CASE("hand-over: what nobody takes goes with the last one who could", "[hand_over]") {
  const auto place = std::make_shared<Things>();
  const auto thing = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = thing;
  {
    auto mine = std::make_unique<Things::Taker>(place);
    Things::Taker other(place);
    static_cast<void>(place->put(thing));
    CHECK(seen.use_count() == 2);
    mine.reset();
    CHECK(seen.use_count() == 2);  // the other one may still take it
    const Things::Taker moved(std::move(other));
    CHECK(seen.use_count() == 2);
  }
  CHECK(seen.use_count() == 1);
  static_cast<void>(place->put(thing));  // too late: its run has ended
  CHECK(seen.use_count() == 1);
  const Things::Taker next(place);  // the next run finds nothing of the last one
  CHECK(seen.use_count() == 1);
}

TEST_CASE("hand-over: runs at the same time get what is theirs, and nothing is left",
          "[hand_over]") {
  const auto place = std::make_shared<Things>();
  const auto base = std::make_shared<int>(0);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int mine = 0; mine < 4; ++mine) {
    threads.emplace_back([&, mine] {
      for (int round = 0; round < 2000; ++round) {
        Things::Taker taker(place);
        const auto number = place->put(std::shared_ptr<int>(base, base.get() + mine));
        if (round % 3 == 0) continue;  // this run ends before anybody takes
        if (taker.take(number).get() != base.get() + mine) ++wrong[static_cast<std::size_t>(mine)];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
  CHECK(base.use_count() == 1);
}
