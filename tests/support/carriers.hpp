// support/carriers.hpp: "for every carrier": the mixes of carriers and sizes that a pipeline must not mind.
//
// A test that runs a pipeline asks the mix for the carrier of each stage, by the stage's place in the
// pipeline, and expects the same result from every mix.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/options.hpp>
#include <sluice/scheduler.hpp>

#include <catch2/catch.hpp>

#include <cstddef>

namespace sluice::testing_support {

/// Which carrier the first, second, third ... stage of a pipeline runs on.
struct CarrierMix {
  const char* name;
  Carrier even;
  Carrier odd;

  [[nodiscard]] constexpr Carrier at(std::size_t place) const noexcept {
    return place % 2 == 0 ? even : odd;
  }
};

inline constexpr CarrierMix kCarrierMixes[] = {
    {"threads", Carrier::thread, Carrier::thread},
    {"pool", Carrier::pool, Carrier::pool},
    {"thread, pool, thread, ...", Carrier::thread, Carrier::pool},
    {"pool, thread, pool, ...", Carrier::pool, Carrier::thread},
};

/// Calls `test(mix)` for every mix; what fails in it says which one it was.
template <class Test>
void for_every_carrier(Test test) {
  for (const CarrierMix& mix : kCarrierMixes) {
    INFO("carriers: " << mix.name);
    test(mix);
  }
}

/// How many callbacks may block at the same time when all of them run on the pool.
[[nodiscard]] inline std::size_t pool_size() { return Machine::here().cores; }

/// A mix, and the sizes that decide how often a pipeline waits.
struct Setting {
  CarrierMix mix;
  std::size_t capacity;
  std::size_t batch;
  std::size_t workers;
};

/// Calls `test(setting)` for every mix with capacities 1, 2, 3 and 1024, batches of 1 and of many, and 1 to
/// 4 workers.
template <class Test>
void for_every_setting(Test test) {
  for_every_carrier([&](const CarrierMix& mix) {
    for (const std::size_t capacity : {1U, 2U, 3U, 1024U}) {
      for (const std::size_t batch : {1U, 256U}) {
        for (const std::size_t workers : {1U, 2U, 3U, 4U}) {
          INFO("capacity " << capacity << ", batch " << batch << ", workers " << workers);
          test(Setting{mix, capacity, batch, workers});
        }
      }
    }
  });
}

}  // namespace sluice::testing_support
