// pipelines/idle_test.cpp: a pipeline with nothing to do sleeps: no thread of it wakes up.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

/// Voluntary context switches of every thread but the calling one, by thread.
std::map<std::string, std::uint64_t> voluntary_switches() {
  std::map<std::string, std::uint64_t> switches;
  const std::string self = std::filesystem::read_symlink("/proc/thread-self").filename();
  for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
    if (task.path().filename() == self) continue;
    std::ifstream status{task.path() / "status"};
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("voluntary_ctxt_switches:")) {
        switches[task.path().filename()] = std::stoull(line.substr(line.find(':') + 1));
      }
    }
  }
  return switches;
}

/// The switches during two seconds in which this thread sleeps.
std::map<std::string, std::uint64_t> switches_while_idle() {
  // Whoever was about to sleep does; no result depends on how long that takes.
  auto before = voluntary_switches();
  for (int looks = 0; looks < 20; ++looks) {
    std::this_thread::sleep_for(200ms);
    const auto last = std::exchange(before, voluntary_switches());
    if (before == last) break;
  }
  std::this_thread::sleep_for(2s);
  auto after = voluntary_switches();
  for (auto& [thread, count] : after) {
    const auto known = before.find(thread);
    if (known != before.end()) count -= known->second;
  }
  return after;
}

#if defined(__SANITIZE_THREAD__)
constexpr bool kOwnThreadWakes = true;  // the race detector's own thread wakes every 0.1 s
#else
constexpr bool kOwnThreadWakes = false;
#endif

TEST_CASE("Idle: an inlet that stays empty costs no context switch", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("idle");
    auto stream = p.inlet<Number>("in", {.carrier = mix.at(0)}) |
                  map("same", [](Number n) { return n; }, {.workers = 2, .carrier = mix.at(1)});
    stream | key_by([](const Number& n) { return n; }) |
        sink("a", [](Number) {}, {.workers = 2, .carrier = mix.at(2)});
    stream | batch("pack", 10, 10ms, {.carrier = mix.at(1)}) |
        sink("b", [](const std::vector<Number>&) {}, {.carrier = mix.at(3)});
    WatchedRun run(p);
    auto in = run->inlet<Number>("in");
    for (Number n = 0; n < 5; ++n) REQUIRE(in.put(n) == PutStatus::ok);
    wait_until([&] { return run->snapshot().stage("b").completed >= 1; });
    std::size_t woken = 0;
    for (const auto& [thread, count] : switches_while_idle()) woken += count > 0 ? 1 : 0;
    CHECK(woken <= (kOwnThreadWakes ? 1U : 0U));
    in.close();
    run->wait();
  });
}

TEST_CASE("Idle: a full pipeline whose sink is stuck costs no context switch", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("full");
    Gate gate;
    p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
        map("same", [](Number n) { return n; },
            {.workers = 2, .carrier = mix.at(1), .capacity = 4}) |
        sink("stuck", [&gate](Number) { gate.pass(); }, {.carrier = mix.at(2), .capacity = 4});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    wait_until([&] {
      const Report now = run->snapshot();
      return now.edges[0].queued == 4 && now.edges[1].queued == 4;
    });
    std::size_t woken = 0;
    for (const auto& [thread, count] : switches_while_idle()) woken += count > 0 ? 1 : 0;
    CHECK(woken <= (kOwnThreadWakes ? 1U : 0U));
    run->cancel();
    gate.open();
    CHECK(run.end().ledger.balanced);
  });
}

}  // namespace
}  // namespace sluice
