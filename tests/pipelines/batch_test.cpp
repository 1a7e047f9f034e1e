// pipelines/batch_test.cpp: batches flush at their size, after their linger time, and at the end.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/move_only.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

using Numbers = std::vector<Number>;

TEST_CASE("Batch: flushes at its size, and the rest at the end", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("batch");
    Collected<Numbers> got;
    p.source("read", numbers(100), {.carrier = setting.mix.at(0)}) |
        batch("pack", 7, 1h,
              {.workers = setting.workers,
               .carrier = setting.mix.at(1),
               .capacity = setting.capacity,
               .batch = setting.batch}) |
        sink("collect", got.sink(), {.carrier = setting.mix.at(2), .capacity = setting.capacity});
    run_watched(p);
    std::vector<Number> all;
    std::size_t partial = 0;
    for (const Numbers& pack : got.items()) {
      CHECK(pack.size() <= 7);
      CHECK_FALSE(pack.empty());
      partial += pack.size() < 7 ? 1 : 0;
      all.insert(all.end(), pack.begin(), pack.end());
    }
    CHECK(partial <= setting.workers);  // what is open when the input ends, one per worker
    if (setting.workers == 1) CHECK(all == up_to(100));
    std::sort(all.begin(), all.end());
    CHECK(all == up_to(100));
  });
}

TEST_CASE("Batch: without linger, an open batch waits for its size or the end", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("no linger");
    p.inlet<Number>("in", {.carrier = mix.at(0)}) |
        batch("pack", 3, detail::BatchBody<int>::kNoLinger, {.carrier = mix.at(1)}) |
        outlet<Numbers>("out");
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Numbers>("out");
    for (Number n = 0; n < 4; ++n) REQUIRE(in.put(n) == PutStatus::ok);
    CHECK(*out.get() == Numbers{0, 1, 2});
    CHECK(out.get(20ms).status() == GetStatus::empty);
    in.close();
    CHECK(*out.get() == Numbers{3});
    CHECK(out.get().status() == GetStatus::closed);
    run->wait();
  });
}

TEST_CASE("Batch: one that is as old as its linger time is passed on", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("linger");
    p.inlet<Number>("in", {.carrier = mix.at(0)}) |
        batch("pack", 1000, 30ms, {.carrier = mix.at(1)}) | outlet<Numbers>("out");
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Numbers>("out");
    for (Number round = 0; round < 3; ++round) {
      const auto begin = std::chrono::steady_clock::now();
      REQUIRE(in.put(round) == PutStatus::ok);
      CHECK(*out.get() == Numbers{round});
      CHECK(std::chrono::steady_clock::now() - begin >= 30ms);
    }
    in.close();
    CHECK(out.get().status() == GetStatus::closed);
    run->wait();
  });
}

TEST_CASE("Batch: an open batch of several comes out at its time, the next one at the end",
          "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("several");
    p.inlet<Number>("in", {.carrier = mix.at(0)}) |
        batch("pack", 1000, 50ms, {.carrier = mix.at(1)}) | outlet<Numbers>("out");
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Numbers>("out");
    // A slow machine may need more than one time's length to put three items: then they come in parts.
    for (Number n = 0; n < 3; ++n) REQUIRE(in.put(n) == PutStatus::ok);
    Numbers got;
    while (got.size() < 3) {
      const auto pack = out.get();
      REQUIRE(pack);
      got.insert(got.end(), pack->begin(), pack->end());
    }
    CHECK(got == up_to(3));
    for (Number n = 3; n < 5; ++n) REQUIRE(in.put(n) == PutStatus::ok);
    in.close();
    while (const auto pack = out.get()) got.insert(got.end(), pack->begin(), pack->end());
    CHECK(got == up_to(5));
    run->wait();
  });
}

TEST_CASE("Batch: a linger time of zero passes on what there is", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("no wait");
    p.inlet<Number>("in", {.carrier = mix.at(0)}) |
        batch("pack", 1000, 0ms, {.carrier = mix.at(1)}) | outlet<Numbers>("out");
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Numbers>("out");
    REQUIRE(in.put(5) == PutStatus::ok);
    CHECK(*out.get() == Numbers{5});
    in.close();
    CHECK(out.get().status() == GetStatus::closed);
    run->wait();
  });
}

TEST_CASE("Batch: stop flushes the open batch, cancel drops it", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const bool cancel : {false, true}) {
      Pipeline p("end");
      Collected<Numbers> got;
      p.inlet<Number>("in", {.carrier = mix.at(0)}) |
          batch("pack", 1000, 1h, {.carrier = mix.at(1)}) |
          sink("collect", got.sink(), {.carrier = mix.at(2)});
      WatchedRun run(p);
      auto in = run->inlet<Number>("in");
      REQUIRE(in.put(5) == PutStatus::ok);
      wait_until([&] { return run->snapshot().stage("pack").completed == 1; });
      if (cancel) {
        run->cancel();
      } else {
        run->stop();
      }
      const Report report = run.end();
      CHECK(report.ledger.balanced);
      CHECK(got.size() == (cancel ? 0 : 1));
    }
  });
}

TEST_CASE("Batch: items that can only be moved", "[pipeline]") {
  Pipeline p("move only");
  Collected<Number> got;
  auto read = [next = Number{0}]() mutable -> std::optional<MoveOnly> {
    if (next == 10) return std::nullopt;
    return MoveOnly(next++);
  };
  p.source("read", read) | batch("pack", 4) | sink("collect", [&](std::vector<MoveOnly> pack) {
    for (const MoveOnly& item : pack) got.add(item.value());
  });
  run_watched(p);
  CHECK(got.items() == up_to(10));
}

TEST_CASE("Batch: a size of zero and a negative linger time are refused at once", "[pipeline]") {
  CHECK_THROWS_AS(batch("pack", 0), UsageError);
  CHECK_THROWS_AS(batch("pack", 1, -1ms), UsageError);
}

}  // namespace
}  // namespace sluice
