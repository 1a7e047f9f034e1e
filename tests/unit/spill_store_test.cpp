// tests/unit/spill_store_test.cpp: items come out as they went in, through memory and file alike.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/codec_values.hpp>
#include <support/move_only.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>
#include <support/throwing_move.hpp>

#include <sluice/flow/spill_space.hpp>
#include <sluice/flow/spill_store.hpp>

#include <deque>
#include <stdexcept>
#include <string>

namespace {

using namespace sluice::testing_support;
using sluice::detail::SpillLog;
using sluice::detail::SpillSpace;
using sluice::detail::SpillStore;

static_assert(SpillStore<std::string>::spills());
static_assert(!SpillStore<MoveOnly>::spills());

std::string text_of(std::size_t number, std::size_t size) {
  std::string text = std::to_string(number);
  text.resize(std::max(text.size(), size), static_cast<char>('a' + number % 26));
  return text;
}

// Its codec throws when told, at writing or at reading.
struct Moody {
  std::string text;
  static inline bool refuses_write = false;
  static inline bool refuses_read = false;
};

}  // namespace

template <>
struct sluice::codec<Moody> {
  static void write(const Moody& moody, sluice::Writer& to) {
    to.put(moody.text);
    if (Moody::refuses_write) throw std::runtime_error("not now");
  }
  static Moody read(sluice::Reader& from) {
    Moody moody{from.get<std::string>()};
    if (Moody::refuses_read) throw std::runtime_error("not now");
    return moody;
  }
};

TEST_CASE("SpillStore: random puts and takes equal those of a deque", "[spill]") {
  Random random = random_engine(6);
  const std::size_t memory_items = GENERATE(0U, 1U, 7U, 100U);
  const std::size_t item_size = GENERATE(3U, 2000U, 100000U);
  SpillStore<std::string> store({.memory_items = memory_items});
  std::deque<std::string> expected;
  std::size_t number = 0;
  std::size_t most_spilled = 0;
  const int rounds = item_size > 2000 ? scaled(60) : scaled(200);
  for (int round = rounds; round > 0; --round) {
    // The first time so many that some must go to the file, whatever the seed and however few rounds.
    for (std::size_t n = round == rounds ? 600 : up_to(random, 300); n > 0; --n) {
      std::string text = text_of(++number, up_to(random, item_size));
      expected.push_back(text);
      store.put(std::move(text));
    }
    most_spilled = std::max(most_spilled, store.spilled());
    REQUIRE(store.size() == expected.size());
    REQUIRE(store.spilled() <= store.size());
    REQUIRE((store.spilled() == 0) == (store.spilled_bytes() == 0));
    const bool all = round == 1 || random() % 8 == 0;
    for (std::size_t n = all ? store.size() : up_to(random, store.size()); n > 0; --n) {
      if (store.take() != expected.front()) FAIL("a wrong item");
      expected.pop_front();
    }
  }
  CHECK(store.empty());
  CHECK(store.spilled() == 0);
  CHECK(store.high_water().spilled == most_spilled);
  if (item_size > 3) CHECK(most_spilled > 0);
}

TEST_CASE("SpillStore: sizes around every border keep the order", "[spill]") {
  constexpr std::size_t kMemory = 10;
  constexpr std::size_t kPerBlock = SpillLog::kBlock / 1000;
  for (const std::size_t border : {kMemory, kMemory + kPerBlock, kMemory + 2 * kPerBlock}) {
    for (std::size_t count = border - 4; count < border + 4; ++count) {
      SpillStore<std::string> store({.memory_items = kMemory});
      for (std::size_t i = 0; i < count; ++i) store.put(text_of(i, 1000 - 8));
      for (std::size_t i = 0; i < count; ++i) {
        if (store.take() != text_of(i, 1000 - 8)) FAIL("a wrong item at " << i << " of " << count);
      }
      CHECK(store.empty());
    }
  }
}

TEST_CASE("SpillStore: items around the size of a block and far above come back", "[spill]") {
  SpillStore<std::string> store({.memory_items = 0});
  std::deque<std::string> expected;
  for (const std::size_t base : {SpillLog::kBlock, 2 * SpillLog::kBlock, 20 * SpillLog::kBlock}) {
    for (std::size_t size = base - 10; size < base + 3; ++size) {
      std::string text = text_of(size, size);
      expected.push_back(text);
      store.put(std::move(text));
      store.put(std::string("small"));
      expected.push_back("small");
    }
  }
  while (!expected.empty()) {
    if (store.take() != expected.front()) FAIL("a wrong item");
    expected.pop_front();
  }
  CHECK(store.empty());
}

TEST_CASE("SpillStore: items of every kind go through the file", "[spill]") {
  Random random = random_engine(7);
  SpillStore<Mixed> store({.memory_items = 3});
  std::deque<Mixed> expected;
  for (int n = 2000; n > 0; --n) {
    expected.push_back(random_mixed(random));
    store.put(Mixed(expected.back()));
  }
  CHECK(store.spilled() > 0);
  for (; !expected.empty(); expected.pop_front()) {
    if (!(store.take() == expected.front())) FAIL("a wrong item");
  }
  CHECK(store.empty());
}

TEST_CASE("SpillStore: an item that was put leaves nothing in its argument", "[spill]") {
  SpillStore<std::string> store({.memory_items = 0});
  std::string text(1000, 'x');
  store.put(std::move(text));
  CHECK(text.empty());  // NOLINT: that is the point
  CHECK(store.take() == std::string(1000, 'x'));
}

TEST_CASE("SpillStore: items that are not portable stay in memory", "[spill]") {
  SpillStore<MoveOnly> store({.memory_items = 2});
  for (std::uint64_t i = 0; i < 5000; ++i) store.put(MoveOnly(i));
  CHECK(store.size() == 5000);
  CHECK(store.spilled() == 0);
  for (std::uint64_t i = 0; i < 2500; ++i) {
    if (store.take().value() != i) FAIL("a wrong item");
  }
  CHECK(store.size() == 2500);  // the rest goes with the store
}

TEST_CASE("SpillStore: a move that throws loses nothing", "[spill]") {
  SpillStore<ThrowingMove> store;
  for (std::uint64_t i = 0; i < 1000; ++i) store.put(ThrowingMove(i));
  ThrowingMove late(1000);
  ThrowingMove::throw_after(0);
  CHECK_THROWS_AS(store.put(std::move(late)), std::runtime_error);
  CHECK(store.size() == 1000);
  store.put(std::move(late));
  ThrowingMove::throw_after(0);
  CHECK_THROWS_AS(static_cast<void>(store.take()), std::runtime_error);
  CHECK(store.size() == 1001);
  for (std::uint64_t i = 0; i <= 1000; ++i) {
    if (store.take().value() != i) FAIL("a wrong item");
  }
  CHECK(store.empty());
}

TEST_CASE("SpillStore: a codec that throws loses nothing", "[spill]") {
  SpillStore<Moody> store({.memory_items = 1});
  for (std::size_t i = 0; i < 10; ++i) store.put({text_of(i, 0)});
  Moody late{"late"};
  Moody::refuses_write = true;
  CHECK_THROWS_AS(store.put(std::move(late)), std::runtime_error);
  Moody::refuses_write = false;
  CHECK(late.text == "late");
  CHECK(store.size() == 10);
  store.put(std::move(late));
  CHECK(store.take().text == "0");
  Moody::refuses_read = true;
  CHECK_THROWS_AS(static_cast<void>(store.take()), std::runtime_error);
  Moody::refuses_read = false;
  for (std::size_t i = 1; i < 10; ++i) CHECK(store.take().text == text_of(i, 0));
  CHECK(store.take().text == "late");
}

TEST_CASE("SpillSpace: slots are never given twice, and gaps are used again", "[spill]") {
  Random random = random_engine(8);
  SpillSpace space;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> taken;
  std::deque<bool> used(100000);
  std::uint64_t most = 0;
  std::uint64_t sum = 0;
  for (int round = scaled(20000); round > 0; --round) {
    if (taken.size() < 50 || (random() % 2 == 0 && taken.size() < 100)) {
      const std::uint64_t count = 1 + (random() % 4 == 0 ? random() % 8 : 0);
      const std::uint64_t first = space.take(count);
      for (std::uint64_t slot = first; slot < first + count; ++slot) {
        if (used[slot]) FAIL("slot " << slot << " was given twice");
        used[slot] = true;
      }
      taken.emplace_back(first, count);
      sum += count;
      most = std::max(most, sum);
    } else {
      const auto [first, count] = taken.front();
      taken.pop_front();
      space.give(first, count);
      for (std::uint64_t slot = first; slot < first + count; ++slot) used[slot] = false;
      sum -= count;
    }
    if (space.end() > 3 * most + 8) FAIL("the file grows without bound: " << space.end());
  }
  for (const auto& [first, count] : taken) space.give(first, count);
  CHECK(space.end() == 0);
}
