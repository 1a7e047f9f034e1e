// pipelines/stop_cancel_test.cpp: stop and cancel before, during and after a run: what is still emitted, what
// drains, what is dropped, and what the run says it was.
//
// After stop a source emits what the next() in progress emits, and what its finish emits; nothing else. After
// cancel no further callback begins.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/off_thread_checks.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

enum class How : unsigned char { stop, cancel };
constexpr How kBoth[] = {How::stop, How::cancel};

void end(RunHandle& run, How how) {
  if (how == How::stop) run.stop();
  if (how == How::cancel) run.cancel();
}
RunStatus status_after(How how) {
  return how == How::stop ? RunStatus::stopped : RunStatus::cancelled;
}

/// Counts its calls; from call `held` on it passes the gate first. Two numbers a call, one in finish.
struct HeldSource {
  using Out = Number;
  Gate* gate;
  Number held;
  std::atomic<Number>* calls;
  std::atomic<int>* finishes;
  bool next(Emitter<Number>& out) const {
    const Number call = (*calls)++;
    if (call >= held) gate->pass();
    out.emit(2 * call);
    out.emit(2 * call + 1);
    return true;
  }
  void finish(Emitter<Number>& out) const {
    ++*finishes;
    out.emit(2 * *calls);
  }
};

TEST_CASE("Stop: the source emits what its call in progress emits, and in finish, and no more",
          "[pipeline][stop]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const Number held : {0U, 1U, 20U}) {  // before the first item, and in the middle
      Pipeline p("in progress");
      Gate gate;
      std::atomic<Number> calls{0};
      std::atomic<int> finishes{0};
      Collected<Number> got;
      p.source("read", HeldSource{&gate, held, &calls, &finishes}, {.carrier = mix.at(0)}) |
          map("same", [](Number n) { return n; }, {.carrier = mix.at(1), .capacity = 2}) |
          sink("collect", got.sink(), {.carrier = mix.at(0), .capacity = 1});
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      gate.wait_for_arrivals();
      run->stop();
      gate.open();
      const Report report = run.end();
      CHECK(report.status == RunStatus::stopped);
      CHECK(calls == held + 1);
      CHECK(finishes == 1);
      CHECK(got.items() == up_to(2 * (held + 1) + 1));
      CHECK(report.stage("read").out == got.size());
      CHECK(report.stage("collect").completed == got.size());
    }
  });
}

TEST_CASE("Cancel: what its call in progress emits is refused, and finish is not called",
          "[pipeline][stop]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const Number held : {0U, 1U, 20U}) {
      Pipeline p("in progress");
      Gate gate;
      std::atomic<Number> calls{0};
      std::atomic<int> finishes{0};
      Collected<Number> got;
      p.source("read", HeldSource{&gate, held, &calls, &finishes}, {.carrier = mix.at(0)}) |
          sink("collect", got.sink(), {.carrier = mix.at(1), .capacity = 1});
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      gate.wait_for_arrivals();
      run->cancel();
      gate.open();
      const Report report = run.end();
      CHECK(report.status == RunStatus::cancelled);
      CHECK(calls == held + 1);
      CHECK(finishes == 0);
      CHECK(report.stage("read").refused == 2);
      CHECK(report.stage("read").out == 2 * held);
      CHECK(got.size() <= 2 * held);
      CHECK(got.items() == up_to(got.size()));
    }
  });
}

TEST_CASE("Cancel: the item in a callback is finished and counted, the others are dropped",
          "[pipeline][stop]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("drops");
    Gate gate;
    Collected<Number> got;
    const auto take = [&](Number n) {
      gate.pass();
      got.add(n);
    };
    p.source("read", numbers(10), {.carrier = mix.at(0)}) |
        sink("take", take, {.carrier = mix.at(1), .capacity = 16, .batch = 1});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    gate.wait_for_arrivals();
    wait_until([&] { return run->snapshot().edges[0].queued == 9; });
    run->cancel();
    CHECK(run->snapshot().edges[0].queued == 0);
    CHECK(run->join(Deadline::now()) == JoinStatus::late);  // the callback holds it
    gate.open();
    const Report report = run.end();
    CHECK(report.status == RunStatus::cancelled);
    CHECK(report.ledger.balanced);
    CHECK(got.items() == up_to(1));
    CHECK(report.edges[0].put == 10);
    CHECK(report.edges[0].got == 1);
    CHECK(report.edges[0].dropped == 9);
    CHECK(report.edges[0].done == 1);
    CHECK(report.stage("take").completed == 1);
  });
}

TEST_CASE("Join: it is late while a callback is held, as often as it is asked, then it ended",
          "[pipeline][stop]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const How how : kBoth) {
      Pipeline p("late");
      Gate gate;
      p.source("read", numbers(3), {.carrier = mix.at(0)}) |
          sink("held", [&gate](Number) { gate.pass(); }, {.carrier = mix.at(1)});
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      gate.wait_for_arrivals();
      CHECK(run->join(Deadline::now()) == JoinStatus::late);
      end(*run, how);
      CHECK(run->join(std::chrono::milliseconds{1}) == JoinStatus::late);
      CHECK(run->join(Deadline::now()) == JoinStatus::late);
      CHECK(run->snapshot().status == RunStatus::running);
      gate.open();
      CHECK(run->join() == JoinStatus::ended);
      CHECK(run->join(Deadline::now()) == JoinStatus::ended);
      CHECK(run->snapshot().status == status_after(how));
    }
  });
}

TEST_CASE("Stop and cancel after the end change nothing", "[pipeline][stop]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("ended");
    Collected<Number> got;
    p.source("read", numbers(5), {.carrier = mix.at(0)}) |
        sink("collect", got.sink(), {.carrier = mix.at(1)});
    WatchedRun run(p);
    CHECK(run->join() == JoinStatus::ended);
    for (const How how : kBoth) end(*run, how);
    CHECK(run->join() == JoinStatus::ended);
    const Report report = run->wait();
    CHECK(report.status == RunStatus::done);
    CHECK(report.edges[0].dropped == 0);
    CHECK(got.size() == 5);
  });
}

TEST_CASE("Stop twice is stop, cancel after stop is cancel, stop after cancel changes nothing",
          "[pipeline][stop]") {
  using Asked = std::vector<How>;
  for (const Asked& asked : {Asked{How::stop, How::stop}, Asked{How::cancel, How::cancel},
                             Asked{How::stop, How::cancel}, Asked{How::cancel, How::stop}}) {
    for_every_carrier([&](const CarrierMix& mix) {
      Pipeline p("twice");
      Gate gate;
      p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
          sink("held", [&gate](Number) { gate.pass(); },
               {.carrier = mix.at(1), .capacity = 4, .batch = 1});
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      gate.wait_for_arrivals();
      wait_until([&] { return run->snapshot().edges[0].queued == 4; });
      for (const How how : asked) end(*run, how);
      gate.open();
      const Report report = run.end();
      CHECK(report.ledger.balanced);
      const bool cancelled = std::count(asked.begin(), asked.end(), How::cancel) > 0;
      CHECK(report.status == (cancelled ? RunStatus::cancelled : RunStatus::stopped));
      CHECK(report.edges[0].dropped == (cancelled ? 4 : 0));
      const StageReport& held = report.stage("held");
      CHECK(held.completed == (cancelled ? 1 : report.stage("read").out));
    });
  }
}

TEST_CASE("Stop and cancel from inside any stage, at the first, a middle and the last item",
          "[pipeline][stop]") {
  for (const How how : kBoth) {
    for (const std::size_t place : {0U, 1U, 2U}) {
      for (const Number at : {0U, 7U, 29U}) {
        INFO("place " << place << ", item " << at);
        for_every_carrier([&](const CarrierMix& mix) {
          Pipeline p("inside");
          Collected<Number> got;
          std::atomic<Number> emitted{0};
          const auto ask = [&](Number n, std::size_t here, Context& context) {
            if (n != at || here != place) return;
            if (how == How::stop) context.stop();
            if (how == How::cancel) context.cancel();
          };
          const auto read = [&](Context& context) -> std::optional<Number> {
            if (emitted == 30) return std::nullopt;
            ask(emitted, 0, context);
            return emitted++;
          };
          const auto pass = [&](Number n, Context& context) {
            ask(n, 1, context);
            return n;
          };
          const auto take = [&](Number n, Context& context) {
            got.add(n);
            ask(n, 2, context);
          };
          p.source("read", read, {.carrier = mix.at(0)}) |
              map("pass", pass, {.carrier = mix.at(1), .capacity = 3}) |
              sink("take", take, {.carrier = mix.at(0), .capacity = 2});
          WatchedRun run(p);
          const Report report = run.end();
          CHECK(report.status == status_after(how));
          CHECK(report.ledger.balanced);
          if (how == How::stop) {
            CHECK(got.items() == up_to(emitted));  // all that was emitted has drained
            CHECK(emitted > at);
            if (place == 0) CHECK(emitted == at + 1);
          } else {
            CHECK(got.items() == up_to(got.size()));
            if (place == 0) CHECK(got.size() <= at);
            if (place == 1) CHECK(got.size() <= at);
            if (place == 2) CHECK(got.size() == at + 1);
          }
        });
      }
    }
  }
}

TEST_CASE("Stop drains fan-out, merge, keys, batches and reductions to the last item",
          "[pipeline][stop]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("drains");
    std::atomic<Number> emitted{0};
    std::atomic<Number> batched{0};
    std::atomic<Number> reduced{0};
    Collected<Number> got;
    const auto read = [&]() -> std::optional<Number> { return emitted++; };
    auto stream = p.source("read", read, {.carrier = mix.at(0)});
    auto left = stream | map("left", [](Number n) { return n; },
                             {.workers = 2, .carrier = mix.at(1), .capacity = 3});
    auto right =
        stream | map("right", [](Number n) { return n; }, {.carrier = mix.at(0), .capacity = 2});
    auto merged = merge(left, right);
    merged | sink("collect", got.sink(), {.workers = 2, .carrier = mix.at(1), .capacity = 4});
    merged | batch("batch", 7, std::chrono::hours{1}) |
        sink("batched", [&](const std::vector<Number>& all) { batched += all.size(); });
    merged | key_by([](const Number& n) { return n % 11; }) |
        reduce("count", Number{0}, [](Number& count, Number) { ++count; },
               {.workers = 2, .carrier = mix.at(0)}) |
        sink("reduced", [&](const std::pair<Number, Number>& of_key) { reduced += of_key.second; });
    WatchedRun run(p);
    wait_until([&] { return got.size() > 200; });
    run->stop();
    const Report report = run.end();
    CHECK(report.status == RunStatus::stopped);
    std::vector<Number> twice;
    for (Number n = 0; n < emitted; ++n) twice.insert(twice.end(), 2, n);
    CHECK(got.sorted() == twice);
    CHECK(batched == 2 * emitted);
    CHECK(reduced == 2 * emitted);
    for (const EdgeReport& edge : report.edges) CHECK(edge.dropped == 0);
  });
}

TEST_CASE("Stop and cancel from many threads at once are one", "[pipeline][stop]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const How how : kBoth) {
      Pipeline p("threads");
      std::atomic<Number> emitted{0};
      Collected<Number> got;
      p.source("read", [&]() -> std::optional<Number> { return emitted++; },
               {.carrier = mix.at(0)}) |
          sink("collect", got.sink(), {.carrier = mix.at(1), .capacity = 3});
      WatchedRun run(p);
      wait_until([&] { return got.size() > 10; });
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&run, how] {
          end(*run, how);
          static_cast<void>(run->join());
        });
      }
      for (std::thread& thread : threads) thread.join();
      const Report report = run.end();
      CHECK(report.status == status_after(how));
      CHECK(report.ledger.balanced);
      if (how == How::stop) CHECK(got.items() == up_to(emitted));
      CHECK(got.items() == up_to(got.size()));
    }
  });
}

TEST_CASE("Stop and cancel at the very moment of the natural end leave a balanced account",
          "[pipeline][stop]") {
  std::mt19937_64 engine = random_engine();
  for (int round = 0; round < scaled(400); ++round) {
    const CarrierMix& mix = kCarrierMixes[round % 4];
    const How how = kBoth[engine() % 2];
    const auto count = static_cast<Number>(engine() % 30);
    const Number asks_at = engine() % (count + 1);  // mostly near the end: the run is short
    Pipeline p("race");
    std::atomic<Number> emitted{0};
    Collected<Number> got;
    const auto read = [&]() -> std::optional<Number> {
      if (emitted == count) return std::nullopt;
      return emitted++;
    };
    p.source("read", read, {.carrier = mix.at(0)}) |
        map("same", [](Number n) { return n; }, {.carrier = mix.at(1), .capacity = 2}) |
        sink("collect", got.sink(), {.carrier = mix.at(0), .capacity = 2});
    WatchedRun run(p);
    std::thread ender([&run, &emitted, how, asks_at] {
      while (emitted < asks_at) std::this_thread::yield();
      end(*run, how);
    });
    CHECK(run->join() == JoinStatus::ended);  // throws when an item is unaccounted for
    ender.join();
    const Report report = run->wait();
    CHECK(report.ledger.balanced);
    CHECK((report.status == RunStatus::done || report.status == status_after(how)));
    CHECK(got.items() == up_to(got.size()));
    if (report.status != RunStatus::cancelled) CHECK(got.size() == emitted);
    if (report.status == RunStatus::done) CHECK(got.size() == count);
  }
}

}  // namespace
}  // namespace sluice
