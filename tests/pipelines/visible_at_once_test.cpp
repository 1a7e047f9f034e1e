// pipelines/visible_at_once_test.cpp: no item is held back by user code.
//
// In each test a producer emits an item and then, in its next callback, waits until a consumer reports
// having seen that item. A pipeline that held the item back would hang.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

constexpr Number kRounds = 300;

/// What a consumer has seen, and a way to wait for it.
class Seen {
 public:
  void report(Number n) {
    const std::lock_guard lock{mutex_};
    count_ = n + 1;
    changed_.notify_all();
  }
  /// Blocks until so many items were seen.
  void wait_for(Number count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Number count_ = 0;
};

/// On a pool of one thread the waiting callback holds the only thread there is.
bool can_wait(const CarrierMix& mix) {
  return pool_size() >= 2 || (mix.even == Carrier::thread && mix.odd == Carrier::thread);
}

auto after_seen(Seen& seen) {
  return [&seen, next = Number{0}]() mutable -> std::optional<Number> {
    seen.wait_for(next);
    if (next == kRounds) return std::nullopt;
    return next++;
  };
}

TEST_CASE("Visible at once: an item of a source, although its next call waits for the sink",
          "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_wait(mix)) return;
    Seen seen;
    Pipeline p("source");
    p.source("read", after_seen(seen), {.carrier = mix.at(0)}) |
        sink("see", [&seen](Number n) { seen.report(n); }, {.carrier = mix.at(1)});
    CHECK(run_watched(p).stage("see").completed == kRounds);
  });
}

TEST_CASE("Visible at once: through three stages of every carrier", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_wait(mix)) return;
    Seen seen;
    Pipeline p("chain");
    const auto emit = [](Number n, Emitter<Number>& out) { out.emit(n); };
    p.source("read", after_seen(seen), {.carrier = mix.at(0)}) |
        map("a", [](Number n) { return n; }, {.carrier = mix.at(1)}) |
        flat_map<Number>("b", emit, {.carrier = mix.at(2)}) |
        sink("see", [&seen](Number n) { seen.report(n); }, {.carrier = mix.at(3)});
    CHECK(run_watched(p).stage("see").completed == kRounds);
  });
}

TEST_CASE("Visible at once: an item of a stage with a backlog, although its next callback waits",
          "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_wait(mix)) return;
    Seen seen;
    Pipeline p("stage");
    // All items are there from the start, so the stage takes them in batches.
    const auto wait_first = [&seen](Number n) {
      seen.wait_for(n);
      return n;
    };
    p.source("read", numbers(kRounds), {.carrier = mix.at(1)}) |
        map("wait", wait_first, {.carrier = mix.at(0), .batch = 256}) |
        sink("see", [&seen](Number n) { seen.report(n); }, {.carrier = mix.at(1)});
    CHECK(run_watched(p).stage("see").completed == kRounds);
  });
}

TEST_CASE("Visible at once: outputs of flat_map and of a fan-out's branches", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_wait(mix)) return;
    Seen seen[2];
    Pipeline p("branches");
    const auto wait_first = [&seen](Number n, Emitter<Number>& out) {
      seen[0].wait_for(n);
      seen[1].wait_for(n);
      out.emit(n);
    };
    auto stream = p.source("read", numbers(kRounds), {.carrier = mix.at(1)}) |
                  flat_map<Number>("wait", wait_first, {.carrier = mix.at(0)});
    stream | sink("see", [&](Number n) { seen[0].report(n); }, {.carrier = mix.at(1)});
    stream | key_by([](const Number& n) { return n; }) |
        sink("see too", [&](Number n) { seen[1].report(n); }, {.workers = 2, .carrier = mix.at(1)});
    CHECK(run_watched(p).stage("see too").completed == kRounds);
  });
}

TEST_CASE("Visible at once: what an inlet was given, and what an outlet shows", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("endpoints");
    p.inlet<Number>("in", {.carrier = mix.at(0)}) |
        map("same", [](Number n) { return n; }, {.carrier = mix.at(1)}) | outlet<Number>("out");
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    auto out = run->outlet<Number>("out");
    for (Number n = 0; n < kRounds; ++n) {
      REQUIRE(in.put(n) == PutStatus::ok);
      REQUIRE(*out.get() == n);  // before anything else is put
    }
    in.close();
    CHECK(out.get().status() == GetStatus::closed);
    run->wait();
  });
}

TEST_CASE("Visible at once: items go to the other worker while one is in user code for long",
          "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_wait(mix)) return;
    Gate gate;
    Pipeline p("workers");
    p.inlet<Number>("in", {.carrier = Carrier::thread}) |
        sink("work",
             [&gate](Number n) {
               if (n == 0) gate.pass();
             },
             {.workers = 2, .carrier = mix.at(0)});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    auto in = run->inlet<Number>("in");
    REQUIRE(in.put(0) == PutStatus::ok);
    gate.wait_for_arrivals();
    for (Number n = 1; n <= 20; ++n) REQUIRE(in.put(n) == PutStatus::ok);
    wait_until([&] { return run->snapshot().stage("work").completed == 20; });
    in.close();
    gate.open();
    CHECK(run->wait().stage("work").completed == 21);
  });
}

}  // namespace
}  // namespace sluice
