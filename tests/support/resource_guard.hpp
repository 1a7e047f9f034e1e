// support/resource_guard.hpp: what a test holds of the machine, compared before and after.
//
// Counted are threads, open descriptors, child processes and entries of /dev/shm. Rules:
// - A thread or child that is just ending gets time to do so (a bounded poll).
// - oneTBB keeps its workers after the work is done. They are asked to end (tbb::finalize) before
//   threads count as leaked. They do not end while an arena lives, and the arena of the pool carrier
//   lives as long as the process: so threads it has named "sluice-pool" are oneTBB's, not the test's.
// - /dev/shm is shared with every process of the machine. An entry counts when it is new, belongs to
//   our user and no other living process has it open or mapped.
// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>

namespace sluice::testing_support {

/// What exists now, as key -> description; keys are unique within a kind ("fd 5", "thread 812").
class Resources {
 public:
  [[nodiscard]] static Resources now();

  /// Blocks   while something that was not there in `before` still is, a few seconds at most.
  /// Returns  what is left of it, one a line; empty when nothing leaked.
  [[nodiscard]] static std::string leaked_since(const Resources& before);

 private:
  [[nodiscard]] std::string missing_in(const Resources& before) const;

  std::map<std::string, std::string> held_;
};

}  // namespace sluice::testing_support
