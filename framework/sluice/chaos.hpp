// sluice/chaos.hpp: faults for the worker processes of a run, on purpose, to show that nothing is lost.
// Layer: report. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What is done to the worker processes of a run: RunOptions::chaos, --chaos.
struct ChaosPlan {
  enum class What : unsigned char { kill, stop };
  struct Fault {
    What what = What::kill;
    std::string stage{};
    double per_second = 0;  ///< in the mean; times between them are exponential
  };
  std::vector<Fault> faults{};
  std::uint64_t seed = 1;
};

/// "kill=STAGE:RATE,stop=STAGE:RATE,seed=N"; RATE is the mean number per second.
/// Throws  UsageError, one line, that names the part that is wrong.
[[nodiscard]] ChaosPlan parse_chaos(std::string_view text);

}  // namespace sluice
