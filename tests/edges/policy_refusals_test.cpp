// edges/policy_refusals_test.cpp: policies that make no sense, refused before anything runs, with the reason.
// SPDX-License-Identifier: MIT
#include <support/numbers.hpp>

#include <sluice/feedback.hpp>
#include <sluice/sluice.hpp>
#include <sluice/spill.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using Faults = std::vector<std::string>;

Faults faults_of(const Pipeline& p, const std::vector<StageOverride>& overrides = {}) {
  try {
    static_cast<void>(plan(p, {.cores = 2}, overrides));
  } catch (const PipelineError& error) {
    return error.faults();
  }
  return {};
}

TEST_CASE("Refused: two policies on one branch", "[edges]") {
  Pipeline p("two");
  p.source("read", numbers(1)) | when_full(drop_newest()) | when_full(drop_oldest()) |
      sink("end", [](Number) {});
  CHECK(faults_of(p) ==
        Faults{"stage read: its output has two policies for a full edge, drop_newest and "
               "drop_oldest; give a branch one"});
  Pipeline arm("arm");
  auto arms =
      route(arm.source("read", numbers(1)) | when_full(block()), [](Number) { return true; });
  arms[0] | key_by([](Number n) { return n; }) | when_full(spill()) | sink("a", [](Number) {});
  arms[1] | sink("b", [](Number) {});
  CHECK(faults_of(arm) ==
        Faults{"stage read: its output has two policies for a full edge, block and spill; give a "
               "branch one"});
}

TEST_CASE("Allowed: the same stream twice, each time with another policy", "[edges]") {
  Pipeline p("twice");
  auto stream = p.source("read", numbers(1));
  stream | when_full(drop_newest()) | sink("a", [](Number) {});
  stream | when_full(drop_oldest()) | sink("b", [](Number) {});
  stream | when_full(spill()) | sink("c", [](Number) {});
  stream | sink("d", [](Number) {});
  CHECK(faults_of(p).empty());
}

TEST_CASE("Refused: drop_oldest before workers that keep an order", "[edges]") {
  Pipeline p("order");
  p.source("read", numbers(1)) | when_full(drop_oldest()) |
      map("same", [](Number n) { return n; }, {.workers = 3, .order = Order::keep}) |
      sink("end", [](Number) {});
  const Faults expected{
      "stage same: drop_oldest makes gaps in the order that its 3 workers keep; use drop_newest, 1 "
      "worker, or no order"};
  CHECK(faults_of(p) == expected);
  CHECK(faults_of(p, {{.stage = "same", .workers = 1}}).empty());
}

TEST_CASE("Refused: drop_oldest into an edge whose other branches don't drop their oldest",
          "[edges]") {
  Pipeline p("merge");
  auto a = p.source("a", numbers(1));
  auto b = p.source("b", numbers(1));
  merge(a | when_full(drop_oldest()), b) | sink("end", [](Number) {});
  CHECK(faults_of(p) ==
        Faults{"stage end: drop_oldest would drop items of b, whose branch is block; give all "
               "branches into it drop_oldest, or this one drop_newest"});
  Pipeline both("both");
  merge(both.source("a", numbers(1)), both.source("b", numbers(1))) | when_full(drop_oldest()) |
      sink("end", [](Number) {});
  CHECK(faults_of(both).empty());
}

struct Holder {
  std::string name{};
  const int* where = nullptr;
};

TEST_CASE("Refused: spilling what can't be written to a file, with the part that can't",
          "[edges]") {
  Pipeline p("pointers");
  const auto make = []() -> std::optional<Holder> { return std::nullopt; };
  p.source("read", make) | when_full(spill()) | sink("end", [](const Holder&) {});
  const Faults faults = faults_of(p);
  REQUIRE(faults.size() == 1);
  CHECK_THAT(faults[0], Catch::Matchers::StartsWith(
                            "stage read: its output can't be kept by when_full(spill()): ") &&
                            Catch::Matchers::Contains("Holder can't be written to a file") &&
                            Catch::Matchers::Contains("its part const int*"));
  Pipeline alone("alone");
  const auto share = []() -> std::optional<std::unique_ptr<int>> { return std::nullopt; };
  alone.source("read", share) | when_full(spill()) | sink("end", [](std::unique_ptr<int>) {});
  REQUIRE(faults_of(alone).size() == 1);
  CHECK_THAT(faults_of(alone)[0], Catch::Matchers::Contains("because it is a pointer"));
}

TEST_CASE("Refused: a cap of nothing, a thread for what spills, a policy on what is put back",
          "[edges]") {
  Pipeline p("nothing");
  p.source("read", numbers(1)) | when_full(spill({.max_bytes = 0})) | sink("end", [](Number) {});
  CHECK(faults_of(p) == Faults{"stage read: its output can't be kept by when_full(spill()): "
                               "max_bytes is 0; give at least 1"});
  Pipeline thread("thread");
  thread.source("read", numbers(1)) | when_full(spill()) | sink("end", [](Number) {});
  CHECK(faults_of(thread, {{.stage = "end/spill", .carrier = Carrier::thread}}) ==
        Faults{"stage end/spill: what is spilled waits for items and for room at once, which only "
               "the pool can do"});
  CHECK(faults_of(thread, {{.stage = "end/spill", .workers = 2}}).size() == 2);
  Pipeline loop("loop");
  Feedback<Number> again(loop, "again");
  auto arms = route(merge(loop.source("read", numbers(1)), again.items()) |
                        map("same", [](Number n) { return n; }),
                    [](Number) { return false; });
  again.put_back(arms[0] | when_full(drop_newest()));
  arms[1] | sink("end", [](Number) {});
  CHECK(faults_of(loop) ==
        Faults{"feedback again: when_full on what is put back; leave it out, a feedback takes "
               "everything and keeps what does not fit"});
}

}  // namespace
}  // namespace sluice
