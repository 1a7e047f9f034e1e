// pipelines/errors_routing_test.cpp: what a key function or a predicate throws costs the item nothing.
// SPDX-License-Identifier: MIT
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/outcome.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

TEST_CASE("Key and route: a filter's retry after a key that threw has the whole item again",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    Pipeline p("again");
    Collected<std::string> got;
    std::atomic<int> calls{0};
    const auto key = [&calls](const std::string& text) {
      if (calls++ % 2 == 0) throw std::runtime_error("no key at first");
      return text;
    };
    p.source("read", numbers(5), {.carrier = driver.at(0)}) |
        map("text", [](Number n) { return std::string(40, 'x') + std::to_string(n); }) |
        filter("pass", [](const std::string&) { return true; },
               {.carrier = driver.at(1), .on_error = retry(3)}) |
        key_by(key) | sink("collect", got.sink());
    CHECK(driver.run(p).report.status == RunStatus::done);
    std::vector<std::string> expected;
    for (Number n = 0; n < 5; ++n) expected.push_back(std::string(40, 'x') + std::to_string(n));
    CHECK(got.sorted() == expected);
  });
}

TEST_CASE("Key and route: a filter's dead letter for a key that threw has its payload",
          "[pipeline][errors]") {
  Pipeline p("letter");
  const auto key = [](const std::string&) -> int { throw std::runtime_error("no key"); };
  p.source("read", numbers(1)) | map("text", [](Number) { return std::string(40, 'x'); }) |
      filter("pass", [](const std::string&) { return true; }, {.on_error = dead_letter("bad")}) |
      key_by(key) | sink("drop", [](const std::string&) {});
  std::string payload;
  run_watched(p, {.on_dead_letter = [&](const DeadLetter& letter) { payload = letter.payload; }});
  CHECK(payload == std::string(40, 'x'));
}

TEST_CASE("Key and route: a batch whose key throws fails the run, its items were counted before",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    for (const ErrorPolicy& policy : {skip(), retry(2), dead_letter("bad")}) {
      Pipeline p("batches");
      const auto key = [](const std::vector<Number>& pack) -> Number {
        if (pack.front() == 3) throw std::runtime_error("no key");
        return pack.front();
      };
      p.source("read", numbers(9), {.carrier = driver.at(0)}) |
          batch("pack", 3, std::chrono::hours{1}, {.carrier = driver.at(1), .on_error = policy}) |
          key_by(key) | sink("drop", [](const std::vector<Number>&) {});
      const Outcome outcome = driver.run(p);
      REQUIRE(outcome.error.has_value());
      CHECK(outcome.error->stage() == "pack");
      CHECK(outcome.report.stage("pack").failed == 1);
    }
  });
}

TEST_CASE(
    "Key and route: a source that has ended is not called again when its last output's key threw",
    "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    for (const ErrorPolicy& policy : {skip(), dead_letter("bad"), retry(0).then(skip())}) {
      Pipeline p("ended");
      std::atomic<int> calls{0};
      const auto read = [&calls](Emitter<Number>& out) {
        out.emit(static_cast<Number>(calls++));
        return calls < 3;  // the third call is the last one
      };
      const auto key = [](const Number& n) -> Number {
        if (n == 2) throw std::runtime_error("no key");
        return n;
      };
      p.source<Number>("read", read, {.carrier = driver.at(0), .on_error = policy}) | key_by(key) |
          sink("drop", [](Number) {});
      CHECK(driver.run(p).report.status == RunStatus::done);
      CHECK(calls == 3);
    }
  });
}

}  // namespace
}  // namespace sluice
