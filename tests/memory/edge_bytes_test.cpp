// memory/edge_bytes_test.cpp: edges that are bounded in bytes, on every carrier.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/scale.hpp>
#include <support/watched_run.hpp>

#include <sluice/queue.hpp>
#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using Catch::Matchers::Contains;
using Json = nlohmann::ordered_json;

const std::size_t kWeight = weight_of(std::string(1000, 'x'));

/// `count` strings of 1000 characters; every tenth has ten times as many where `uneven`.
auto strings(std::size_t count, bool uneven = false) {
  return [count, uneven, n = std::size_t{0}]() mutable -> std::optional<std::string> {
    if (n == count) return std::nullopt;
    const std::size_t size = uneven && ++n % 10 == 0 ? 10'000 : 1000;
    if (!uneven) ++n;
    return std::string(size, 'x');
  };
}

const EdgeReport& edge_into(const Report& report, const std::string& stage) {
  const auto found =
      std::find_if(report.edges.begin(), report.edges.end(),
                   [&](const EdgeReport& edge) { return edge.name.ends_with("->" + stage); });
  REQUIRE(found != report.edges.end());
  return *found;
}

TEST_CASE("Edge bytes: no more bytes are queued than the edge may hold", "[memory]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("bytes");
    std::size_t got = 0;
    p.source("read", strings(scaled(2000)), {.carrier = mix.at(0)}) |
        map("same", [](std::string s) { return s; },
            {.workers = 2, .carrier = mix.at(1), .capacity_bytes = 5 * kWeight}) |
        sink("collect", [&got](const std::string&) { ++got; },
             {.carrier = mix.at(2), .capacity_bytes = 3 * kWeight + 1});
    const Report report = run_watched(p);
    CHECK(got == scaled(2000));
    CHECK(edge_into(report, "same").high_water_bytes <= 5 * kWeight);
    CHECK(edge_into(report, "same").high_water_bytes >= kWeight);
    CHECK(edge_into(report, "collect").high_water_bytes <= 3 * kWeight);
    CHECK(edge_into(report, "collect").queued_bytes == 0);
    CHECK(edge_into(report, "collect").capacity_bytes == 3 * kWeight + 1);
  });
}

TEST_CASE("Edge bytes: an item that is too heavy goes in alone", "[memory]") {
  const std::size_t heavy = weight_of(std::string(10'000, 'x'));
  for_every_carrier([heavy](const CarrierMix& mix) {
    Pipeline p("heavy");
    std::size_t got = 0;
    auto stream = p.source("read", strings(scaled(1000), true), {.carrier = mix.at(0)});
    stream |
        map("same", [](std::string s) { return s; },
            {.carrier = mix.at(1), .capacity_bytes = 2 * kWeight}) |
        sink("collect", [&got](const std::string&) { ++got; },
             {.carrier = mix.at(2), .capacity_bytes = 1});
    // The second branch copies.
    stream | sink("other", [](const std::string&) {}, {.capacity_bytes = 3 * kWeight});
    const Report report = run_watched(p);
    CHECK(got == scaled(1000));
    CHECK(edge_into(report, "same").high_water_bytes == heavy);
    CHECK(edge_into(report, "collect").high_water_bytes == heavy);
    CHECK(edge_into(report, "collect").high_water == 1);
  });
}

TEST_CASE("Edge bytes: lanes of a keyed edge divide them", "[memory]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("lanes");
    Collected<std::size_t> got;
    p.source("read", strings(scaled(2000)), {.carrier = mix.at(0)}) |
        key_by([n = std::make_shared<std::atomic<std::size_t>>(0)](const std::string&) {
          return (*n)++;
        }) |
        sink("collect", [&got](const std::string& s) { got.add(s.size()); },
             {.workers = 3, .carrier = mix.at(1), .capacity_bytes = 9 * kWeight});
    const Report report = run_watched(p);
    CHECK(got.size() == scaled(2000));
    CHECK(edge_into(report, "collect").high_water_bytes <= 3 * kWeight);
  });
}

TEST_CASE("Edge bytes: items that all weigh the same are counted, not weighed", "[memory]") {
  Pipeline p("numbers");
  std::uint64_t sum = 0;
  p.source("read", [n = std::uint64_t{0}]() mutable -> std::optional<std::uint64_t> {
    if (n == 1000) return std::nullopt;
    return n++;
  }) | sink("add", [&sum](std::uint64_t n) { sum += n; }, {.capacity_bytes = 80});
  const Report report = run_watched(p);
  CHECK(sum == 999 * 500);
  CHECK(edge_into(report, "add").high_water <= 10);
  CHECK(edge_into(report, "add").high_water_bytes == 8 * edge_into(report, "add").high_water);
}

TEST_CASE("Edge bytes: an inlet waits for bytes, and an outlet makes room", "[memory]") {
  Pipeline p("ends");
  p.inlet<std::string>("in", {.capacity_bytes = 2 * kWeight}) |
      outlet<std::string>("out", {.capacity_bytes = kWeight});
  WatchedRun run(p);
  auto in = run->inlet<std::string>("in");
  auto out = run->outlet<std::string>("out");
  // One lies in the outlet's edge, one waits in the port, two in the inlet's edge; a third one where the
  // worker took two at once.
  std::size_t put = 0;
  while (in.put(std::string(1000, 'x'), Deadline::after(std::chrono::milliseconds{200})) ==
         PutStatus::ok) {
    ++put;
  }
  CHECK(put <= 5);
  // What it waits for is that the outlet is read.
  std::thread last{[&in, &put] {
    if (in.put(std::string(1000, 'y')) == PutStatus::ok) ++put;
    in.close();
  }};
  std::size_t got = 0;
  std::size_t last_ones = 0;
  while (const auto item = out.get()) {
    ++got;
    if (item->front() == 'y') ++last_ones;
  }
  last.join();
  CHECK(got == put);
  CHECK(last_ones == 1);
}

TEST_CASE("Edge bytes: a get of many takes what it may in bytes, and tells weights", "[memory]") {
  Queue<std::string> queue(QueueOptions<std::string>{
      .capacity = 100, .weigher = [](const std::string& s) { return s.size(); }});
  for (const std::size_t size : {10U, 20U, 30U, 1000U, 5U}) {
    CHECK(queue.put(std::string(size, 'x')) == PutStatus::ok);
  }
  std::vector<std::string> items;
  std::vector<std::size_t> weights;
  CHECK(queue.try_get_weighed(items, 100, 35, weights).count == 2);
  CHECK(weights == std::vector<std::size_t>{10, 20});
  CHECK(queue.try_get_weighed(items, 100, 40, weights).count == 1);
  CHECK(queue.try_get_weighed(items, 100, 40, weights).count == 1);  // the heavy one, alone
  CHECK(queue.size_bytes() == 5);
  CHECK(queue.try_get_weighed(items, 100, 40, weights).count == 1);
  CHECK(weights == std::vector<std::size_t>{10, 20, 30, 1000, 5});
  CHECK(queue.put(std::string(7, 'x')) == PutStatus::ok);
  const auto dropped = queue.drop();
  CHECK(dropped.items == 1);
  CHECK(dropped.bytes == 7);
  CHECK(queue.bytes_put() == 1072);
}

TEST_CASE("Edge bytes: the plan shows bounds, and how items are weighed", "[memory]") {
  Pipeline p("shown");
  p.source("read", strings(1)) |
      map("point", [](const std::string& s) { return std::make_shared<std::size_t>(s.size()); },
          {.capacity_bytes = 4096}) |
      map("number", [](const std::shared_ptr<std::size_t>& n) { return *n; }) |
      sink("drop", [](std::size_t) {});
  const Plan bounded = plan(p);
  CHECK_THAT(bounded.text(), Contains("4096") && Contains("32 + what it holds") &&
                                 Contains("16 + what is seen: not all of it can be"));
  const Plan with_budget = plan(p, {}, {}, 1 << 20);
  CHECK_THAT(with_budget.text(), Contains("memory: items hold at most 1048576 bytes together\n"));
  const Json json = Json::parse(with_budget.json());
  CHECK(json["memory"] == 1 << 20);
  CHECK(json["edges"][0]["capacity_bytes"] == 4096);
  CHECK(json["edges"][0]["item_bytes"]["fixed"] == false);
  CHECK(json["edges"][1]["item_bytes"]["seen_in_full"] == false);
  CHECK(json["edges"][2]["item_bytes"] ==
        Json({{"at_least", 8}, {"fixed", true}, {"seen_in_full", true}}));
  CHECK(Json::parse(plan(p, {}, {{.stage = "drop", .capacity_bytes = 7}})
                        .json())["edges"][2]["capacity_bytes"] == 7);
}

TEST_CASE("Edge bytes: bounds of 0 bytes are refused", "[memory]") {
  Pipeline p("zero");
  p.source("read", strings(1)) | sink("drop", [](const std::string&) {}, {.capacity_bytes = 0});
  CHECK_THROWS_WITH(plan(p), Contains("stage drop: capacity_bytes is 0; give at least 1"));
  CHECK_THROWS_WITH(plan(p, {}, {}, 0), Contains("the memory budget is 0 bytes"));
}

}  // namespace
}  // namespace sluice
