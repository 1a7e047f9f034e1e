// pipelines/run_report_test.cpp: the report of a real run: exact counts, and the same numbers as JSON.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace sluice {
namespace {

using namespace testing_support;

const EdgeReport& edge_named(const Report& report, const std::string& name) {
  for (const EdgeReport& edge : report.edges) {
    if (edge.name == name) return edge;
  }
  throw std::out_of_range("no edge " + name);
}

// ---- counts --------------------------------------------------------------------------------------

TEST_CASE("Report: every stage's and every edge's counts are exact", "[pipeline][report]") {
  for_every_setting([](const Setting& setting) {
    Pipeline p("counts");
    const auto keep = [](Number n) { return n % 4 != 3; };
    const auto fail = [](Number n, Emitter<Number>& out) {
      out.emit(n);
      if (n % 8 == 0) throw std::runtime_error("always");
      if (n % 8 == 1 && out.context().attempt() < 3) throw std::runtime_error("twice");
      out.emit(n);
    };
    const auto bury = [](Number n) {
      if (n % 8 == 2) throw std::runtime_error("two");
      return n;
    };
    const auto options = [&](std::size_t place, ErrorPolicy policy) {
      return StageOptions{.workers = setting.workers,
                          .carrier = setting.mix.at(place),
                          .capacity = setting.capacity,
                          .batch = setting.batch,
                          .on_error = std::move(policy)};
    };
    auto stream = p.source("read", numbers(80), {.carrier = setting.mix.at(0)}) |
                  filter("keep", keep, options(1, fail_run())) |
                  flat_map<Number>("fail", fail, options(2, retry(2).then(skip()))) |
                  map("bury", bury, options(3, dead_letter("two")));
    stream | sink("a", [](Number) {}, {.carrier = setting.mix.at(0)});
    stream | sink("b", [](Number) {}, {.carrier = setting.mix.at(1), .capacity = 2});
    const Report report = run_watched(p);

    CHECK(report.stage("read").in == 0);
    CHECK(report.stage("read").out == 80);
    CHECK(report.stage("keep").in == 80);
    CHECK(report.stage("keep").completed == 80);
    CHECK(report.stage("keep").filtered == 20);
    CHECK(report.stage("keep").out == 60);
    CHECK(report.stage("fail").in == 60);
    CHECK(report.stage("fail").skipped == 10);
    CHECK(report.stage("fail").retried == 40);  // 10 items twice without and 10 with success
    CHECK(report.stage("fail").completed == 50);
    CHECK(report.stage("fail").out == 100);
    CHECK(report.stage("bury").in == 100);
    CHECK(report.stage("bury").dead == 20);
    CHECK(report.stage("bury").completed == 80);
    CHECK(report.stage("bury").out == 160);  // over both edges
    for (const char* const end : {"a", "b"}) {
      CHECK(report.stage(end).in == 80);
      CHECK(report.stage(end).completed == 80);
      CHECK(report.stage(end).out == 0);
    }
    CHECK(report.dead_letters == 20);
    CHECK(report.error_count == 10);  // the skipped ones
    for (const StageReport& stage : report.stages) {
      CHECK(stage.failed == 0);
      CHECK(stage.cancelled == 0);
      CHECK(stage.refused == 0);
      CHECK(stage.clocks.size() == stage.workers);
    }

    const std::pair<const char*, std::uint64_t> puts[] = {{"read->keep", 80},
                                                          {"keep->fail", 60},
                                                          {"fail->bury", 100},
                                                          {"bury->a", 80},
                                                          {"bury->b", 80}};
    REQUIRE(report.edges.size() == 5);
    for (const auto& [name, put] : puts) {
      const EdgeReport& edge = edge_named(report, name);
      CHECK(edge.put == put);
      CHECK(edge.got == put);
      CHECK(edge.done == put);
      CHECK(edge.dropped == 0);
      CHECK(edge.queued == 0);
      CHECK(edge.high_water >= 1);
      CHECK(edge.high_water <= std::min<std::uint64_t>(put, edge.capacity));
    }
    CHECK(report.edges[0].capacity == setting.capacity);
    CHECK(report.ledger.balanced);
  });
}

TEST_CASE("Report: an item that fails the run is counted as failed, and its error is listed",
          "[pipeline][report]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("failed");
    const auto fail = [](Number n) {
      if (n == 6) throw std::runtime_error("six");
      return n;
    };
    p.source("read", numbers(10), {.carrier = mix.at(0)}) |
        map("fail", fail, {.carrier = mix.at(1), .on_error = retry(2)}) |
        sink("drop", [](Number) {}, {.carrier = mix.at(0)});
    WatchedRun run(p);
    const Report report = run.end();
    CHECK(report.status == RunStatus::failed);
    CHECK(report.stage("fail").failed == 1);
    CHECK(report.stage("fail").retried == 2);
    CHECK(report.stage("fail").completed == 6);
    CHECK(report.error_count == 1);
    REQUIRE(report.errors.size() == 1);
    CHECK(report.errors[0].stage == "fail");
    CHECK(report.errors[0].item == 6);
    CHECK(report.errors[0].attempt == 3);
    CHECK(report.errors[0].cause == "six");
    CHECK(report.ledger.balanced);
  });
}

TEST_CASE("Report: high water is the most that was ever queued", "[pipeline][report]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (pool_size() < 2 && mix.at(1) == Carrier::pool) return;
    Gate gate;
    Pipeline p("high water");
    p.inlet<Number>("in", {.carrier = Carrier::thread}) |
        sink("held", [&gate](Number) { gate.pass(); },
             {.carrier = mix.at(1), .capacity = 7, .batch = 1});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    auto in = run->inlet<Number>("in");
    REQUIRE(in.put(0) == PutStatus::ok);
    gate.wait_for_arrivals();
    for (Number n = 1; n <= 5; ++n) REQUIRE(in.put(n) == PutStatus::ok);
    wait_until([&] { return run->snapshot().edges[1].queued == 5; });
    gate.open();
    wait_until([&] { return run->snapshot().stage("held").completed == 6; });
    for (Number n = 6; n < 9; ++n) {
      REQUIRE(in.put(n) == PutStatus::ok);
      wait_until([&] { return run->snapshot().stage("held").completed == n + 1; });
    }
    in.close();
    const Report report = run->wait();
    CHECK(report.edges[1].high_water == 5);
    CHECK(report.edges[1].put == 9);
  });
}

TEST_CASE("Report: bytes are those that the stages told", "[pipeline][report]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("bytes");
    const auto read = [next = Number{0}](Context& context) mutable -> std::optional<Number> {
      if (next == 0) context.expect_bytes(5000);
      if (next == 50) return std::nullopt;
      context.add_bytes(100);
      return next++;
    };
    const auto count = [](Number n, Context& context) {
      context.add_bytes(n);
      return n;
    };
    p.source("read", read, {.carrier = mix.at(0)}) |
        map("count", count, {.workers = 3, .carrier = mix.at(1)}) |
        sink("drop", [](Number) {}, {.carrier = mix.at(0)});
    const Report report = run_watched(p);
    CHECK(report.stage("read").bytes == 5000);
    CHECK(report.stage("read").expected_bytes == 5000);
    CHECK(report.stage("count").bytes == 49 * 50 / 2);
    CHECK(report.stage("drop").bytes == 0);
  });
}

// ---- JSON ----------------------------------------------------------------------------------------

using Json = nlohmann::json;

void check_clocks(const Json& json, const WorkerReport& clock) {
  CHECK(json["busy_s"].get<double>() == Approx(clock.busy_s));
  CHECK(json["starved_s"].get<double>() == Approx(clock.starved_s));
  CHECK(json["blocked_s"].get<double>() == Approx(clock.blocked_s));
  CHECK(json["parked_s"].get<double>() == Approx(clock.parked_s));
}

void check_stage(const Json& json, const StageReport& stage) {
  CHECK(json["name"] == stage.name);
  CHECK(json["kind"] == stage.kind);
  CHECK(json["workers"] == stage.workers);
  CHECK(json["carrier"] == to_string(stage.carrier));
  CHECK(json["in"] == stage.in);
  CHECK(json["out"] == stage.out);
  CHECK(json["completed"] == stage.completed);
  CHECK(json["filtered"] == stage.filtered);
  CHECK(json["dropped"] == stage.skipped + stage.cancelled);
  CHECK(json["skipped"] == stage.skipped);
  CHECK(json["cancelled"] == stage.cancelled);
  CHECK(json["dead"] == stage.dead);
  CHECK(json["failed"] == stage.failed);
  CHECK(json["retried"] == stage.retried);
  CHECK(json["refused"] == stage.refused);
  CHECK(json["bytes"] == stage.bytes);
  CHECK(json["expected_bytes"] == stage.expected_bytes);
  CHECK(json["service_p50_us"] == stage.service_p50_us);
  CHECK(json["service_p99_us"] == stage.service_p99_us);
  check_clocks(json, stage.clock_sum());
  REQUIRE(json["clocks"].size() == stage.clocks.size());
  for (std::size_t i = 0; i < stage.clocks.size(); ++i) {
    check_clocks(json["clocks"][i], stage.clocks[i]);
  }
}

void check_edge(const Json& json, const EdgeReport& edge) {
  CHECK(json["name"] == edge.name);
  CHECK(json["adaptors"] == edge.adaptors);
  CHECK(json["capacity"] == edge.capacity);
  CHECK(json["lanes"] == edge.lanes);
  CHECK(json["put"] == edge.put);
  CHECK(json["got"] == edge.got);
  CHECK(json["done"] == edge.done);
  CHECK(json["dropped"] == edge.dropped);
  CHECK(json["queued"] == edge.queued);
  CHECK(json["high_water"] == edge.high_water);
  CHECK(json["full_s"].get<double>() == Approx(edge.full_s));
  CHECK(json["empty_s"].get<double>() == Approx(edge.empty_s));
}

TEST_CASE("JSON of a real run: every member is there, and every number is that of the struct",
          "[pipeline][report]") {
  for_every_carrier([](const CarrierMix& mix) {
    Pipeline p("json");
    const auto keep = [](Number n, Context& context) -> std::optional<Number> {
      context.add_bytes(8);
      if (n % 10 == 0) throw std::runtime_error("ten");
      if (n % 5 == 1) return std::nullopt;
      return n;
    };
    const auto bury = [](Number n) {
      if (n % 20 == 2) throw std::runtime_error("two");
      return n;
    };
    auto stream =
        p.source("read", numbers(100), {.carrier = mix.at(0)}) |
        map("keep", keep, {.workers = 2, .carrier = mix.at(1), .on_error = retry(3).then(skip())});
    stream | key_by([](const Number& n) { return n; }) |
        map("bury", bury, {.workers = 3, .carrier = mix.at(0), .on_error = dead_letter("two")}) |
        sink("drop", [](Number) {}, {.carrier = mix.at(1), .capacity = 4});
    stream | sink("one", [](Number) { return Demand::enough; }, {.carrier = mix.at(0)});
    const Report report = run_watched(p);
    const Json json = Json::parse(report.json());
    CHECK(json["pipeline"] == "json");
    CHECK(json["status"] == "done");
    CHECK(json["seconds"].get<double>() == Approx(report.seconds));
    CHECK(json["cpu_seconds"].get<double>() == Approx(report.cpu_seconds));
    CHECK(json["cores"] == report.cores);
    CHECK(json["verdict"] == report.verdict);
    CHECK(json["dead_letters"] == report.dead_letters);
    CHECK(report.dead_letters == 5);
    CHECK(json["error_count"] == report.error_count);
    CHECK(json["errors"].size() == report.errors.size());
    CHECK(json["ledger"]["balanced"] == true);
    CHECK(json["ledger"]["faults"].empty());
    REQUIRE(json["stages"].size() == report.stages.size());
    for (std::size_t i = 0; i < report.stages.size(); ++i) {
      check_stage(json["stages"][i], report.stages[i]);
    }
    REQUIRE(json["edges"].size() == report.edges.size());
    for (std::size_t i = 0; i < report.edges.size(); ++i) {
      check_edge(json["edges"][i], report.edges[i]);
    }
    CHECK(report.stage("keep").filtered == 20);
    CHECK(report.stage("keep").skipped == 10);
    CHECK(report.stage("keep").retried == 30);
    CHECK(report.stage("bury").dead == 5);
  });
}

}  // namespace
}  // namespace sluice
