// tests/process/rounds.hpp: a loop whose progress is told when the test hangs.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/watchdog.hpp>

#include <string>

namespace sluice::testing_support {

/// for (Rounds rounds(100); rounds.next();) ...   Main thread only.
class Rounds {
 public:
  explicit Rounds(int count) : count_(count) {}
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;

  bool next() { return ++done_ < count_; }
  /// From 0.
  [[nodiscard]] int number() const { return done_; }
  [[nodiscard]] int count() const { return count_; }

 private:
  int count_;
  int done_ = -1;
  StateDump dump_{"rounds", [this] {
                    return "round " + std::to_string(done_) + " of " + std::to_string(count_);
                  }};
};

}  // namespace sluice::testing_support
