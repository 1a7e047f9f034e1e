// sluice/runtime/death_reasons.hpp: how processes died that came to nothing, in few words.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::detail {

/// What was given first comes first; what is given again is counted. Threads  one.
class DeathReasons {
 public:
  /// Of reasons that differ so many are told; the others only counted.
  static constexpr std::size_t kTold = 6;

  void add(const std::string& how);
  void clear() noexcept {
    told_.clear();
    others_ = 0;
  }

  /// "signal 6 (3 times); exit code 1; 2 others".
  [[nodiscard]] std::string text() const;

 private:
  struct Reason {
    std::string how;
    unsigned times;
  };
  std::vector<Reason> told_{};
  unsigned others_ = 0;
};

}  // namespace sluice::detail
