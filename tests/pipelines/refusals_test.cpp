// pipelines/refusals_test.cpp: pipelines that can't be run are refused, with every fault, before
// anything has started.
// SPDX-License-Identifier: MIT
#include <support/collected.hpp>
#include <support/move_only.hpp>
#include <support/numbers.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using testing_support::endless_numbers;
using testing_support::MoveOnly;
using testing_support::Number;
using testing_support::numbers;

using Strings = std::vector<std::string>;

constexpr auto kIgnore = [](const auto&) {};

Number same(Number n) { return n; }

std::optional<MoveOnly> no_move_only() { return std::nullopt; }

/// What start() refuses the pipeline with; empty when it does not.
std::vector<std::string> refusal_of(const Pipeline& pipeline, RunOptions options = {}) {
  try {
    start(pipeline, std::move(options)).cancel();
  } catch (const PipelineError& error) {
    return error.faults();
  }
  return {};
}

/// True when exactly one fault is found and all the words are in it.
bool refused_with(const std::vector<std::string>& faults, std::vector<std::string_view> words) {
  UNSCOPED_INFO("faults: " << Catch::StringMaker<std::vector<std::string>>::convert(faults));
  if (faults.size() != 1) return false;
  for (const std::string_view word : words) {
    if (faults[0].find(word) == std::string::npos) return false;
  }
  return true;
}

/// A pipeline of a source, a map with these options, and a sink.
Pipeline with_options(StageOptions options) {
  Pipeline p("options");
  p.source("read", numbers(1)) | map("same", same, std::move(options)) | sink("drop", kIgnore);
  return p;
}

TEST_CASE("Refused: an output that nobody consumes", "[pipeline]") {
  Pipeline p("open");
  static_cast<void>(p.source("read", numbers(1)) | map("parse", same));
  CHECK(refused_with(refusal_of(p), {"stage parse", "its output is not connected"}));
}

TEST_CASE("Refused: a source that nobody consumes", "[pipeline]") {
  Pipeline p("open");
  static_cast<void>(p.source("read", numbers(1)));
  CHECK(refused_with(refusal_of(p), {"stage read", "its output is not connected"}));
}

TEST_CASE("Refused: an arm of a route that nobody consumes", "[pipeline]") {
  Pipeline p("route");
  auto [even, odd] = route(p.source("read", numbers(1)), [](Number n) { return n % 2 == 0; });
  even | sink("drop", kIgnore);
  CHECK(refused_with(refusal_of(p), {"stage read", "route arm 1 is not connected"}));
}

TEST_CASE("Refused: a name that is used twice", "[pipeline]") {
  Pipeline p("names");
  p.source("read", numbers(1)) | map("same", same) | map("same", same) | sink("drop", kIgnore);
  CHECK(refused_with(refusal_of(p), {"stage same", "the name is used twice"}));
}

TEST_CASE("Refused: a stage without a name", "[pipeline]") {
  Pipeline p("names");
  p.source("read", numbers(1)) | filter("", [](Number) { return true; }) | sink("drop", kIgnore);
  CHECK(refused_with(refusal_of(p), {"a filter has no name"}));
}

TEST_CASE("Refused: a pipeline without stages", "[pipeline]") {
  CHECK(refused_with(refusal_of(Pipeline("empty")), {"the pipeline has no stages"}));
}

TEST_CASE("Refused: zero workers, capacity or batch", "[pipeline]") {
  CHECK(refused_with(refusal_of(with_options({.workers = 0})), {"stage same", "workers is 0"}));
  CHECK(refused_with(refusal_of(with_options({.capacity = 0})), {"stage same", "capacity is 0"}));
  CHECK(refused_with(refusal_of(with_options({.batch = 0})), {"stage same", "batch is 0"}));
}

TEST_CASE("Refused: several workers for a callable that can't be copied", "[pipeline]") {
  Pipeline p("workers");
  auto owner = [held = std::make_unique<Number>(1)](Number n) { return n + *held; };
  p.source("read", numbers(1)) | map("add", std::move(owner), {.workers = 2}) |
      sink("drop", kIgnore);
  CHECK(refused_with(refusal_of(p), {"stage add", "workers is 2", "can't be copied", "factory()"}));
}

TEST_CASE("Refused: several workers for an unkeyed reduce without combine", "[pipeline]") {
  Pipeline p("reduce");
  p.source("read", numbers(1)) |
      reduce("sum", Number{0}, [](Number& sum, Number n) { sum += n; }, {.workers = 3}) |
      sink("drop", kIgnore);
  CHECK(refused_with(refusal_of(p), {"stage sum", "workers is 3", "key_by", "combine"}));
}

TEST_CASE("Refused: retry of an item that can only be moved, when the callable consumes it",
          "[pipeline]") {
  Pipeline p("retry");
  p.source("read", no_move_only) |
      map("eat", [](MoveOnly item) { return item.value(); }, {.on_error = retry(2)}) |
      sink("drop", kIgnore);
  CHECK(refused_with(refusal_of(p), {"stage eat", "retry needs", "MoveOnly"}));
}

TEST_CASE("Accepted: retry of an item that can only be moved, when the callable only reads it",
          "[pipeline]") {
  Pipeline p("retry");
  p.source("read", no_move_only) |
      map("look", [](const MoveOnly& item) { return item.value(); }, {.on_error = retry(2)}) |
      sink("drop", kIgnore);
  CHECK(refusal_of(p).empty());
}

TEST_CASE("Carrier process takes what is portable and keeps nothing of its items", "[pipeline]") {
  CHECK(refusal_of(with_options({.carrier = Carrier::process})).empty());
}

TEST_CASE(
    "Refused: carrier process for what can't leave this process, with the part that is to blame",
    "[pipeline]") {
  struct Handle {
    int number = 0;
    const char* text = nullptr;
  };
  Pipeline p("handles");
  p.source("read", []() -> std::optional<Handle> { return std::nullopt; }) |
      map("look", [](const Handle& handle) { return handle.number; },
          {.carrier = Carrier::process}) |
      sink("drop", kIgnore);
  CHECK(
      refused_with(refusal_of(p), {"stage look", "member #2 of", "const char*", "thread or pool"}));
}

TEST_CASE("Refused: carrier process for what keeps something of its items, and for sources",
          "[pipeline]") {
  Pipeline p("state");
  p.source("read", []() -> std::optional<Number> { return std::nullopt; },
           {.carrier = Carrier::process}) |
      batch("gather", 10, std::chrono::milliseconds(1), {.carrier = Carrier::process}) |
      sink("drop", kIgnore);
  const std::vector<std::string> faults = refusal_of(p);
  REQUIRE(faults.size() == 2);
  CHECK_THAT(faults[0], Catch::Contains("stage read") && Catch::Contains("a source stays"));
  CHECK_THAT(faults[1], Catch::Contains("stage gather") && Catch::Contains("would die with it"));
  CHECK(refused_with(refusal_of(with_options({.carrier = Carrier::process, .streaming = true})),
                     {"stage same", "it is streaming"}));
  CHECK(refused_with(
      refusal_of(with_options({.carrier = Carrier::process, .process = {.attempts = 0}})),
      {"stage same", "process.attempts is 0"}));
}

namespace {

struct Last {
  static constexpr bool keeps_state = true;
  Number last = 0;
};
struct LastNumber : Last {
  Number operator()(Number n) { return std::exchange(last, n); }
};
struct IsNew : Last {
  bool operator()(const Number& n) { return std::exchange(last, n) != n; }
};
struct Differences : Last {
  void operator()(Number n, Emitter<Number>& out) { out.emit(n - std::exchange(last, n)); }
};
struct Steps : Last {
  using Out = Number;
  void process(Number n, Emitter<Number>& out) { out.emit(n - std::exchange(last, n)); }
};
struct KeepLast : Last {
  void process(Number n) { last = n; }
};
struct KeepsNothing {
  static constexpr bool keeps_state = false;
  Number operator()(Number n) const { return n; }
};

}  // namespace

TEST_CASE("Refused: carrier process for callables that say that they keep something",
          "[pipeline]") {
  const StageOptions there{.carrier = Carrier::process};
  Pipeline p("state");
  p.source("read", []() -> std::optional<Number> { return std::nullopt; }) |
      map("nothing", KeepsNothing(), there) | map("map", LastNumber(), there) |
      filter("filter", IsNew(), there) | flat_map<Number>("flat_map", Differences(), there) |
      stage("stage", Steps(), there) | sink("sink", KeepLast(), {.carrier = Carrier::process});
  Strings stages;
  for (const std::string& fault : refusal_of(p)) {
    CHECK_THAT(fault, Catch::Contains("it keeps something of its items"));
    stages.push_back(fault.substr(0, fault.find(':')));
  }
  CHECK(stages ==
        Strings{"stage map", "stage filter", "stage flat_map", "stage stage", "stage sink"});
}

TEST_CASE("Refused: a streaming stage on the pool", "[pipeline]") {
  CHECK(refused_with(refusal_of(with_options({.carrier = Carrier::pool, .streaming = true})),
                     {"stage same", "streaming", "use thread"}));
}

TEST_CASE("Refused: retry of a streaming stage", "[pipeline]") {
  CHECK(refused_with(refusal_of(with_options({.streaming = true, .on_error = retry(1)})),
                     {"stage same", "streaming stage can't be retried"}));
}

TEST_CASE("Refused: merging streams of different pipelines", "[pipeline]") {
  Pipeline p("one");
  Pipeline other("other");
  merge(p.source("a", numbers(1)), other.source("b", numbers(1))) | sink("drop", kIgnore);
  CHECK(refused_with(refusal_of(p), {"merge", "different pipelines"}));
  CHECK(refused_with(refusal_of(other), {"stage b", "not connected"}));
}

TEST_CASE("Refused: a stream by a name that no stage has", "[pipeline]") {
  Pipeline p("by name");
  p.source("read", numbers(1)) | sink("drop", kIgnore);
  p.stream<Number>("raed") | sink("more", kIgnore);
  CHECK(refused_with(refusal_of(p), {"stream raed", "no stage of that name"}));
}

TEST_CASE("Refused: a stream by name with another type", "[pipeline]") {
  Pipeline p("by name");
  p.source("read", numbers(1)) | sink("drop", kIgnore);
  p.stream<std::string>("read") | sink("more", kIgnore);
  CHECK(refused_with(refusal_of(p), {"stream read", "it carries", "not", "string"}));
}

TEST_CASE("Refused: a stream by the name of a stage without output", "[pipeline]") {
  Pipeline p("by name");
  p.source("read", numbers(1)) | sink("drop", kIgnore);
  p.stream<Number>("drop") | sink("more", kIgnore);
  CHECK(refused_with(refusal_of(p), {"stream drop", "has no output"}));
}

TEST_CASE("A fault of a stream by name does not hide that another output is open", "[pipeline]") {
  Pipeline p("by name");
  static_cast<void>(p.source("read", numbers(1)));
  p.stream<Number>("raed") | sink("more", kIgnore);
  CHECK(refusal_of(p).size() == 2);
}

TEST_CASE("A stream that was moved from is a PipelineError where it is used", "[pipeline]") {
  Pipeline p("moved");
  auto stream = p.source("read", numbers(1));
  std::move(stream) | sink("drop", kIgnore);
  CHECK_THROWS_AS(stream | sink("more", kIgnore), PipelineError);
  CHECK_THROWS_WITH(stream | sink("more", kIgnore),
                    Catch::Contains("used after it was moved from"));
}

TEST_CASE("Refused: fan-out of items that can only be moved, by a second handle on their stream",
          "[pipeline]") {
  const auto refused = [](const Pipeline& p) {
    return refused_with(refusal_of(p), {"stage read", "MoveOnly", "can only be moved"});
  };
  SECTION("from a copied handle") {
    Pipeline p("copy");
    auto stream = p.source("read", no_move_only);
    auto copy = stream;
    std::move(stream) | sink("one", kIgnore);
    std::move(copy) | sink("two", kIgnore);
    CHECK(refused(p));
  }
  SECTION("from a stream by name") {
    Pipeline p("name");
    p.source("read", no_move_only) | sink("one", kIgnore);
    p.stream<MoveOnly>("read") | sink("two", kIgnore);
    CHECK(refused(p));
  }
  SECTION("from a route and a sink") {
    Pipeline p("route");
    auto stream = p.source("read", no_move_only);
    auto copy = stream;
    auto [some, rest] = route(std::move(stream), [](const MoveOnly&) { return true; });
    std::move(some) | sink("one", kIgnore);
    std::move(rest) | sink("two", kIgnore);
    std::move(copy) | sink("three", kIgnore);
    CHECK(refused(p));
  }
  SECTION("from a merge with itself") {
    Pipeline p("merge");
    auto stream = p.source("read", no_move_only);
    auto copy = stream;
    merge(std::move(stream), std::move(copy)) | sink("one", kIgnore);
    CHECK(refused(p));
  }
}

TEST_CASE("Refused: overrides of unknown stages and of a source's workers", "[pipeline]") {
  const Pipeline p = with_options({});
  CHECK(refused_with(refusal_of(p, {.overrides = {{.stage = "smae", .workers = 2}}}),
                     {"stage smae", "there is no stage of that name", "read, same, drop"}));
  CHECK(refused_with(refusal_of(p, {.overrides = {{.stage = "read", .workers = 2}}}),
                     {"stage read", "exactly 1 worker"}));
  CHECK(refused_with(refusal_of(p, {.overrides = {{.stage = "same", .capacity = 0}}}),
                     {"stage same", "capacity is 0"}));
}

TEST_CASE("All faults are in one PipelineError, and nothing has started", "[pipeline]") {
  Pipeline p("faults");
  bool called = false;
  auto source = [&called]() -> std::optional<Number> {
    called = true;
    return std::nullopt;
  };
  auto stream = p.source("read", source);
  stream | map("same", same, {.workers = 0, .capacity = 0}) | sink("same", kIgnore);
  static_cast<void>(stream |
                    map("open", same, {.carrier = Carrier::process, .process = {.attempts = 0}}));
  const std::vector<std::string> faults = refusal_of(p);
  REQUIRE(faults.size() == 5);
  CHECK(p.faults() == faults);
  try {
    run(p);
    FAIL("it was not refused");
  } catch (const PipelineError& error) {
    for (const std::string& fault : faults) {
      CHECK(std::string(error.what()).find(fault) != std::string::npos);
    }
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
  }
  CHECK_FALSE(called);
}

TEST_CASE("run() refuses a pipeline whose ends application code has to serve", "[pipeline]") {
  Pipeline fed("fed");
  fed.inlet<Number>("in") | sink("drop", kIgnore);
  CHECK_THROWS_AS(run(fed), UsageError);
  Pipeline read("read");
  read.source("read", endless_numbers()) | outlet<Number>("out");
  CHECK_THROWS_AS(run(read), UsageError);
}

TEST_CASE("A pipeline whose callable can't be copied runs once, and the second run says why",
          "[pipeline]") {
  Pipeline p("once");
  testing_support::Collected<Number> got;
  auto owner = [held = std::make_unique<Number>(1)](Number n) { return n + *held; };
  p.source("read", numbers(2)) | map("add", std::move(owner)) | sink("collect", got.sink());
  run(p);
  CHECK(got.items() == std::vector<Number>{1, 2});
  CHECK_THROWS_AS(run(p), UsageError);
  CHECK_THROWS_WITH(run(p), Catch::Contains("can be run once only"));
}

}  // namespace
}  // namespace sluice
