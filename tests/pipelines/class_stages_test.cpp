// pipelines/class_stages_test.cpp: classes with start, process and finish; factories and copies.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/counted.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <optional>
#include <string>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

struct Calls {
  std::atomic<int> starts{0};
  std::atomic<int> finishes{0};
  std::atomic<bool> right{true};
};

/// Sums what it gets and emits the sum in finish.
class Summer {
 public:
  using Out = Number;
  explicit Summer(Calls& calls) : calls_{&calls} {}

  void start(Context& context) {
    ++calls_->starts;
    context_ = &context;
    worker_ = context.worker();
  }
  void process(Number n, Emitter<Number>& out) {
    if (context_ == nullptr || &out.context() != context_) calls_->right = false;
    sum_ += n;
  }
  void finish(Emitter<Number>& out) {
    if (context_->worker() != worker_) calls_->right = false;
    ++calls_->finishes;
    out.emit(sum_);
  }

 private:
  Calls* calls_;
  Context* context_ = nullptr;
  std::size_t worker_ = 0;
  Number sum_ = 0;
};

/// Notes at its finish how many items it had got by then.
class EndNoter {
 public:
  EndNoter(std::atomic<int>& items, std::atomic<int>& items_at_finish)
      : items_{&items}, at_finish_{&items_at_finish} {}
  void process(Number) { ++*items_; }
  void finish() { *at_finish_ = items_->load(); }

 private:
  std::atomic<int>* items_;
  std::atomic<int>* at_finish_;
};

/// Emits `per_call` numbers in each of `calls` calls of finish.
class LongFinish {
 public:
  using Out = Number;
  LongFinish(Number calls, Number per_call) : calls_{calls}, per_call_{per_call} {}
  void process(Number, Emitter<Number>&) {}
  bool finish(Emitter<Number>& out) {
    for (Number i = 0; i < per_call_; ++i) out.emit(next_++);
    return --calls_ > 0;
  }

 private:
  Number calls_;
  Number per_call_;
  Number next_ = 0;
};

TEST_CASE("Class stage: start once before and finish once after everything, per worker",
          "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("class");
    Collected<Number> got;
    Calls calls;
    p.source("read", numbers(100), {.carrier = setting.mix.at(0)}) |
        stage("sum", Summer(calls),
              {.workers = setting.workers,
               .carrier = setting.mix.at(1),
               .capacity = setting.capacity,
               .batch = setting.batch}) |
        sink("collect", got.sink(), {.carrier = setting.mix.at(2), .capacity = setting.capacity});
    run_watched(p);
    CHECK(static_cast<std::size_t>(calls.starts) == setting.workers);
    CHECK(static_cast<std::size_t>(calls.finishes) == setting.workers);
    CHECK(calls.right);
    REQUIRE(got.size() == setting.workers);  // state is per worker ...
    Number total = 0;
    for (const Number sum : got.items()) total += sum;
    CHECK(total == 4950);  // ... and no item is in two of them
  });
}

TEST_CASE("finish: after all producers of the stage closed", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("two producers");
    Calls calls;
    Collected<Number> got;
    Gate gate;
    auto quick = p.source("quick", numbers(10));
    auto slow = p.source("slow", [&gate, done = false]() mutable -> std::optional<Number> {
      gate.pass();
      if (done) return std::nullopt;
      done = true;
      return 1000;
    });
    merge(quick, slow) | stage("sum", Summer(calls), {.workers = 2, .carrier = mix.at(1)}) |
        sink("collect", got.sink(), {.carrier = mix.at(0)});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    wait_until([&] { return run->snapshot().stage("sum").completed == 10; });
    CHECK(calls.finishes == 0);
    gate.open();
    run->wait();
    CHECK(calls.finishes == 2);
  });
}

TEST_CASE("finish: downstream closes after the last finish", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("close");
    Calls calls;
    std::atomic<int> items{0};
    std::atomic<int> at_finish{0};
    p.source("read", numbers(20), {.carrier = setting.mix.at(0)}) |
        stage("sum", Summer(calls), {.workers = setting.workers, .carrier = setting.mix.at(1)}) |
        sink("end", EndNoter(items, at_finish),
             {.carrier = setting.mix.at(2), .capacity = setting.capacity});
    run_watched(p);
    CHECK(static_cast<std::size_t>(at_finish) == setting.workers);
  });
}

TEST_CASE("finish: one that returns true is called again, once its outputs fitted", "[pipeline]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("long finish");
    Collected<Number> got;
    p.source("read", numbers(5), {.carrier = setting.mix.at(0)}) |
        stage("long", LongFinish(7, 5), {.carrier = setting.mix.at(1)}) |
        sink("collect", got.sink(), {.carrier = setting.mix.at(2), .capacity = setting.capacity});
    run_watched(p);
    CHECK(got.items() == up_to(35));
  });
}

TEST_CASE("Factory: every worker of every run gets an object of its own", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("factory");
    Calls calls;
    std::atomic<int> made{0};
    Collected<Number> got;
    const auto make = [&] {
      ++made;
      return Summer(calls);
    };
    p.source("read", numbers(10), {.carrier = mix.at(0)}) |
        stage("sum", factory(make), {.workers = 3, .carrier = mix.at(1)}) |
        sink("collect", got.sink(), {.carrier = mix.at(2)});
    run_watched(p);
    CHECK(made == 3);
    run_watched(p);
    CHECK(made == 6);
    Number total = 0;
    for (const Number sum : got.items()) total += sum;
    CHECK(total == 2 * 45);
  });
}

TEST_CASE("Copies: every worker has a copy of the object, in the state in which it was given",
          "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("copies");
    Collected<Number> got;
    p.source("read", numbers(40), {.carrier = mix.at(0)}) |
        map("count", [seen = Number{0}](Number) mutable { return ++seen; },
            {.workers = 2, .carrier = mix.at(1)}) |
        sink("collect", got.sink(), {.carrier = mix.at(2)});
    for (int i = 0; i < 2; ++i) run_watched(p);
    // Each of the four counters counted from 1 without a gap.
    std::vector<Number> times(41);
    for (const Number n : got.items()) ++times[n];
    for (std::size_t n = 2; n < times.size(); ++n) CHECK(times[n] <= times[n - 1]);
    CHECK(times[1] <= 4);
    CHECK(got.size() == 80);
  });
}

TEST_CASE("Objects of the user's that a run held are destroyed when it has ended", "[pipeline]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("lives");
    const std::int64_t before = Counted::live();
    p.source("read",
             [held = Counted(), n = 0]() mutable -> std::optional<int> {
               return n < 10 ? std::optional<int>(n++) : std::nullopt;
             },
             {.carrier = mix.at(0)}) |
        map("copy", [held = Counted()](int n) { return n; }, {.workers = 3, .carrier = mix.at(1)}) |
        sink("drop", [held = Counted()](int) {}, {.carrier = mix.at(2)});
    const std::int64_t described = Counted::live();
    CHECK(described == before + 3);
    WatchedRun run(p, {.on_log = [held = Counted()](std::string_view, std::string_view) {}});
    static_cast<void>(run->join());
    CHECK(Counted::live() == described);  // although the handle still lives
  });
}

}  // namespace
}  // namespace sluice
