// tests/process/held_yields.hpp: pool threads that oneTBB lets look for more work stand still, and are counted.
//
// sched_yield() is replaced in this executable. What a busy machine does to a thread that yields is done here
// without one: it stands where it is until the test lets it go on.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice::testing_support {

/// While there is one, a thread that has left the pool's work stands at its first yield inside oneTBB.
class HeldYields {
 public:
  HeldYields() noexcept;
  /// Lets go.
  ~HeldYields();
  HeldYields(const HeldYields&) = delete;
  HeldYields& operator=(const HeldYields&) = delete;

  /// Lets all go on, and counts from now on.
  void let_go() noexcept;
  /// Returns  the most yields of such a thread since it was let go.
  [[nodiscard]] int most() const noexcept;
};

}  // namespace sluice::testing_support
