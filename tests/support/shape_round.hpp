// support/shape_round.hpp: one round of a small pipeline under the seeded driver, undisturbed, stopped or
// cancelled, and what must have come out of it.
//
// SLUICE_SEED=<the seed of a failing round> tries that one alone.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/scale.hpp>
#include <support/scenario.hpp>

#include <sluice/testing.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace sluice::testing_support {

using Numbers = std::vector<Number>;

inline constexpr std::uint64_t kSeeds = kUnderSanitizer ? 500 : 10'000;
inline constexpr Number kMost = 30;

inline void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

/// One round: the numbers that come out of a pipeline, and what was done to it.
struct Round {
  explicit Round(std::uint64_t round_seed) : seed(round_seed), draw(round_seed) {
    count = draw.between(0, kMost);
    disturbance = static_cast<Disturbance>(draw.one_in(2) ? 0 : draw.between(1, 2));
  }

  auto source() {
    return pipeline.source(
        "read",
        [this]() -> std::optional<Number> {
          if (emitted == count) return std::nullopt;
          return emitted++;
        },
        draw.source());
  }
  /// The steady arrival of items at `per_second`, so that windows of time have something to part.
  auto paced(double per_second) {
    return source() | throttle("pace", per_second, draw.between(1, 3), one_worker());
  }
  StageOptions one_worker() { return draw.stage(1); }

  Report run() {
    testing::RunSettings settings{.seed = seed};
    const std::size_t after = draw.between(1, 100);
    if (disturbance == Disturbance::stop) settings.stop_after = after;
    if (disturbance == Disturbance::cancel) settings.cancel_after = after;
    Report report = testing::run(pipeline, std::move(settings));
    cancelled = report.status == RunStatus::cancelled;
    return report;
  }

  /// Every number once and in order; of a cancelled run the first ones.
  void check_all_in_order(const Numbers& got) const {
    require(cancelled ? got.size() <= emitted : got.size() == emitted, "items are missing");
    for (Number n = 0; n < got.size(); ++n) require(got[n] == n, "the order is lost");
  }
  /// Of each of `keys` the numbers in order; of a cancelled run the first ones.
  void check_keys(const std::map<Number, Numbers>& got, Number keys) const {
    std::size_t sum = 0;
    for (const auto& [key, list] : got) {
      sum += list.size();
      for (Number i = 0; i < list.size(); ++i) {
        require(list[i] == key + i * keys, "a key's order is lost");
      }
    }
    require(cancelled || sum == emitted, "items are missing");
  }

  std::uint64_t seed;
  Draw draw;
  Number count = 0;
  Number emitted = 0;
  Disturbance disturbance = Disturbance::none;
  bool cancelled = false;
  Pipeline pipeline{"shape"};
};

template <class Shape>
void explore_shape(const char* name, Shape shape) {
  const auto begin = std::chrono::steady_clock::now();
  const std::uint64_t tried = testing::explore(shape, {.seeds = kSeeds});
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  std::cout << "shape " << name << ": " << tried << " seeds, "
            << static_cast<std::uint64_t>(static_cast<double>(tried) / spent.count())
            << " a second\n";
  SUCCEED();
}

}  // namespace sluice::testing_support
