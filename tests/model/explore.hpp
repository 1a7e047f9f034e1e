// model/explore.hpp: runs a scenario through many executions and reports the first that fails.
// SPDX-License-Identifier: MIT
#pragma once

#include <model/execution.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::model {

/// How hard to look. Same effort, same seed: same executions.
struct Effort {
  unsigned preemptions = 2;       ///< the search starts without any and stops here
  unsigned weak_steps = 1;        ///< as many old values and needless failures in one execution
  std::size_t searched = 60'000;  ///< most executions of the whole search
  std::size_t random = 5'000;     ///< executions of either random strategy
};

struct Verdict {
  bool ok = true;
  bool complete = false;  ///< the search came to its end
  std::size_t executions = 0;
  std::string text;  ///< what was done, or what failed and how
};

/// The effort for this build: a tenth under a sanitizer, times SLUICE_MODEL_EFFORT when that is set.
[[nodiscard]] Effort scaled(Effort effort);

[[nodiscard]] Verdict explore(const Scenario& scenario, const Effort& effort = {});

/// Explores and reports to Catch2. `name` goes into the line printed.
void must_hold(const std::string& name, const Scenario& scenario, const Effort& effort = {});

}  // namespace sluice::model
