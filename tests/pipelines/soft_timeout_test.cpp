// pipelines/soft_timeout_test.cpp: items that take longer than their stage's soft timeout.
//
// The late items wait for their own stop token, so these tests end when and only when it is set.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

// No test means this one to be over.
constexpr auto kLong = std::chrono::hours(1);

void wait_for_stop(const std::stop_token& token) {
  while (!token.stop_requested()) std::this_thread::yield();
}

/// Lines of a run's log; any thread.
class LogLines {
 public:
  [[nodiscard]] auto hook() {
    return [this](std::string_view stage, std::string_view line) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::string(stage) + ": " + std::string(line));
    };
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

TEST_CASE("soft_timeout: a late item is told, counted and asked to stop, the others are not",
          "[pipeline][soft_timeout]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (const std::size_t workers : {1U, 2U}) {
      Pipeline p("late");
      LogLines log;
      std::atomic<std::uint64_t> asked_before{0};
      Collected<Number> got;
      const auto work = [&](Number n, Context& context) {
        const std::stop_token token = context.stop_token();
        const bool is_late = n == 3 || n == 7;
        if (!is_late && token.stop_requested()) ++asked_before;
        if (is_late) wait_for_stop(token);
        return n;
      };
      p.source("read", numbers(20), {.carrier = mix.at(0)}) |
          map("work", work,
              {.workers = workers,
               .carrier = mix.at(1),
               .order = Order::keep,
               .soft_timeout = 5ms}) |
          sink("collect", got.sink(), {.carrier = mix.at(0)});
      const Report report = run_watched(p, {.on_log = log.hook()});
      CHECK(got.items() == up_to(20));
      // A loaded machine may make others late, even before they have looked; nobody else is asked.
      const std::uint64_t overdue = report.stage("work").overdue;
      CHECK(overdue >= 2);
      CHECK(asked_before + 2 <= overdue);
      const auto lines = log.lines();
      CHECK(lines.size() == overdue);
      std::string all;
      for (const std::string& line : lines) all += line + '\n';
      CHECK_THAT(all, Contains("work: worker "));
      CHECK_THAT(all, Contains(": item 3, attempt 1, has been at work for "));
      CHECK_THAT(all, Contains(": item 7, attempt 1, has been at work for "));
      CHECK_THAT(all, Contains("longer than the soft timeout of 0.005 s"));
      CHECK(report.ledger.balanced);
    }
  });
}

TEST_CASE("soft_timeout: every attempt has a time of its own", "[pipeline][soft_timeout]") {
  Pipeline p("attempts");
  Collected<Number> got;
  const auto work = [](Number n, Context& context) {
    if (n == 1 && context.attempt() < 3) {
      wait_for_stop(context.stop_token());
      throw std::runtime_error("late");
    }
    return n;
  };
  p.source("read", numbers(3)) |
      map("work", work, {.soft_timeout = 2ms, .on_error = retry(2).then(skip())}) |
      sink("collect", got.sink());
  const Report report = run_watched(p);
  CHECK(got.items() == up_to(3));
  CHECK(report.stage("work").retried == 2);
  CHECK(report.stage("work").overdue >= 2);
}

TEST_CASE("soft_timeout: a sink may have one, and a stage may be told nothing",
          "[pipeline][soft_timeout]") {
  Pipeline p("sink");
  std::atomic<int> used{0};
  p.source("read", numbers(100)) |
      map("none", [](Number n) { return n; }, {.soft_timeout = kLong}) |
      sink("use",
           [&](Number n, Context& context) {
             if (n == 50) wait_for_stop(context.stop_token());
             ++used;
           },
           {.soft_timeout = 2ms});
  const Report report = run_watched(p);
  CHECK(used == 100);
  CHECK(report.stage("use").overdue >= 1);
  CHECK(report.stage("none").overdue == 0);
}

TEST_CASE("soft_timeout: stop and cancel reach an item that is not late",
          "[pipeline][soft_timeout]") {
  for (const bool cancel : {false, true}) {
    Pipeline p("stopped");
    std::atomic<bool> begun{false};
    p.source("read", numbers(100)) | sink("wait",
                                          [&](Number, Context& context) {
                                            begun = true;
                                            wait_for_stop(context.stop_token());
                                          },
                                          {.carrier = Carrier::thread, .soft_timeout = kLong});
    WatchedRun run(p);
    wait_until([&] { return begun.load(); });
    if (cancel) {
      run->cancel();
    } else {
      run->stop();
    }
    const Report report = run.end();
    CHECK(report.stage("wait").overdue == 0);
    CHECK(report.ledger.balanced);
  }
}

TEST_CASE("soft_timeout: a negative one is refused", "[pipeline][soft_timeout]") {
  Pipeline p("negative");
  p.source("read", numbers(3)) | sink("use", [](Number) {}, {.soft_timeout = -1ms});
  CHECK_THROWS_WITH(run(p), Contains("stage use: soft_timeout is negative"));
}

}  // namespace
}  // namespace sluice
