// unit/progress_test.cpp: the progress line, fed with made-up snapshots.
// SPDX-License-Identifier: MIT
#include <sluice/cli/progress.hpp>

#include <catch2/catch.hpp>

namespace sluice::detail {
namespace {

using Catch::Matchers::Contains;

Report snapshot(double seconds, std::uint64_t items, std::uint64_t bytes, std::uint64_t expected) {
  Report report{.pipeline = "hits", .status = RunStatus::running, .seconds = seconds};
  report.stages.push_back({.name = "read",
                           .kind = "source",
                           .out = items,
                           .bytes = bytes,
                           .expected_bytes = expected,
                           .clocks = {{0, 0, seconds, 0}}});
  report.stages.push_back({.name = "parse",
                           .kind = "map",
                           .in = items,
                           .out = items,
                           .bytes = 5,
                           .clocks = {{seconds / 2, seconds / 2, 0, 0}}});
  return report;
}

TEST_CASE("numbers are short: four digits and a power of 1000", "[cli]") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(999) == "999");
  CHECK(short_number(999.6) == "1.0 k");
  CHECK(short_number(12'345) == "12.3 k");
  CHECK(short_number(1e6) == "1.0 M");
  CHECK(short_number(2.5e9) == "2.5 G");
  CHECK(short_number(5e15) == "5000.0 T");
}

TEST_CASE("times are minutes and seconds, with hours where there are some", "[cli]") {
  CHECK(short_time(0) == "0:00");
  CHECK(short_time(7.9) == "0:07");
  CHECK(short_time(754) == "12:34");
  CHECK(short_time(3723) == "1:02:03");
  CHECK(short_time(-1) == "0:00");
}

TEST_CASE("the line tells items, bytes, their rates, the time left and the busiest stage",
          "[cli]") {
  ProgressMeter meter;
  CHECK(meter.line(snapshot(2, 2000, 4'000'000, 10'000'000)) ==
        "hits 0:02  2.0 k items  1.0 k/s  4.0 MB of 10.0 MB (40 %)  2.0 MB/s  eta 0:03  "
        "busiest parse 50 %");
}

TEST_CASE("without an expected size there is no per cent and no time left", "[cli]") {
  ProgressMeter meter;
  const std::string line = meter.line(snapshot(1, 10, 3000, 0));
  CHECK_THAT(line, Contains("  3.0 kB  3.0 kB/s  busiest"));  // of all stages that count bytes
  CHECK_THAT(line, !Contains("eta") && !Contains("%)"));
  ProgressMeter silent;
  Report report{.pipeline = "hits", .seconds = 1};
  CHECK(silent.line(report) == "hits 0:01  0 items  0/s  everything waits");
}

TEST_CASE("rates follow the last seconds, and the busiest stage is that of the last call",
          "[cli]") {
  ProgressMeter meter;
  static_cast<void>(meter.line(snapshot(100, 100'000, 0, 0)));
  Report later = snapshot(130, 100'000, 0, 0);  // nothing for 30 s
  later.stages[0].clocks = {{30, 0, 100, 0}};   // the source was busy, the rest waited
  later.stages[1].clocks = {{50, 80, 0, 0}};
  const std::string line = meter.line(later);
  CHECK_THAT(line, Contains("100.0 k items  0/s") && Contains("busiest read 100 %"));
}

TEST_CASE("more bytes than expected are never more than all", "[cli]") {
  ProgressMeter meter;
  const std::string line = meter.line(snapshot(1, 10, 300, 200));
  CHECK_THAT(line, Contains("(100 %)") && !Contains("eta"));
}

TEST_CASE("a snapshot of the same instant changes nothing and divides by nothing", "[cli]") {
  ProgressMeter meter;
  const Report report = snapshot(2, 2000, 0, 0);
  static_cast<void>(meter.line(report));
  CHECK_THAT(meter.line(report), Contains("2.0 k items  1.0 k/s"));
}

}  // namespace
}  // namespace sluice::detail
