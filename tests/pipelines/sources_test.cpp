// pipelines/sources_test.cpp: the three forms of a source, on every carrier.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

/// Emits 0 ... count - 1, `per_call` a call, and notes the order of its callbacks.
class Counter {
 public:
  using Out = Number;
  Counter(Number count, Number per_call, std::vector<std::string>& calls)
      : count_{count}, per_call_{per_call}, calls_{&calls} {}

  void start(Context& context) { calls_->push_back("start " + std::string(context.stage())); }
  bool next(Emitter<Number>& out) {
    if (next_ == 0) calls_->push_back("first next");
    for (Number i = 0; i < per_call_ && next_ < count_; ++i) out.emit(next_++);
    return next_ < count_;
  }
  void finish(Emitter<Number>& out) {
    calls_->push_back("finish");
    out.emit(count_);
  }

 private:
  Number count_;
  Number per_call_;
  Number next_ = 0;
  std::vector<std::string>* calls_;
};

TEST_CASE("Source: a function's items arrive in order, until it returns nothing", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("generator");
    Collected<Number> got;
    p.source("read", numbers(300), {.carrier = setting.mix.at(0), .batch = setting.batch}) |
        sink("collect", got.sink(),
             {.carrier = setting.mix.at(1), .capacity = setting.capacity, .batch = setting.batch});
    const Report report = run_watched(p);
    CHECK(got.items() == up_to(300));
    CHECK(report.status == RunStatus::done);
    CHECK(report.stage("read").out == 300);
    CHECK(report.stage("collect").completed == 300);
  });
}

TEST_CASE("Source: a class may emit any number per call, also in the last one and in finish",
          "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("class");
    Collected<Number> got;
    std::vector<std::string> calls;
    p.source("read", Counter(50, setting.workers, calls),
             {.carrier = setting.mix.at(0), .batch = setting.batch}) |
        sink("collect", got.sink(), {.carrier = setting.mix.at(1), .capacity = setting.capacity});
    run_watched(p);
    CHECK(got.items() == up_to(51));
    CHECK(calls == std::vector<std::string>{"start read", "first next", "finish"});
  });
}

TEST_CASE("Source: a function that takes an emitter ends with false", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("emitter function");
    Collected<std::string> got;
    p.source<std::string>("read",
                          [left = 3](Emitter<std::string>& out) mutable {
                            for (int i = 0; i < left; ++i) out.emit(std::to_string(left));
                            return --left > 0;
                          },
                          {.carrier = mix.at(0)}) |
        sink("collect", got.sink(), {.carrier = mix.at(1)});
    run_watched(p);
    CHECK(got.items() == std::vector<std::string>{"3", "3", "3", "2", "2", "1"});
  });
}

TEST_CASE("Source: without any item the run is done, and finish is called", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("empty");
    Collected<Number> got;
    std::vector<std::string> calls;
    p.source("read", Counter(0, 1, calls), {.carrier = mix.at(0)}) |
        filter("none", [](Number n) { return n != 0; }, {.carrier = mix.at(1)}) |
        sink("collect", got.sink(), {.carrier = mix.at(0)});
    const Report report = run_watched(p);
    CHECK(got.items().empty());
    CHECK(report.status == RunStatus::done);
    CHECK(calls.back() == "finish");
  });
}

TEST_CASE("Source: a factory makes a new object for every run, a plain object is copied",
          "[pipeline]") {
  Collected<Number> got;
  int made = 0;
  Pipeline p("factory");
  const auto make = [&made] {
    ++made;
    return numbers(3);
  };
  p.source("read", factory(make)) | sink("collect", got.sink());
  p.source("copy", numbers(3)) | sink("collect too", got.sink());
  run_watched(p);
  run_watched(p);
  CHECK(made == 2);
  CHECK(got.sorted() == std::vector<Number>{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2});
}

TEST_CASE("Source: it is called only when everything it emitted was accepted", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("pulled");
    std::atomic<std::int64_t> ahead{0};
    std::atomic<std::int64_t> most_ahead{0};
    auto read = [&, next = 0]() mutable -> std::optional<int> {
      const std::int64_t now = ahead.load();
      if (now > most_ahead.load()) most_ahead = now;
      if (next == 200) return std::nullopt;
      ++ahead;
      return next++;
    };
    p.source("read", read, {.carrier = mix.at(0)}) |
        sink("collect", [&](int) { --ahead; }, {.carrier = mix.at(1), .capacity = 2, .batch = 3});
    run_watched(p);
    CHECK(most_ahead <= 2 + 3);  // capacity, and what the sink has taken and not finished
  });
}

TEST_CASE("Source: the context tells stage, worker, call and seed", "[pipeline]") {
  Pipeline p("context");
  Collected<std::uint64_t> calls;
  std::atomic<std::uint64_t> seeds[2] = {};
  std::atomic<int> runs{0};
  auto read = [&](Context& context) -> std::optional<int> {
    calls.add(context.item());
    seeds[runs] = context.seed();
    if (context.worker() != 0 || context.workers() != 1 || context.attempt() != 1) return {};
    if (context.item() == 3) return std::nullopt;
    return 1;
  };
  p.source("read", read) | sink("drop", [](int) {});
  run_watched(p, {.seed = 7});
  ++runs;
  run_watched(p, {.seed = 8});
  CHECK(calls.items() == std::vector<std::uint64_t>{0, 1, 2, 3, 0, 1, 2, 3});
  CHECK(seeds[0] != seeds[1]);
}

}  // namespace
}  // namespace sluice
