// model/clock.hpp: vector clocks: what a simulated thread knows of the others' steps.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

namespace sluice::model {

/// The main thread of a scenario, number 0, and up to four more.
inline constexpr unsigned kMaxThreads = 5;

/// One thread's count of its own steps. A step is named by its thread and that thread's count.
using Count = std::uint32_t;

struct Step {
  unsigned thread = 0;
  Count count = 0;
};

/// For each thread, up to which of its steps everything happens before the owner's next step.
struct VectorClock {
  std::array<Count, kMaxThreads> at{};

  [[nodiscard]] bool knows(const Step& step) const noexcept {
    return at[step.thread] >= step.count;
  }
  void join(const VectorClock& other) noexcept {
    for (unsigned i = 0; i < kMaxThreads; ++i) {
      if (other.at[i] > at[i]) at[i] = other.at[i];
    }
  }
};

}  // namespace sluice::model
