// pipelines/errors_phases_test.cpp: exceptions in start and finish fail the run, whatever the policy.
// SPDX-License-Identifier: MIT
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/outcome.hpp>
#include <support/trouble.hpp>

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
using namespace std::chrono_literals;

const ErrorPolicy kEveryPolicy[] = {fail_run(), skip(), dead_letter("never"), retry(3).then(skip()),
                                    retry(3, 1h).then(skip())};

/// What the objects of a run have been asked for.
struct Asked {
  std::atomic<int> starts{0};
  std::atomic<int> items{0};
  std::atomic<int> finishes{0};
};

/// Where a stage fails.
enum class In : unsigned char { nothing, start, finish, second_finish };

/// Emits every item, and again in finish, by parts: two of them, each of kPart outputs.
struct Phased {
  using Out = Number;
  static constexpr Number kPart = 3;

  In fails;
  std::size_t in_worker = 0;
  Asked* asked;
  std::size_t worker = 0;
  int parts = 0;

  void start(Context& context) {
    ++asked->starts;
    worker = context.worker();
    if (fails == In::start && worker == in_worker) throw std::runtime_error("no start");
  }
  void process(Number n, Emitter<Number>& out) {
    ++asked->items;
    out.emit(n);
  }
  bool finish(Emitter<Number>& out) {
    ++asked->finishes;
    ++parts;
    const bool now =
        (fails == In::finish && parts == 1) || (fails == In::second_finish && parts == 2);
    const bool throws = now && worker == in_worker;
    for (Number n = 0; n < kPart; ++n) out.emit(throws ? kLeaked : 100 + n);
    if (throws) throw std::runtime_error("no finish");
    return parts < 2;
  }
};

struct PhasedSink {
  In fails;
  Asked* asked;
  Collected<Number>* got;
  void start(Context&) const {
    ++asked->starts;
    if (fails == In::start) throw std::runtime_error("no start");
  }
  void process(Number n) const { got->add(n); }
  void finish() const {
    ++asked->finishes;
    if (fails == In::finish) throw std::runtime_error("no finish");
  }
};

struct PhasedSource {
  using Out = Number;
  In fails;
  Asked* asked;
  Number next_number = 0;
  void start(Context&) const {
    ++asked->starts;
    if (fails == In::start) throw std::runtime_error("no start");
  }
  bool next(Emitter<Number>& out) {
    out.emit(next_number++);
    return next_number < 10;
  }
  void finish(Emitter<Number>& out) const {
    ++asked->finishes;
    out.emit(fails == In::finish ? kLeaked : 100);
    if (fails == In::finish) throw std::runtime_error("no finish");
  }
};

/// Source, stage and sink, one of which fails in start or finish.
struct Three {
  Asked source;
  Asked stage;
  Asked sink;
  Collected<Number> got;

  Outcome run(const Driver& driver, In source_fails, In stage_fails, In sink_fails,
              const ErrorPolicy& policy) {
    Pipeline p("phases");
    p.source("read", PhasedSource{source_fails, &source},
             {.carrier = driver.at(0), .on_error = policy}) |
        sluice::stage("stage", Phased{stage_fails, 0, &stage},
                      {.carrier = driver.at(1), .capacity = 2, .on_error = policy}) |
        sluice::sink("sink", PhasedSink{sink_fails, &sink, &got},
                     {.carrier = driver.at(2), .capacity = 1, .on_error = policy});
    return driver.run(p);
  }
};

TEST_CASE("Phases: the three stages of these tests work as long as none is to fail",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    Three three;
    CHECK(three.run(driver, In::nothing, In::nothing, In::nothing, {}).report.status ==
          RunStatus::done);
    CHECK(three.got.size() == 10 + 1 + 2 * Phased::kPart);
    CHECK(three.stage.finishes == 2);
    CHECK(three.sink.finishes == 1);
  });
}

TEST_CASE(
    "Phases: an exception in start fails the run whatever the policy, and nothing is asked of it",
    "[pipeline][errors]") {
  for (const ErrorPolicy& policy : kEveryPolicy) {
    for_every_driver([&](const Driver& driver) {
      Three of_source;
      check_failed(of_source.run(driver, In::start, In::nothing, In::nothing, policy),
                   {.stage = "read", .phase = "start", .cause = "no start"});
      CHECK(of_source.got.size() == 0);
      CHECK(of_source.source.starts == 1);
      Three of_stage;
      const Outcome outcome = of_stage.run(driver, In::nothing, In::start, In::nothing, policy);
      check_failed(outcome, {.stage = "stage", .phase = "start", .cause = "no start"});
      CHECK(nested_text(*outcome.error) == "no start");
      CHECK(of_stage.stage.starts == 1);
      CHECK(of_stage.stage.items == 0);
      CHECK(of_stage.got.size() == 0);
      Three of_sink;
      check_failed(of_sink.run(driver, In::nothing, In::nothing, In::start, policy),
                   {.stage = "sink", .phase = "start", .cause = "no start"});
      CHECK(of_sink.sink.starts == 1);
      CHECK(of_sink.got.size() == 0);
      for (const Three* three : {&of_source, &of_stage, &of_sink}) {
        CHECK(three->stage.finishes + three->sink.finishes == 0);
      }
    });
  }
}

TEST_CASE(
    "Phases: an exception in finish fails the run whatever the policy, and none of its outputs "
    "passes",
    "[pipeline][errors]") {
  for (const ErrorPolicy& policy : kEveryPolicy) {
    for_every_driver([&](const Driver& driver) {
      Three of_source;
      check_failed(of_source.run(driver, In::finish, In::nothing, In::nothing, policy),
                   {.stage = "read", .phase = "finish", .cause = "no finish"});
      CHECK(of_source.source.finishes == 1);
      CHECK(of_source.stage.finishes == 0);
      Three of_stage;
      const Outcome outcome = of_stage.run(driver, In::nothing, In::finish, In::nothing, policy);
      check_failed(outcome, {.stage = "stage", .phase = "finish", .cause = "no finish"});
      CHECK(nested_text(*outcome.error) == "no finish");
      CHECK(of_stage.stage.finishes == 1);
      CHECK(of_stage.stage.items == 11);
      CHECK(outcome.report.stage("stage").completed == 11);
      Three of_part;
      check_failed(of_part.run(driver, In::nothing, In::second_finish, In::nothing, policy),
                   {.stage = "stage", .phase = "finish", .cause = "no finish"});
      CHECK(of_part.stage.finishes == 2);
      Three of_sink;
      check_failed(of_sink.run(driver, In::nothing, In::nothing, In::finish, policy),
                   {.stage = "sink", .phase = "finish", .cause = "no finish"});
      CHECK(of_sink.got.size() == 10 + 1 + 2 * Phased::kPart);
      CHECK(of_sink.sink.finishes == 1);
      for (const Three* three : {&of_source, &of_stage, &of_part}) {
        CHECK(three->sink.finishes == 0);  // downstream of what failed
        for (const Number n : three->got.items()) CHECK(n != kLeaked);
      }
    });
  }
}

TEST_CASE("Phases: of several workers the one that failed in start or finish is named",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    for (const In fails : {In::start, In::finish}) {
      Pipeline p("workers");
      Asked asked;
      Asked sink_asked;
      Collected<Number> got;
      p.source("read", numbers(50), {.carrier = driver.at(0)}) |
          stage("stage", Phased{fails, 2, &asked},
                {.workers = 4, .carrier = driver.at(1), .capacity = 4}) |
          sink("sink", PhasedSink{In::nothing, &sink_asked, &got}, {.carrier = driver.at(2)});
      const Outcome outcome = driver.run(p);
      check_failed(outcome, {.stage = "stage",
                             .phase = fails == In::start ? "start" : "finish",
                             .cause = fails == In::start ? "no start" : "no finish",
                             .worker = 2});
      CHECK(sink_asked.finishes == 0);
      for (const Number n : got.items()) CHECK(n != kLeaked);
    }
  });
}

TEST_CASE("Phases: a combine that throws fails the run in finish", "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    Pipeline p("combine");
    Collected<Number> got;
    const auto combine = [](Number&, Number&&) { throw std::runtime_error("can't combine"); };
    p.source("read", numbers(20), {.carrier = driver.at(0)}) |
        reduce("sum", Number{0}, [](Number& sum, Number n) { sum += n; }, combine,
               {.workers = 2, .carrier = driver.at(1), .on_error = skip()}) |
        sink("collect", got.sink());
    const Outcome outcome = driver.run(p);
    REQUIRE(outcome.error.has_value());
    CHECK(outcome.error->phase() == "finish");
    CHECK_FALSE(outcome.error->has_item());
    CHECK(nested_text(*outcome.error) == "can't combine");
    CHECK(got.size() == 0);
  });
}

}  // namespace
}  // namespace sluice
