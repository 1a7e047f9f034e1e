// pipelines/several_runs_test.cpp: runs at the same time, of one pipeline or several, from many threads.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/off_thread_checks.hpp>
#include <support/scale.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

/// Sums 0 ... count - 1 into `sum`, over a stage with two workers.
Pipeline summing(const CarrierMix& mix, Number count, std::atomic<Number>& sum) {
  Pipeline p("sum");
  p.source("read", numbers(count), {.carrier = mix.at(0)}) |
      map("same", [](Number n) { return n; }, {.workers = 2, .carrier = mix.at(1), .capacity = 8}) |
      sink("add", [&sum](Number n) { sum += n; }, {.carrier = mix.at(2), .capacity = 8});
  return p;
}

TEST_CASE("Runs: one pipeline may run twice at the same time", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    std::atomic<Number> sum{0};
    const Pipeline p = summing(mix, 1000, sum);
    WatchedRun one(p);
    WatchedRun two(p);
    CHECK(one->wait().stage("add").completed == 1000);
    CHECK(two->wait().stage("add").completed == 1000);
    CHECK(sum == 2 * 499'500);
  });
}

TEST_CASE("Runs: many threads may run many pipelines at the same time", "[pipeline]") {
  OffThreadChecks checks;
  std::atomic<Number> shared_sum{0};
  const Pipeline shared = summing(kCarrierMixes[1], 300, shared_sum);
  constexpr int kRounds = scaled(20);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 6; ++t) {
    threads.emplace_back([&checks, &shared, t] {
      for (int round = 0; round < kRounds; ++round) {
        std::atomic<Number> sum{0};
        const Pipeline mine = summing(kCarrierMixes[t % 4], 300, sum);
        RunHandle other = start(shared);
        checks.expect_equal(run(mine).stage("add").completed, Number{300}, "items of its own run");
        checks.expect_equal(sum.load(), Number{44'850}, "sum of its own run");
        checks.expect(other.wait().ledger.balanced, "the shared pipeline's run is balanced");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(checks.failures() == "");
  CHECK(shared_sum == 6 * kRounds * Number{44'850});
}

TEST_CASE("Runs: a run may start runs from inside its stages", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("outer");
    std::atomic<Number> sum{0};
    const auto inner = [&sum](Number count) {
      run(summing(kCarrierMixes[0], count, sum));
      return count;
    };
    p.source("read", numbers(5), {.carrier = mix.at(0)}) |
        map("run", inner, {.carrier = mix.at(1)}) | sink("drop", [](Number) {});
    run_watched(p);
    CHECK(sum == 0 + 0 + 1 + 3 + 6);
  });
}

TEST_CASE("Runs: one that is stuck does not keep others on the pool from running", "[pipeline]") {
  if (pool_size() < 2) {
    SUCCEED("needs a pool of two threads");
    return;
  }
  Gate gate;
  Pipeline stuck("stuck");
  stuck.source("read", numbers(1), {.carrier = Carrier::thread}) |
      sink("stuck", [&gate](Number) { gate.pass(); }, {.carrier = Carrier::pool});
  WatchedRun run(stuck);
  const OpensAtEnd opens(gate);
  gate.wait_for_arrivals();
  std::atomic<Number> sum{0};
  run_watched(summing(kCarrierMixes[1], 500, sum));
  CHECK(sum == 124'750);
  gate.open();
  run->wait();
}

TEST_CASE("Runs: handles may be moved, assigned and dropped", "[pipeline]") {
  Pipeline p("endless");
  p.source("read", endless_numbers()) | sink("drop", [](Number) {});
  RunHandle first = start(p);
  RunHandle second = std::move(first);
  second = start(p);  // cancels and joins the one that it held
  std::vector<RunHandle> many;
  for (int i = 0; i < 5; ++i) many.push_back(start(p));
  many.clear();
  second.cancel();
  CHECK(second.join() == JoinStatus::ended);
}

std::string name_of_this_thread() {
  std::ifstream in{std::filesystem::path{"/proc/thread-self/comm"}};
  std::string name;
  std::getline(in, name);
  return name;
}

TEST_CASE("Runs: threads carry the name of their stage, those of the pool its own", "[pipeline]") {
  Pipeline p("names");
  Collected<std::pair<std::string, std::string>> names;
  const auto look = [&names](Number n, Context& context) {
    names.add({std::string(context.stage()), name_of_this_thread()});
    return n;
  };
  p.source("read", numbers(1)) | map("on a thread", look, {.carrier = Carrier::thread}) |
      map("a name that is far too long", look, {.carrier = Carrier::thread}) |
      map("on the pool", look, {.carrier = Carrier::pool}) | sink("drop", [](Number) {});
  run_watched(p);
  using Names = std::vector<std::pair<std::string, std::string>>;
  CHECK(names.items() == Names{{"on a thread", "on a thread"},
                               {"a name that is far too long", "a name that is "},
                               {"on the pool", "sluice-pool"}});
}

TEST_CASE("Runs: Context::seed differs by stage and worker, and repeats with the run's seed",
          "[pipeline]") {
  const auto seeds_of = [](std::uint64_t seed) {
    Pipeline p("seeds");
    Collected<std::uint64_t> seeds;
    struct Noter {
      using Out = Number;
      Collected<std::uint64_t>* seeds;
      void start(Context& context) { seeds->add(context.seed()); }
      void process(Number n, Emitter<Number>& out) { out.emit(n); }
    };
    p.source("read", numbers(1)) | stage("a", Noter{&seeds}, {.workers = 3}) |
        stage("b", Noter{&seeds}, {.workers = 3}) | sink("drop", [](Number) {});
    run_watched(p, {.seed = seed});
    return seeds.sorted();
  };
  const std::vector<std::uint64_t> seeds = seeds_of(42);
  REQUIRE(seeds.size() == 6);
  for (std::size_t i = 1; i < seeds.size(); ++i) CHECK(seeds[i] != seeds[i - 1]);
  CHECK(seeds_of(42) == seeds);
  CHECK(seeds_of(43) != seeds);
  CHECK(seeds_of(0) != seeds_of(0));  // 0 takes a fresh one
}

TEST_CASE("Runs: log lines and dead letters reach the hooks one at a time", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("hooks");
    std::atomic<int> inside{0};
    std::atomic<bool> alone{true};
    std::atomic<int> lines{0};
    const auto enter = [&] {
      if (++inside != 1) alone = false;
      std::this_thread::yield();
      --inside;
    };
    const auto say = [](Number n, Context& context) {
      context.log("item");
      if (n % 2 == 0) context.dead(std::to_string(n), "even");
      return n;
    };
    p.source("read", numbers(100), {.carrier = mix.at(0)}) |
        map("say", say, {.workers = 3, .carrier = mix.at(1)}) | sink("drop", [](Number) {});
    std::vector<std::string> subjects;
    const Report report = run_watched(p, {.on_dead_letter =
                                              [&](const DeadLetter& letter) {
                                                enter();
                                                subjects.push_back(letter.subject);
                                              },
                                          .on_log =
                                              [&](std::string_view stage, std::string_view text) {
                                                enter();
                                                if (stage == "say" && text == "item") ++lines;
                                              }});
    CHECK(alone);
    CHECK(lines == 100);
    CHECK(subjects.size() == 50);
    CHECK(report.dead_letters == 50);
    CHECK(report.stage("say").dead == 50);
    CHECK(report.stage("say").completed == 100);
  });
}

}  // namespace
}  // namespace sluice
