// tests/pipelines/default_capacity_test.cpp: how long edges are, and how many items at once go to a process, when
// nobody says so.
// SPDX-License-Identifier: MIT
#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice {
namespace {

template <class Item>
struct NoItems {
  std::optional<Item> operator()() const { return std::nullopt; }
};

// read -> work -> size -> drop, the sizes being small.
template <class Item>
Plan planned(StageOptions work) {
  Pipeline p("planned");
  p.source("read", NoItems<Item>()) |
      map(
          "work", [](Item item) { return item; }, work) |
      map("size", [](const Item&) { return sizeof(Item); }) | sink("drop", [](std::size_t) {});
  return plan(p, Machine{.cores = 2});
}

struct Lengths {
  std::size_t before = 0;
  std::size_t batch = 0;
  std::size_t behind = 0;
  std::size_t elsewhere = 0;
  bool operator==(const Lengths&) const = default;
};
Lengths lengths(const Plan& plan) {
  return {plan.edges[0].capacity, plan.stages[1].batch, plan.edges[1].capacity,
          plan.edges[2].capacity};
}

using Small = std::array<std::uint64_t, 8>;
using Larger = std::array<std::uint64_t, 9>;

TEST_CASE("Default capacity: small items of a fixed size have more room around a process",
          "[pipeline][plan]") {
  const StageOptions process = {.carrier = Carrier::process};
  CHECK(lengths(planned<char>(process)) == Lengths{4096, 4096, 4096, 1024});
  CHECK(lengths(planned<Small>(process)) == Lengths{4096, 4096, 4096, 1024});
  CHECK(lengths(planned<Larger>(process)) == Lengths{1024, 1024, 1024, 1024});
  CHECK(lengths(planned<std::string>(process)) == Lengths{1024, 1024, 1024, 1024});
  CHECK(lengths(planned<Small>({.carrier = Carrier::thread})) == Lengths{1024, 64, 1024, 1024});
}

TEST_CASE("Default capacity: what is said is done", "[pipeline][plan]") {
  CHECK(lengths(planned<Small>({.carrier = Carrier::process, .capacity = 10})) ==
        Lengths{10, 1024, 4096, 1024});
  CHECK(lengths(planned<Small>({.carrier = Carrier::process, .capacity = 2000})) ==
        Lengths{2000, 2000, 4096, 1024});
  CHECK(lengths(planned<Small>({.carrier = Carrier::process, .capacity = unbounded})) ==
        Lengths{unbounded, 4096, 4096, 1024});
  CHECK(lengths(planned<Small>({.carrier = Carrier::process, .batch = 7})) ==
        Lengths{4096, 7, 4096, 1024});
}

TEST_CASE("Default capacity: a carrier that is chosen later counts as one that is chosen before",
          "[pipeline][plan]") {
  Pipeline p("later");
  p.source("read", NoItems<Small>()) | map("work", [](Small item) { return item; }) |
      sink("drop", [](const Small&) {});
  const Plan later = plan(p, Machine{.cores = 2}, {{.stage = "work", .carrier = Carrier::process}});
  CHECK(later.edges[0].capacity == 4096);
  CHECK(later.stages[1].batch == 4096);
  CHECK(later.edges[1].capacity == 4096);
  CHECK(plan(p, Machine{.cores = 2}).edges[0].capacity == 1024);
}

}  // namespace
}  // namespace sluice
