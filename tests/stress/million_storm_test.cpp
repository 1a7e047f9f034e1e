// stress/million_storm_test.cpp: a million items through a long pipeline, each of them counted at its end.
//
//   read -> mix -+-> left (retries, skips) ---+-> keyed -+-> thirds
//                +-> right (class, skips) ----+          +-> others -> batch -> unpack
//
// Sizes come from the seed. The last two arrows are a merge with key_by, and a route.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/numbers.hpp>
#include <support/scale.hpp>
#include <support/scenario.hpp>
#include <support/seeds.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

constexpr Number kItems = scaled(Number{256'000});  // for each of four mixes of carriers
constexpr Number kPerCall = 16;

/// How often each number arrived, and from which side.
class Arrivals {
 public:
  explicit Arrivals(Number count) : count_{count}, seen_{new std::atomic<std::uint8_t>[count] {}} {}
  void add(Number n) { seen_[n].fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] unsigned of(Number n) const { return seen_[n].load(std::memory_order_relaxed); }
  [[nodiscard]] Number count() const { return count_; }

 private:
  Number count_;
  std::unique_ptr<std::atomic<std::uint8_t>[]> seen_;
};

bool fails_once(Number n) { return n % 501 == 7; }
bool left_skips(Number n) { return n % 4001 == 11; }
bool right_skips(Number n) { return n % 1009 == 13; }
unsigned expected_arrivals(Number n) {
  return (left_skips(n) ? 0U : 1U) + (right_skips(n) ? 0U : 1U);
}

Number how_many(bool (*of)(Number), Number count) {
  Number sum = 0;
  for (Number n = 0; n < count; ++n) sum += of(n) ? 1 : 0;
  return sum;
}

struct Reader {
  using Out = Number;
  Number next_number = 0;
  bool next(Emitter<Number>& out) {
    for (Number i = 0; i < kPerCall && next_number < kItems; ++i) out.emit(next_number++);
    return next_number < kItems;
  }
};

Number left(Number n, Context& context) {
  if (left_skips(n)) throw std::runtime_error("always");
  if (fails_once(n) && context.attempt() == 1) throw std::runtime_error("once");
  return n;
}

/// Emits before it fails.
struct Right {
  using Out = Number;
  void process(Number n, Emitter<Number>& out) {
    out.emit(n);
    if (right_skips(n)) throw std::runtime_error("always");
  }
};

/// Sizes of edges and batches, by seed.
class Sizes {
 public:
  explicit Sizes(const CarrierMix& mix, std::uint64_t seed) : mix_{mix}, draw_{seed} {}
  [[nodiscard]] Carrier at(std::size_t place) const { return mix_.at(place); }
  StageOptions stage(std::size_t place, ErrorPolicy policy = {}) {
    return {.workers = draw_.between(1, 3),
            .carrier = at(place),
            .capacity = draw_.between(16, 2048),
            .batch = draw_.between(1, 256),
            .on_error = std::move(policy)};
  }
  SinkOptions sink(std::size_t place) {
    return {
        .workers = draw_.between(1, 3), .carrier = at(place), .capacity = draw_.between(16, 2048)};
  }

 private:
  CarrierMix mix_;
  Draw draw_;
};

Pipeline long_pipeline(Arrivals& arrivals, Sizes& sizes) {
  Pipeline p("million");
  auto mixed = p.source("read", Reader{}, {.carrier = sizes.at(0)}) |
               map(
                   "mix", [](Number n) { return n; }, sizes.stage(1));
  auto merged = merge(mixed | map("left", left, sizes.stage(2, retry(2, 20us).then(skip()))),
                      mixed | stage("right", Right{}, sizes.stage(3, skip())));
  auto keyed = merged | key_by([](const Number& n) { return n % 97; }) |
               map(
                   "keyed", [](Number n) { return n; }, sizes.stage(4));
  auto arms = route(keyed, [](Number n) { return n % 3 == 0; });
  arms[0] | sink(
                "thirds", [&arrivals](Number n) { arrivals.add(n); }, sizes.sink(5));
  const auto unpack = [&arrivals](const std::vector<Number>& all) {
    for (const Number n : all) arrivals.add(n);
  };
  arms[1] | batch("batch", 61, 1ms, sizes.stage(6)) | sink("unpack", unpack, sizes.sink(7));
  return p;
}

void check_counts(const Report& report) {
  const Number skipped_left = how_many(left_skips, kItems);
  const Number skipped_right = how_many(right_skips, kItems);
  const Number through = 2 * kItems - skipped_left - skipped_right;
  CHECK(report.status == RunStatus::done);
  CHECK(report.ledger.balanced);
  CHECK(report.stage("read").out == kItems);
  CHECK(report.stage("mix").completed == kItems);
  CHECK(report.stage("mix").out == 2 * kItems);
  CHECK(report.stage("left").skipped == skipped_left);
  CHECK(report.stage("left").retried ==
        2 * skipped_left +
            how_many([](Number n) { return fails_once(n) && !left_skips(n); }, kItems));
  CHECK(report.stage("right").skipped == skipped_right);
  CHECK(report.stage("keyed").completed == through);
  CHECK(report.stage("keyed").out == through);
  CHECK(report.stage("thirds").completed + report.stage("batch").completed == through);
  CHECK(report.error_count == skipped_left + skipped_right);
}

TEST_CASE("Storm: of a million items each arrives exactly as often as it should",
          "[pipeline][stress]") {
  std::uint64_t round = 0;
  for_every_carrier([&](const CarrierMix& mix) {
    INFO("repeat with SLUICE_SEED=" << seed());
    Arrivals arrivals(kItems);
    Sizes sizes(mix, seed() + round++);
    const Pipeline p = long_pipeline(arrivals, sizes);
    check_counts(run_watched(p));
    Number wrong = 0;
    for (Number n = 0; n < arrivals.count(); ++n) {
      if (arrivals.of(n) != expected_arrivals(n)) ++wrong;
    }
    CHECK(wrong == 0);
  });
}

TEST_CASE("Storm: of a million items none arrives too often when the run is cut short",
          "[pipeline][stress]") {
  for (const bool cancel : {false, true}) {
    for_every_carrier([&](const CarrierMix& mix) {
      INFO("repeat with SLUICE_SEED=" << seed() << (cancel ? ", cancelled" : ", stopped"));
      Arrivals arrivals(kItems);
      Sizes sizes(mix, seed());
      const Pipeline p = long_pipeline(arrivals, sizes);
      WatchedRun run(p);
      wait_until([&] { return run->snapshot().stage("keyed").completed > kItems / 4; });
      cancel ? run->cancel() : run->stop();
      const Report report = run.end();
      CHECK(report.ledger.balanced);
      const Number emitted = report.stage("read").out;
      Number wrong = 0;
      for (Number n = 0; n < arrivals.count(); ++n) {
        const unsigned expected = n < emitted ? expected_arrivals(n) : 0;
        if (cancel ? arrivals.of(n) > expected : arrivals.of(n) != expected) ++wrong;
      }
      CHECK(wrong == 0);
    });
  }
}

}  // namespace
}  // namespace sluice
