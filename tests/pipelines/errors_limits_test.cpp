// pipelines/errors_limits_test.cpp: many failures at once: how many are kept, how many wait for their retry, and
// hooks that fail themselves.
// SPDX-License-Identifier: MIT
#include <support/collected.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/outcome.hpp>
#include <support/scale.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

TEST_CASE("Limits: all failures are counted, the first thousand are kept", "[pipeline][errors]") {
  for_every_mix([](const Driver& driver) {
    Pipeline p("many");
    p.source("read", numbers(1500), {.carrier = driver.at(0)}) |
        sink("fail", [](Number) { throw std::runtime_error("each"); },
             {.carrier = driver.at(1), .on_error = skip()});
    const Report report = driver.run(p).report;
    CHECK(report.error_count == 1500);
    REQUIRE(report.errors.size() == Report::kMaxErrors);
    for (std::size_t i = 0; i < report.errors.size(); ++i) CHECK(report.errors[i].item == i);
    CHECK(report.stage("fail").skipped == 1500);
  });
}

TEST_CASE("Limits: more items than may wait for a retry all get their second attempt",
          "[pipeline][errors]") {
  for_every_mix([](const Driver& driver) {
    Pipeline p("thousands");
    Collected<Number> got;
    const auto second = [](Number n, Context& context) {
      if (context.attempt() == 1) throw std::runtime_error("once");
      return n;
    };
    p.source("read", numbers(5000), {.carrier = driver.at(0)}) |
        map("fail", second,
            {.carrier = driver.at(1), .capacity = 4096, .on_error = retry(1, 100us)}) |
        sink("collect", got.sink());
    const Report report = driver.run(p).report;
    CHECK(got.sorted() == up_to(5000));
    CHECK(report.stage("fail").retried == 5000);
    CHECK(report.error_count == 0);
  });
}

TEST_CASE("Limits: items that wait for their retry hold the producers back in the end",
          "[pipeline][errors]") {
  for_every_mix([](const Driver& driver) {
    Pipeline p("held back");
    p.source("read", endless_numbers(), {.carrier = driver.at(0)}) |
        sink("fail", [](Number) { throw std::runtime_error("again in an hour"); },
             {.carrier = driver.at(1), .capacity = 8, .batch = 64, .on_error = retry(1, 1h)});
    WatchedRun run(p);
    wait_until([&] {
      const std::string now = run->explain();
      return now.find("fail.0: waits for a timer") != std::string::npos &&
             now.find("8 of 8 queued") != std::string::npos &&
             run->snapshot().stage("fail").retried >= 1024;
    });
    run->cancel();
    const Report report = run.end();
    CHECK(report.ledger.balanced);
    CHECK(report.stage("fail").in >= 1024);
    CHECK(report.stage("fail").in < 1024 + 64);
    CHECK(report.stage("fail").cancelled == report.stage("fail").in);
    CHECK(report.edges[0].dropped == 8);
  });
}

TEST_CASE("Limits: an attempt that fails after cancel is noted and is not made again",
          "[pipeline][errors]") {
  for (const ErrorPolicy& policy : {fail_run(), skip(), dead_letter(), retry(3), retry(3, 1h)}) {
    for_every_carrier([&](const CarrierMix& mix) {
      Pipeline p("cancelled");
      Gate gate;
      const auto fail = [&gate](Number) {
        gate.pass();
        throw std::runtime_error("too late to matter");
      };
      p.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
          sink("fail", fail, {.carrier = mix.at(1), .batch = 1, .on_error = policy});
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      gate.wait_for_arrivals();
      run->cancel();
      gate.open();
      const Report report = run.end();
      CHECK(report.status == RunStatus::cancelled);
      CHECK(gate.arrivals() == 1);
      CHECK(report.error_count == 1);
      CHECK(report.dead_letters == 0);
      const StageReport& stage = report.stage("fail");
      CHECK(stage.cancelled == stage.in);
      CHECK(stage.skipped + stage.dead + stage.failed + stage.retried == 0);
    });
  }
}

TEST_CASE("Hooks: a dead letter or a line that the application can't take fails the run",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    const auto bury = [](Number, Context& context) {
      context.log("a line");
      throw std::runtime_error("bad");
    };
    Pipeline p("hooks");
    p.source("read", endless_numbers(), {.carrier = driver.at(0)}) |
        sink("bury", bury, {.carrier = driver.at(1), .on_error = dead_letter()});
    const auto full = [](const DeadLetter&) { throw std::runtime_error("disk full"); };
    const Outcome letter = driver.run(p, {.on_dead_letter = full});
    check_failed(letter, {.stage = "bury", .phase = "on_dead_letter", .cause = "disk full"});
    CHECK(letter.report.stage("bury").dead == 1);
    CHECK(nested_text(*letter.error) == "disk full");

    const auto deaf = [](std::string_view, std::string_view) { throw 42; };
    const Outcome line = driver.run(p, {.on_log = deaf});
    REQUIRE(line.error.has_value());
    CHECK(line.error->phase() == "on_log");
    CHECK(line.error->stage() == "bury");
    CHECK(nested_text(*line.error) == "42");
  });
}

TEST_CASE("Fail run: another run that is live at the time does not notice", "[pipeline][errors]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline good("good");
    Collected<Number> got;
    good.source("read", numbers(500), {.carrier = mix.at(0)}) |
        map("same", [](Number n) { return n; }, {.carrier = mix.at(1), .capacity = 2}) |
        sink("collect", got.sink(), {.carrier = mix.at(0), .capacity = 2});
    Pipeline bad("bad");
    bad.source("read", endless_numbers(), {.carrier = mix.at(0)}) |
        sink("fail", [](Number) { throw std::runtime_error("at once"); }, {.carrier = mix.at(1)});
    WatchedRun live(good);
    for (int i = 0; i < 20; ++i) CHECK_THROWS_AS(run(bad), StageError);
    CHECK(live->wait().status == RunStatus::done);
    CHECK(got.items() == up_to(500));
  });
}

}  // namespace
}  // namespace sluice
