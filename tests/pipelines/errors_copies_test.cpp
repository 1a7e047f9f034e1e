// pipelines/errors_copies_test.cpp: items whose copy or move throws where it is made only now and then: in a
// fan-out, for an attempt, on the way to a retry's wait, in a streaming emit, at an inlet.
// SPDX-License-Identifier: MIT
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/outcome.hpp>
#include <support/throwing_move.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

using Got = Collected<Number>;

constexpr Number kCount = 7;
constexpr const char* kCause = "the move throws, as the test asked for";

auto moving_numbers() {
  return [next = Number{0}]() mutable -> std::optional<ThrowingMove> {
    if (next == kCount) return std::nullopt;
    return std::optional<ThrowingMove>(std::in_place, next++);
  };
}

auto collect(Got& got) {
  return [&got](const ThrowingMove& item) { got.add(item.value()); };
}

void check_unique(const Got& got) {
  const std::vector<Number> sorted = got.sorted();
  CHECK(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
}

TEST_CASE(
    "Moves: one that throws in a streaming emit comes out of it, and loses or doubles nothing",
    "[pipeline][errors]") {
  for (const ErrorPolicy& policy : {fail_run(), skip()}) {
    std::uint64_t skipped = 0;
    std::uint64_t failed = 0;
    for (int k = 0; k < 80; ++k) {
      INFO("move " << k);
      Pipeline p("streaming");
      Got got;
      const auto twice = [](Number n, Emitter<ThrowingMove>& out) {
        out.emit(ThrowingMove{2 * n});
        out.emit(ThrowingMove{2 * n + 1});
      };
      p.source("read", numbers(kCount)) |
          flat_map<ThrowingMove>("emit", twice, {.streaming = true, .on_error = policy}) |
          sink("sink", collect(got), {.carrier = kCarrierMixes[k % 2].even, .capacity = 1});
      ThrowingMove::throw_after(k);
      const Outcome outcome = Driver(kCarrierMixes[0]).run(p);
      ThrowingMove::never_throw();
      skipped += outcome.report.stage("emit").skipped;
      failed += outcome.report.stage("emit").failed;
      check_unique(got);
      if (outcome.error) continue;
      CHECK(got.size() + 2 >= 2 * kCount);
      CHECK(got.size() + 2 * outcome.report.stage("emit").skipped >= 2 * kCount);
    }
    CHECK((skipped > 0) == (policy.last == ErrorPolicy::Last::skip));
    CHECK((failed > 0) == (policy.last == ErrorPolicy::Last::fail_run));
  }
}

TEST_CASE("Moves: putting an item aside for its retry may throw, and fails the run",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    for (const Number bad : {Number{0}, Number{3}, kCount - 1}) {
      Pipeline p("aside");
      Got got;
      const auto arm = [bad](const ThrowingMove& item, Context& context) {
        if (item.value() == bad && context.attempt() == 1) {
          ThrowingMove::throw_after(0);
          throw std::runtime_error("put me aside");
        }
        return item.value();
      };
      p.source("read", moving_numbers(), {.carrier = driver.at(0)}) |
          map("arm", arm, {.carrier = driver.at(1), .capacity = 16, .on_error = retry(2, 1us)}) |
          sink("sink", [&got](Number n) { got.add(n); });
      const Outcome outcome = driver.run(p);
      ThrowingMove::never_throw();
      check_unique(got);
      REQUIRE(outcome.error.has_value());
      CHECK(nested_text(*outcome.error) == kCause);
      if (!driver.is_seeded()) continue;  // another thread's move may have come first
      check_failed(outcome, {.stage = "arm", .phase = "moving an item", .cause = kCause});
      CHECK(outcome.report.stage("arm").failed == 1);
    }
  });
}

/// A value whose copy throws when it is told.
class ThrowingCopy {
 public:
  ThrowingCopy(Number value, bool armed) : value_{value}, armed_{armed} {}
  ThrowingCopy(ThrowingCopy&&) noexcept = default;
  ThrowingCopy& operator=(ThrowingCopy&&) noexcept = default;
  ThrowingCopy(const ThrowingCopy& other) : value_{other.value_}, armed_{other.armed_} {
    if (armed_) throw std::runtime_error("no copy of " + std::to_string(value_));
  }
  ThrowingCopy& operator=(const ThrowingCopy&) = default;
  ~ThrowingCopy() = default;
  [[nodiscard]] Number value() const noexcept { return value_; }

 private:
  Number value_;
  bool armed_;
};

TEST_CASE("Copies: one that throws in a fan-out fails the run, whatever the policy",
          "[pipeline][errors]") {
  for (const ErrorPolicy& policy : {fail_run(), skip(), retry(2)}) {
    for (const Number bad : {Number{0}, Number{8}, Number{15}}) {
      for_every_driver(
          [&](const Driver& driver) {
            Pipeline p("copies");
            Got left;
            Got right;
            const auto make = [bad](Number n) { return ThrowingCopy(n, n == bad); };
            auto stream = p.source("read", numbers(16), {.carrier = driver.at(0)}) |
                          map("make", make, {.carrier = driver.at(1), .on_error = policy});
            stream | sink("left", [&](const ThrowingCopy& item) { left.add(item.value()); },
                          {.carrier = driver.at(0), .capacity = 1});
            stream | sink("right", [&](const ThrowingCopy& item) { right.add(item.value()); },
                          {.carrier = driver.at(1), .capacity = 3});
            const Outcome outcome = driver.run(p);
            check_failed(outcome, {.stage = "make",
                                   .phase = "moving an output",
                                   .cause = "no copy of " + std::to_string(bad)});
            CHECK(nested_text(*outcome.error) == "no copy of " + std::to_string(bad));
            for (const Got* got : {&left, &right}) CHECK(got->items() == up_to(got->size()));
            CHECK(left.size() <= bad);
            CHECK(right.size() <= bad);
          },
          3);
    }
  }
}

TEST_CASE("Copies: one that is made for an attempt and throws is that attempt's failure",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    Pipeline p("attempt");
    Got got;
    const auto make = [](Number n) { return ThrowingCopy(n, n == 2); };
    p.source("read", numbers(5), {.carrier = driver.at(0)}) | map("make", make) |
        sink("take", [&](ThrowingCopy item) { got.add(item.value()); },
             {.carrier = driver.at(1), .on_error = retry(1)});
    const Outcome outcome = driver.run(p);  // the last attempt needs no copy
    CHECK(outcome.report.status == RunStatus::done);
    CHECK(outcome.report.stage("take").retried == 1);
    CHECK(got.items() == up_to(5));
  });
}

TEST_CASE("Moves: at an inlet they throw to the application, which still has the item",
          "[pipeline][errors]") {
  for_every_carrier([](const CarrierMix& mix) {
    for (int k = 0; k < 30; ++k) {
      INFO("move " << k);
      Pipeline p("inlet");
      p.inlet<ThrowingMove>("in", {.carrier = mix.at(0), .capacity = 8}) |
          outlet<ThrowingMove>("out", {.capacity = 8});
      WatchedRun run(p);
      auto in = run->inlet<ThrowingMove>("in");
      auto out = run->outlet<ThrowingMove>("out");
      int thrown = 0;
      ThrowingMove::throw_after(k);
      for (Number n = 0; n < kCount; ++n) {
        ThrowingMove item{n};
        try {
          static_cast<void>(in.put(std::move(item)));
        } catch (const std::runtime_error&) {
          ++thrown;
          static_cast<void>(in.put(std::move(item)));
        }
      }
      ThrowingMove::never_throw();
      in.close();
      std::vector<Number> got;
      while (auto item = out.get()) got.push_back(item->value());
      const Report report = run.end();
      CHECK(report.ledger.balanced);
      CHECK(thrown <= 1);
      if (report.status == RunStatus::failed) {  // the inlet's own worker has met it
        CHECK(thrown == 0);
        CHECK(got == up_to(got.size()));
      } else {
        CHECK(got == up_to(kCount));
      }
    }
  });
}

}  // namespace
}  // namespace sluice
