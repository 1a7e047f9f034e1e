// support/scenario.hpp: a pipeline made from a random engine, and what must come out of it.
//
// The same scenarios run under the seeded driver and on real threads, undisturbed, stopped, and cancelled.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/collected.hpp>
#include <support/numbers.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sluice::testing_support {

/// What was done to the run from outside before it ended.
enum class Disturbance : unsigned char { none, stop, cancel };

/// Random numbers for making scenarios.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : engine_{seed} {}

  /// One of `first` ... `last`.
  std::size_t between(std::size_t first, std::size_t last) {
    return std::uniform_int_distribution<std::size_t>{first, last}(engine_);
  }
  bool one_in(std::size_t n) { return between(1, n) == 1; }
  Carrier carrier() { return one_in(2) ? Carrier::thread : Carrier::pool; }

  StageOptions stage(std::size_t most_workers = 3) {
    return {.workers = between(1, most_workers),
            .carrier = carrier(),
            .capacity = between(1, 5),
            .batch = between(1, 8)};
  }
  /// Of several workers, most of the time.
  StageOptions ordered_stage() {
    StageOptions options = stage(4);
    options.order = Order::keep;
    return options;
  }
  SinkOptions sink(std::size_t most_workers = 1) {
    return {.workers = between(1, most_workers),
            .carrier = carrier(),
            .capacity = between(1, 5),
            .batch = between(1, 8)};
  }
  SourceOptions source() { return {.carrier = carrier(), .batch = between(1, 8)}; }

 private:
  std::mt19937_64 engine_;
};

/// A source of numbers that knows how many it has emitted; shared by all runs of the pipeline.
struct CountedNumbers {
  std::shared_ptr<std::atomic<Number>> emitted = std::make_shared<std::atomic<Number>>(0);
  Number count = 0;

  std::optional<Number> operator()() const {
    if (*emitted == count) return std::nullopt;
    return (*emitted)++;
  }
};

struct Scenario {
  Pipeline pipeline{"scenario"};
  /// Checks, on the main thread, what the run has done. The report is that of an ended run.
  std::function<void(const Report&, Disturbance)> check;
  /// The run fails by itself.
  bool fails = false;
};

/// Without cancel exactly the expected numbers arrived; with cancel some of them, none twice.
inline void check_arrived(const Collected<Number>& got, std::vector<Number> expected,
                          Disturbance disturbance) {
  const std::vector<Number> arrived = got.sorted();
  std::sort(expected.begin(), expected.end());
  if (disturbance != Disturbance::cancel) {
    CHECK(arrived == expected);
  } else {
    CHECK(std::includes(expected.begin(), expected.end(), arrived.begin(), arrived.end()));
  }
}

/// The expected numbers in this order; with cancel the first of them.
inline void check_in_order(const Collected<Number>& got, const std::vector<Number>& expected,
                           Disturbance disturbance) {
  std::vector<Number> arrived = got.items();
  if (disturbance != Disturbance::cancel) {
    CHECK(arrived == expected);
  } else {
    CHECK(arrived.size() <= expected.size());
    CHECK(std::equal(
        arrived.begin(), arrived.end(), expected.begin(),
        expected.begin() + static_cast<std::ptrdiff_t>(std::min(arrived.size(), expected.size()))));
  }
}

/// `make(n)` for 0 ... count - 1.
template <class Make>
[[nodiscard]] std::vector<Number> list_of(Number count, Make make) {
  std::vector<Number> list;
  for (Number n = 0; n < count; ++n) {
    if (const std::optional<Number> made = make(n)) list.push_back(*made);
  }
  return list;
}

}  // namespace sluice::testing_support
