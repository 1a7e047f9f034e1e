// unit/item_fifo_test.cpp: the row of items that grows at one end and shrinks at the other, looked into anywhere.
// SPDX-License-Identifier: MIT
#include <sluice/flow/item_fifo.hpp>

#include <catch2/catch.hpp>

#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

namespace sluice {
namespace {

using testing_support::random_engine;
using testing_support::scaled;

// Eight of these are a chunk.
struct Large {
  std::uint64_t number = 0;
  std::array<std::uint64_t, 80> filling{};
};
std::uint64_t number_of(const Large& item) { return item.number; }
std::uint64_t number_of(const std::unique_ptr<std::uint64_t>& item) { return *item; }

Large make(std::uint64_t number, const Large*) { return {.number = number}; }
std::unique_ptr<std::uint64_t> make(std::uint64_t number, const std::unique_ptr<std::uint64_t>*) {
  return std::make_unique<std::uint64_t>(number);
}

template <class T>
void compare_with_deque(std::uint64_t stream) {
  auto random = random_engine(stream);
  detail::ItemFifo<T> row;
  std::deque<std::uint64_t> expected;
  std::uint64_t next = 0;
  for (std::uint64_t turn = scaled(3'000); turn > 0; --turn) {
    for (auto n = random() % 40; n > 0; --n) {
      row.push(make(next, static_cast<const T*>(nullptr)));
      expected.push_back(next++);
    }
    // In order from anywhere, as leases are lent; then anywhere.
    for (std::size_t at = expected.empty() ? 0 : random() % expected.size(), n = 0;
         at < expected.size() && n < 20; ++at, ++n) {
      REQUIRE(number_of(row.at(at)) == expected[at]);
    }
    for (int n = 0; n < 3 && !expected.empty(); ++n) {
      const std::size_t at = random() % expected.size();
      REQUIRE(number_of(row.at(at)) == expected[at]);
    }
    for (auto n = random() % 41; n > 0 && !expected.empty(); --n) {
      REQUIRE(number_of(row.front()) == expected.front());
      row.pop();
      expected.pop_front();
    }
    REQUIRE(row.size() == expected.size());
  }
}

TEST_CASE("A row of items is a deque, wherever it is looked at", "[unit]") {
  SECTION("large items, few in a chunk") { compare_with_deque<Large>(1); }
  SECTION("items that own something") { compare_with_deque<std::unique_ptr<std::uint64_t>>(2); }
}

}  // namespace
}  // namespace sluice
