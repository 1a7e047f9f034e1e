// pipelines/endpoints_test.cpp: application code feeds a running pipeline and reads it.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/move_only.hpp>
#include <support/numbers.hpp>
#include <support/off_thread_checks.hpp>
#include <support/scale.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

/// An inlet "in", a map "add", and an outlet "out".
Pipeline in_add_out(const CarrierMix& mix, std::size_t capacity) {
  Pipeline p("in, add, out");
  p.inlet<Number>("in", {.carrier = mix.at(0), .capacity = capacity}) |
      map("add", [](Number n) { return n + 1; }, {.carrier = mix.at(1), .capacity = capacity}) |
      outlet<Number>("out", {.capacity = capacity});
  return p;
}

TEST_CASE("Inlet and Outlet: what is put comes out, in order, until close", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const std::size_t capacity : {1U, 2U, 3U, 1024U}) {
      const Pipeline p = in_add_out(mix, capacity);
      WatchedRun run(p);
      auto out = run->outlet<Number>("out");
      std::thread feeder([in = run->inlet<Number>("in")]() mutable {
        for (Number n = 0; n < 300; ++n) static_cast<void>(in.put(n));
        in.close();
      });
      std::vector<Number> got;
      while (auto item = out.get()) got.push_back(*item - 1);
      feeder.join();
      CHECK(got == up_to(300));
      const Report report = run->wait();
      CHECK(report.status == RunStatus::done);
      CHECK(report.stage("out").completed == 300);
    }
  });
}

TEST_CASE("One thread that puts one and gets one may have as many in flight as the edges hold",
          "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    constexpr Number kCapacity = 128;
    Pipeline p("a window");
    p.inlet<Number>("in", {.carrier = mix.at(0), .capacity = kCapacity}) |
        outlet<Number>("out", {.capacity = kCapacity});
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Number>("out");
    Number put = 0;
    for (; put < 2 * kCapacity; ++put) REQUIRE(in.put(put) == PutStatus::ok);
    for (Number got = 0; got < scaled<Number>(3000); ++got) {
      REQUIRE(*out.get() == got);
      REQUIRE(in.put(put++) == PutStatus::ok);
    }
    run->cancel();
  });
}

TEST_CASE("Inlet: put waits while the edge behind it is full, until its deadline", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    const Pipeline p = in_add_out(mix, 1);
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Number>("out");
    // Nobody reads: everything fills up. Until then a put may be late because a stage is.
    const auto is_full = [&] {
      const Report now = run->snapshot();
      return std::all_of(now.edges.begin(), now.edges.end(),
                         [](const EdgeReport& edge) { return edge.queued == 1; });
    };
    Number put = 0;
    for (bool waits = false; !waits || !is_full();) {
      waits = in.put(put, 50ms) != PutStatus::ok;
      if (!waits) ++put;
    }
    CHECK(put >= 3);      // a slot in each of three queues
    CHECK(put <= 3 + 2);  // and one item in each of two stages
    std::vector<Number> got;
    while (got.size() < put) got.push_back(*out.get() - 1);
    CHECK(got == up_to(put));
    CHECK(in.put(put, 0ms) == PutStatus::ok);
    in.close();
    CHECK(*out.get() == put + 1);
    CHECK(out.get().status() == GetStatus::closed);
    run->wait();
  });
}

TEST_CASE("Inlet: a put that was refused leaves the item as it was", "[pipeline]") {
  Pipeline p("refused");
  p.inlet<MoveOnly>("in", {.capacity = 1}) | outlet<MoveOnly>("out", {.capacity = 1});
  WatchedRun run(p);
  auto in = run->inlet<MoveOnly>("in");
  MoveOnly item(7);
  while (in.put(std::move(item), 20ms) == PutStatus::ok) item = MoveOnly(7);
  REQUIRE(item.has_value());
  run->cancel();
  CHECK(in.put(std::move(item)) == PutStatus::closed);
  CHECK(item.has_value());
  CHECK(run.end().ledger.balanced);
}

TEST_CASE("Inlet: close is idempotent, and so is closing by destruction", "[pipeline]") {
  const Pipeline p = in_add_out(kCarrierMixes[0], 4);
  WatchedRun run(p);
  auto out = run->outlet<Number>("out");
  {
    auto in = run->inlet<Number>("in");
    CHECK(in.put(1) == PutStatus::ok);
    in.close();
    in.close();
    CHECK(in.put(2) == PutStatus::closed);
    auto moved = std::move(in);
  }
  CHECK(*out.get() == 2);
  CHECK(out.get().status() == GetStatus::closed);
  CHECK(out.get().status() == GetStatus::closed);
  run->wait();
}

TEST_CASE("Stop closes the inlets, and what was put drains", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    const Pipeline p = in_add_out(mix, 8);
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Number>("out");
    for (Number n = 0; n < 8; ++n) REQUIRE(in.put(n) == PutStatus::ok);
    run->stop();
    CHECK(in.put(100) == PutStatus::closed);
    std::vector<Number> got;
    while (auto item = out.get()) got.push_back(*item - 1);
    CHECK(got == up_to(8));
    CHECK(run->wait().status == RunStatus::stopped);
  });
}

TEST_CASE("Stop and cancel wake a put that waits for room", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const bool cancel : {false, true}) {
      const Pipeline p = in_add_out(mix, 1);
      WatchedRun run(p);
      OffThreadChecks checks;
      std::thread feeder([&checks, in = run->inlet<Number>("in")]() mutable {
        PutStatus status = PutStatus::ok;
        while (status == PutStatus::ok) status = in.put(0);
        checks.expect(status == PutStatus::closed, "the put says closed");
      });
      wait_until([&] { return run->snapshot().stage("add").out >= 1; });
      if (cancel) {
        run->cancel();
        feeder.join();
      } else {
        run->stop();
        feeder.join();
        auto out = run->outlet<Number>("out");
        while (out.get()) {
        }
      }
      CHECK(run.end().ledger.balanced);
      CHECK(checks.failures() == "");
    }
  });
}

TEST_CASE("Cancel wakes a get that waits for an item", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    const Pipeline p = in_add_out(mix, 1);
    WatchedRun run(p);
    OffThreadChecks checks;
    std::thread reader([&checks, out = run->outlet<Number>("out")]() mutable {
      checks.expect(out.get().status() == GetStatus::closed, "the get says closed");
    });
    run->cancel();
    reader.join();
    CHECK(run.end().status == RunStatus::cancelled);
    CHECK(checks.failures() == "");
  });
}

TEST_CASE("Outlet: dropped early, its branch ends and the run with it, balanced", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("dropped");
    p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
        map("same", [](Number n) { return n; }, {.carrier = mix.at(1)}) |
        outlet<Number>("out", {.capacity = 2});
    WatchedRun run(p);
    {
      auto out = run->outlet<Number>("out");
      for (Number n = 0; n < 5; ++n) CHECK(*out.get() == n);
    }
    const Report report = run->wait();  // the source would never end
    CHECK(report.status == RunStatus::done);
    CHECK(report.stage("out").completed == 5);
  });
}

TEST_CASE("Outlet: nobody reads the one of two branches, the other one stops with it",
          "[pipeline]") {
  Pipeline p("unread");
  Collected<Number> got;
  auto stream = p.source("read", numbers(100));
  stream | outlet<Number>("out", {.capacity = 3});
  stream | sink("collect", got.sink());
  WatchedRun run(p);
  wait_until([&] { return run->snapshot().edges[0].queued == 3; });
  CHECK(run->join(20ms) == JoinStatus::late);
  auto out = run->outlet<Number>("out");
  Number read = 0;
  while (out.get()) ++read;
  CHECK(read == 100);
  run->wait();
  CHECK(got.items() == up_to(100));
}

TEST_CASE("Endpoints outlive their run's handle, and say closed", "[pipeline]") {
  const Pipeline p = in_add_out(kCarrierMixes[1], 4);
  std::optional<Inlet<Number>> in;
  std::optional<Outlet<Number>> out;
  {
    RunHandle run = start(p);
    in.emplace(run.inlet<Number>("in"));
    out.emplace(run.outlet<Number>("out"));
    CHECK(in->put(1) == PutStatus::ok);
  }
  CHECK(in->put(1) == PutStatus::closed);
  CHECK(out->get().status() == GetStatus::closed);
}

TEST_CASE("Endpoints of unknown names, or of another type, are a UsageError", "[pipeline]") {
  const Pipeline p = in_add_out(kCarrierMixes[0], 4);
  RunHandle run = start(p);
  CHECK_THROWS_WITH(run.inlet<Number>("ni"),
                    Catch::Contains("inlet ni") && Catch::Contains("none"));
  CHECK_THROWS_AS(run.inlet<Number>("add"), UsageError);
  CHECK_THROWS_AS(run.outlet<Number>("in"), UsageError);
  CHECK_THROWS_WITH(run.inlet<int>("in"), Catch::Contains("carries") && Catch::Contains("not int"));
  CHECK_THROWS_AS(run.outlet<std::string>("out"), UsageError);
}

TEST_CASE("Several threads may put and get at the same time", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    const Pipeline p = in_add_out(mix, 3);
    WatchedRun run(p);
    Collected<Number> got;
    std::vector<std::thread> threads;
    constexpr Number kEach = scaled(400);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Number>("out");
    for (Number t = 0; t < 3; ++t) {
      threads.emplace_back([&in, t] {
        for (Number n = 0; n < kEach; ++n) static_cast<void>(in.put(t * kEach + n));
      });
    }
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {
        while (auto item = out.get()) got.add(*item - 1);
      });
    }
    for (int t = 0; t < 3; ++t) threads[static_cast<std::size_t>(t)].join();
    in.close();
    for (std::size_t t = 3; t < threads.size(); ++t) threads[t].join();
    CHECK(run->wait().ledger.balanced);
    CHECK(got.sorted() == up_to(3 * kEach));
  });
}

TEST_CASE("Cancel while endpoints are busy leaves the ledger balanced", "[pipeline]") {
  for (int round = 0; round < scaled(200); ++round) {
    const CarrierMix& mix = kCarrierMixes[round % 4];
    const Pipeline p = in_add_out(mix, 2);
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Number>("out");
    std::thread feeder([&in] {
      while (in.put(1) == PutStatus::ok) {
      }
    });
    std::thread reader([&out] {
      while (out.get()) {
      }
    });
    wait_until(
        [&] { return run->snapshot().stage("out").completed >= static_cast<Number>(round % 50); });
    run->cancel();
    const Report report = run.end();  // throws when an item is unaccounted for
    feeder.join();
    reader.join();
    CHECK(report.status == RunStatus::cancelled);
  }
}

}  // namespace
}  // namespace sluice
