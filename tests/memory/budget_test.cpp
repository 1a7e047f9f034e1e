// memory/budget_test.cpp: a memory budget for a run: it holds on every carrier, everybody who waits for memory is
// woken, and all of it comes back.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/gate.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>
#include <support/shapes.hpp>
#include <support/watched_run.hpp>

#include <sluice/feedback.hpp>
#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Json = nlohmann::ordered_json;

auto strings(std::size_t count, std::size_t size) {
  return [count, size, n = std::size_t{0}]() mutable -> std::optional<std::string> {
    if (n == count) return std::nullopt;
    return std::string(size, static_cast<char>('a' + n++ % 26));
  };
}
const std::size_t kWeight = weight_of(std::string(10'000, 'x'));

TEST_CASE("Budget: items that grow stay within it, on every carrier", "[memory]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const std::size_t workers : {1U, 3U}) {
      for (const bool ordered : {false, true}) {
        INFO("workers " << workers << ", ordered " << ordered);
        Pipeline p("grow");
        std::size_t got = 0;
        p.source("read", strings(scaled(1000), 100), {.carrier = mix.at(0)}) |
            map("grow", [](const std::string& s) { return std::string(100 * s.size(), s[0]); },
                {.workers = workers,
                 .carrier = mix.at(1),
                 .order = ordered ? Order::keep : Order::none}) |
            sink("collect", [&got](const std::string& s) { got += s.size() == 10'000 ? 1 : 0; },
                 {.carrier = mix.at(2)});
        constexpr std::size_t kBudget = 200'000;
        RunOptions options;
        options.memory = kBudget;
        const Report report = run_watched(p, std::move(options));
        CHECK(got == scaled(1000));
        CHECK(report.memory.budget == kBudget);
        CHECK(report.memory.charged == 0);
        CHECK(report.memory.peak >= kWeight);
        // One item's output per worker, an item in the lane per producer, one at work.
        CHECK(report.memory.peak <= kBudget + (2 * workers + 1) * kWeight);
      }
    }
  });
}

TEST_CASE("Budget: one byte is enough for every shape on real threads", "[memory]") {
  const std::uint64_t rounds = scaled(20);
  for (const Shape& shape : kShapes) {
    for (std::uint64_t round = 0; round < rounds; ++round) {
      const std::uint64_t round_seed = seed() + round;
      INFO("shape " << shape.name << ", repeat with SLUICE_SEED=" << round_seed);
      Draw draw(round_seed);
      const Scenario scenario = shape.make(draw);
      const auto wanted = static_cast<Disturbance>(draw.one_in(2) ? 0 : draw.between(1, 2));
      RunOptions options;
      options.memory = draw.one_in(2) ? 1 : draw.between(1, 200);
      WatchedRun run(scenario.pipeline, std::move(options));
      if (wanted == Disturbance::stop) run->stop();
      if (wanted == Disturbance::cancel) run->cancel();
      const Report report = run.end();
      CHECK(report.memory.charged == 0);
      CHECK(report.ledger.balanced);
      // A run that had ended before was not disturbed.
      const bool stopped = wanted == Disturbance::stop && report.status == RunStatus::stopped;
      const bool cancelled = report.status == RunStatus::cancelled;
      scenario.check(report, cancelled ? Disturbance::cancel
                             : stopped ? Disturbance::stop
                                       : Disturbance::none);
    }
  }
}

TEST_CASE("Budget: what a callback has only read does not stay in memory", "[memory]") {
  struct Held {
    explicit Held(std::atomic<int>& live) : count(&live) { ++*count; }
    Held(Held&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
    ~Held() {
      if (count != nullptr) --*count;
    }
    std::atomic<int>* count;
  };
  std::atomic<int> live{0};
  int most_before = 0;
  Pipeline p("read only");
  p.source("read",
           [&live, n = 0]() mutable -> std::optional<Held> {
             if (n++ == 200) return std::nullopt;
             return Held(live);
           }) |
      sink("look", [&](const Held&) { most_before = std::max(most_before, live.load()); },
           {.batch = 64});
  RunOptions options;
  options.memory = 10 * sizeof(Held);
  const Report report = run_watched(p, std::move(options));
  CHECK(report.memory.charged == 0);
  // Those in the queue, one at work, one that waits in the port: nothing that was settled.
  CHECK(most_before <= 13);
  CHECK(live == 0);
}

TEST_CASE("Budget: explain says who waits for memory, and cancel ends the wait", "[memory]") {
  for (const Carrier carrier : {Carrier::thread, Carrier::pool}) {
    Gate gate;
    Pipeline p("stuck");
    p.source("read", strings(1000, 10'000), {.carrier = carrier}) |
        sink("hold", [&gate](const std::string&) { gate.pass(); },
             {.carrier = carrier, .blocking = true});
    RunOptions options;
    options.memory = 4 * kWeight;
    WatchedRun run(p, std::move(options));
    // Both are where they stay: the source waits, and the sink has begun.
    std::string text;
    wait_until([&] {
      text = run->explain();
      return text.find("waits for memory to put items on read->hold") != text.npos &&
             text.find("root cause: hold: ") != text.npos;
    });
    CHECK_THAT(text, Contains(" bytes held by items\n"));
    const Report now = run->snapshot();
    CHECK(now.memory.charged > 3 * kWeight);
    CHECK(now.edges[0].queued_bytes >= 3 * kWeight);
    run->cancel();
    gate.open();
    CHECK(run.end().memory.charged == 0);
  }
}

TEST_CASE("Budget: an inlet waits for memory, with a deadline and until it is closed", "[memory]") {
  Pipeline p("ends");
  p.inlet<std::string>("in") | outlet<std::string>("out");
  RunOptions options;
  options.memory = 3 * kWeight;
  WatchedRun run(p, std::move(options));
  auto in = run->inlet<std::string>("in");
  auto out = run->outlet<std::string>("out");
  const std::string item(10'000, 'x');
  std::size_t put = 0;
  // Until a put waits because there is no room; before, one may be late because the pipeline is.
  const auto fill = [&] {
    for (bool waits = false; !waits || run->snapshot().memory.charged < 3 * kWeight;) {
      waits = in.put(item, Deadline::after(100ms)) != PutStatus::ok;
      if (!waits) ++put;
    }
  };
  fill();
  CHECK(put >= 3);
  CHECK(put <= 5);
  // A waiting put goes on when the application reads.
  std::thread reader([&out, wanted = put] {
    for (std::size_t i = 0; i < wanted; ++i) static_cast<void>(out.get());
  });
  CHECK(in.put(item) == PutStatus::ok);
  reader.join();
  fill();
  // Another one ends with the inlet.
  PutStatus last = PutStatus::ok;
  std::thread writer([&] { last = in.put(item); });
  in.close();
  writer.join();
  CHECK(last == PutStatus::closed);
  while (out.get()) {
  }
  CHECK(run.end().memory.charged == 0);
}

TEST_CASE("Budget: a loop whose items multiply keeps them in the file", "[memory]") {
  for (const Carrier carrier : {Carrier::thread, Carrier::pool}) {
    Pipeline p("loop");
    Feedback<std::string> again(p, "again");
    std::size_t got = 0;
    // A string of 'a' makes 30 of 'b', each of which makes 30 of 'c'.
    auto split =
        merge(p.source("read", strings(1, 2000), {.carrier = carrier}), again.items()) |
        flat_map<std::string>("split",
                              [](const std::string& s, Emitter<std::string>& out) {
                                if (s[0] == 'c') return out.emit(s);
                                for (int i = 0; i < 30; ++i) {
                                  out.emit(std::string(s.size(), static_cast<char>(s[0] + 1)));
                                }
                              },
                              {.carrier = carrier});
    auto [back, done] = route(split, [](const std::string& s) { return s[0] != 'c'; });
    again.put_back(back);
    done | sink("count", [&got](const std::string&) { ++got; }, {.carrier = carrier});
    constexpr std::size_t kBudget = 20'000;
    RunOptions options;
    options.memory = kBudget;
    const Report report = run_watched(p, std::move(options));
    CHECK(got == 900);
    // The outputs of one item, what a feedback offers at once, and an item here and there.
    CHECK(report.memory.peak < kBudget + (30 + 64 + 8) * 2100);
    CHECK(report.memory.charged == 0);
  }
}

TEST_CASE("Budget: the report tells budget and peak", "[memory]") {
  Pipeline p("told");
  p.source("read", strings(10, 1000)) | sink("drop", [](const std::string&) {});
  RunOptions options;
  options.memory = 1'000'000;
  const Report report = run_watched(p, std::move(options));
  CHECK_THAT(report.table(),
             Contains("memory: at most ") && Contains(" of 1000000 bytes were held by items\n"));
  const Json json = Json::parse(report.json());
  CHECK(json["memory"]["budget"] == 1'000'000);
  CHECK(json["memory"]["peak"].get<std::uint64_t>() >= weight_of(std::string(1000, 'x')));
  CHECK(json["memory"]["charged"] == 0);
  const Report without = run_watched(p);
  CHECK(without.memory.budget == 0);
  CHECK(!Json::parse(without.json()).contains("memory"));
}

}  // namespace
}  // namespace sluice
