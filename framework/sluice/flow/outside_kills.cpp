// sluice/flow/outside_kills.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/outside_kills.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace sluice::detail {
namespace {

// What a proof leaves of the weight of those before it: about the last twenty count.
constexpr double kFading = 0.95;
constexpr double kHardlyPossible = 1e-6;
// More items than this for each kill say no more, as three hits are hardly possible then, but would be slow to fade
// when a storm begins.
constexpr double kEnoughForEach = 100;

}  // namespace

void OutsideKills::prove(unsigned kills, std::uint64_t completed) noexcept {
  const auto meanwhile = static_cast<double>(completed - std::exchange(counted_to_, completed));
  kills_ = kills_ * kFading + kills;
  completed_ = std::min((completed_ + meanwhile) * kFading, kEnoughForEach * kills_);
}

bool OutsideKills::explain(unsigned hits, std::uint64_t completed) const noexcept {
  if (kills_ == 0) return false;
  const double others = completed_ + static_cast<double>(completed - counted_to_);
  return std::pow(kills_ / (kills_ + others), hits) >= kHardlyPossible;
}

}  // namespace sluice::detail
