// pipelines/sources_errors_test.cpp: how errors of sources are told, and what ends their retries.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/outcome.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

TEST_CASE("A source's error and its dead letter have no item", "[pipeline][errors]") {
  Pipeline p("source");
  const auto read = [](Emitter<Number>&) -> bool { throw std::runtime_error("no"); };
  p.source<Number>("read", read) | sink("drop", [](Number) {});
  const Outcome outcome = Driver(kCarrierMixes[0]).run(p);
  REQUIRE(outcome.error.has_value());
  CHECK_FALSE(outcome.error->has_item());

  Pipeline q("letter");
  int calls = 0;
  const auto once = [&calls](Emitter<Number>&) {
    if (calls++ == 0) throw std::runtime_error("no");
    return false;
  };
  q.source<Number>("read", once, {.on_error = dead_letter()}) | sink("drop", [](Number) {});
  std::uint64_t item = 0;
  run_watched(q, {.on_dead_letter = [&](const DeadLetter& letter) { item = letter.item; }});
  CHECK(item == StageError::kNoItem);
}

TEST_CASE("What throws after cancel does not fail the run: in a stage, in a source",
          "[pipeline][stop]") {
  for (const bool in_source : {false, true}) {
    INFO((in_source ? "in a source" : "in a stage"));
    Pipeline p("cancelled");
    Gate gate;
    const auto read = [&, next = Number{0}]() mutable -> std::optional<Number> {
      if (in_source) {
        gate.pass();
        throw std::runtime_error("interrupted");
      }
      return next++;
    };
    const auto take = [&](Number) {
      gate.pass();
      throw std::runtime_error("interrupted");
    };
    p.source("read", read) | sink("take", take);
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    gate.wait_for_arrivals();
    run->cancel();
    gate.open();
    const Report report = run.end();
    CHECK(report.status == RunStatus::cancelled);
    CHECK(report.error_count == 1);
  }
}

TEST_CASE("Enough: a source's retry in an hour is given up when nobody wants its items any more",
          "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("source");
    Gate gate;
    const auto read = [next = Number{0}]() mutable -> std::optional<Number> {
      if (next == 1) throw std::runtime_error("again in an hour");
      return next++;
    };
    const auto take_one = [&gate](Number) {
      gate.pass();
      return Demand::enough;
    };
    p.source("read", read, {.carrier = mix.at(0), .on_error = retry(1, 1h)}) |
        sink("take", take_one, {.carrier = Carrier::thread});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    gate.wait_for_arrivals();
    wait_until(
        [&] { return run->explain().find("read.0: waits for a timer") != std::string::npos; });
    gate.open();
    CHECK(run->wait().status == RunStatus::done);
  });
}

}  // namespace
}  // namespace sluice
