// bench/support/tournament.hpp: the main of a bench that compares: groups of contestants, one of
// which meets all others.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/duel.hpp>

#include <string>
#include <vector>

namespace sluice::bench {

/// Contestants that do the same job. The first is the reference of every ratio.
struct Group {
  std::string
      name;  // a path with keys: queue/put_get/producers:2/consumers:2/capacity:1024/batch:1
  double seconds = 0.3;  // of one run: long against filling and draining
  bool pinned = true;    // false: pinning means nothing here
  Figure figure = Figure::rate;
  std::vector<Contestant> contestants;
};

/// Reads the command line, holds the duels, prints a table (Markdown) and writes
/// bench/results/<name>.json with all samples.
///
/// Returns  the exit code: 0; 1 when a contestant's result was wrong or the run failed; 2 for wrong
///          usage.
int hold_tournament(const std::string& name, int argc, char** argv,
                    const std::vector<Group>& groups);

}  // namespace sluice::bench
