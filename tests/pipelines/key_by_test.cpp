// pipelines/key_by_test.cpp: one edge with a lane per worker; a key always reaches the same worker.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

struct Arrival {
  Number key;
  Number producer;
  Number number;
  std::size_t worker;
};

struct Item {
  Number key;
  Number producer;
  Number number;
};

/// Numbers its items; keys repeat with period `keys`.
auto keyed_source(Number producer, Number count, Number keys) {
  return [=, next = Number{0}]() mutable -> std::optional<Item> {
    if (next == count) return std::nullopt;
    const Number number = next++;
    return Item{number * 7 % keys, producer, number};
  };
}

TEST_CASE("key_by: a key always reaches the same worker, in the order of each producer",
          "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("keyed");
    Collected<Arrival> got;
    auto one = p.source("one", keyed_source(1, 150, 20), {.carrier = setting.mix.at(0)});
    auto two = p.source("two", keyed_source(2, 150, 20), {.carrier = setting.mix.at(1)});
    const auto note = [&got](const Item& item, Context& context) {
      got.add({item.key, item.producer, item.number, context.worker()});
      return item.key;
    };
    merge(one, two) | key_by(&Item::key) |
        map("note", note,
            {.workers = setting.workers,
             .carrier = setting.mix.at(2),
             .capacity = setting.capacity,
             .batch = setting.batch}) |
        sink("drop", [](Number) {}, {.carrier = setting.mix.at(3)});
    run_watched(p);
    REQUIRE(got.size() == 300);
    std::map<Number, std::size_t> worker_of;
    std::map<std::pair<Number, Number>, Number> last;  // per key and producer
    bool same_worker = true;
    bool in_order = true;
    for (const Arrival& arrival : got.items()) {
      const auto [at, is_new] = worker_of.try_emplace(arrival.key, arrival.worker);
      same_worker = same_worker && at->second == arrival.worker;
      Number& before = last[{arrival.key, arrival.producer}];
      in_order = in_order && arrival.number + 1 > before;
      before = arrival.number + 1;
    }
    CHECK(same_worker);
    CHECK(in_order);
  });
}

TEST_CASE("key_by: seven workers, and still one for each key", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    constexpr Number kKeys = 500;
    Pipeline p("seven");
    Collected<std::pair<Number, std::size_t>> got;
    const auto note = [&got](Number n, Context& context) {
      got.add({n % kKeys, context.worker()});
    };
    p.source("read", numbers(5000), {.carrier = mix.at(0)}) |
        key_by([](const Number& n) { return n % kKeys; }) |
        sink("note", note, {.workers = 7, .carrier = mix.at(1), .capacity = 21, .batch = 4});
    const Report report = run_watched(p);
    CHECK(report.edges[0].lanes == 7);
    REQUIRE(got.size() == 5000);
    std::map<Number, std::size_t> worker_of;
    std::map<std::size_t, Number> items_of;
    bool same_worker = true;
    for (const auto& [key, worker] : got.items()) {
      same_worker = same_worker && worker_of.try_emplace(key, worker).first->second == worker;
      ++items_of[worker];
    }
    CHECK(same_worker);
    CHECK(worker_of.size() == kKeys);
    CHECK(items_of.size() == 7);  // nobody is left without keys
  });
}

TEST_CASE("key_by: consecutive integers and strings spread over the workers", "[pipeline]") {
  const auto share_of_each = [](auto key_of) {
    Pipeline p("spread");
    std::vector<Number> shares(4);
    Collected<std::size_t> workers;
    p.source("read", numbers(4000)) | key_by(key_of) |
        sink("count", [&](Number, Context& context) { workers.add(context.worker()); },
             {.workers = 4});
    run_watched(p);
    for (const std::size_t worker : workers.items()) ++shares[worker];
    return shares;
  };
  for (const Number share : share_of_each([](const Number& n) { return n; })) {
    CHECK(share > 500);
    CHECK(share < 1500);
  }
  for (const Number share : share_of_each([](const Number& n) { return std::to_string(n); })) {
    CHECK(share > 500);
    CHECK(share < 1500);
  }
}

TEST_CASE("key_by: one edge with a lane per worker under one capacity", "[pipeline]") {
  Pipeline p("lanes");
  p.source("read", numbers(100)) | key_by([](const Number& n) { return n; }) |
      sink("drop", [](Number) {}, {.workers = 4, .capacity = 8});
  const Report report = run_watched(p);
  REQUIRE(report.edges.size() == 1);
  CHECK(report.edges[0].lanes == 4);
  CHECK(report.edges[0].capacity == 8);
  CHECK(report.edges[0].high_water <= 2);  // of one lane
  CHECK(report.edges[0].adaptors == "key_by");
}

TEST_CASE("key_by: a lane that gets nearly everything is reported as hot", "[pipeline]") {
  Pipeline p("hot");
  p.source("read", numbers(1000)) | key_by([](Number n) { return n % 100 == 0 ? n : Number{7}; }) |
      sink("keep", [](Number) {}, {.workers = 3});
  const EdgeReport edge = run_watched(p).edges[0];
  REQUIRE(edge.lane_puts.size() == 3);
  CHECK(std::accumulate(edge.lane_puts.begin(), edge.lane_puts.end(), std::uint64_t{0}) == 1000);
  const std::size_t hot = edge.hot_lane();
  REQUIRE(hot < 3);
  CHECK(edge.lane_puts[hot] >= 990);
}

TEST_CASE("key_by: every lane has room for one, even under a smaller capacity", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("small");
    Collected<Number> got;
    p.source("read", numbers(200), {.carrier = mix.at(0)}) |
        key_by([](const Number& n) { return n % 3; }) |
        sink("collect", got.sink(), {.workers = 4, .carrier = mix.at(1), .capacity = 1});
    const Report report = run_watched(p);
    CHECK(got.sorted() == up_to(200));
    CHECK(report.edges[0].capacity == 4);  // the plan says what it made of 1
  });
}

TEST_CASE("key_by: two branches may be partitioned by different keys", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("two keys");
    Collected<std::pair<Number, Number>> by_two;
    Collected<std::pair<Number, Number>> by_three;
    const auto count = [](Number& n, Number) { ++n; };
    auto stream = p.source("read", numbers(60), {.carrier = mix.at(0)});
    stream | key_by([](const Number& n) { return n % 2; }) |
        reduce("two", Number{0}, count, {.workers = 2, .carrier = mix.at(1)}) |
        sink("collect two", by_two.sink());
    stream | key_by([](const Number& n) { return n % 3; }) |
        reduce("three", Number{0}, count, {.workers = 3, .carrier = mix.at(1)}) |
        sink("collect three", by_three.sink());
    run_watched(p);
    using Pairs = std::vector<std::pair<Number, Number>>;
    CHECK(by_two.sorted() == Pairs{{0, 30}, {1, 30}});
    CHECK(by_three.sorted() == Pairs{{0, 20}, {1, 20}, {2, 20}});
  });
}

}  // namespace
}  // namespace sluice
