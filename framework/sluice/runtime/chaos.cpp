// sluice/runtime/chaos.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/chaos.hpp>

#include <sluice/flow/worker_state.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace sluice::detail {

Chaos::Chaos(ChaosPlan plan) : plan_(std::move(plan)) {}

std::uint64_t Chaos::roll() noexcept { return derived_seed(plan_.seed, rolls_++); }

Chaos::Clock::duration Chaos::pause(double per_second) noexcept {
  const double uniform = (static_cast<double>(roll() >> 11U) + 1) * 0x1p-53;  // in (0, 1]
  const double seconds = std::min(-std::log(uniform) / per_second, 3600.0);
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

void Chaos::begin(Clock::time_point now) {
  for (const ChaosPlan::Fault& fault : plan_.faults) at_.push_back(now + pause(fault.per_second));
}

std::optional<Chaos::Clock::time_point> Chaos::next_at() const noexcept {
  if (at_.empty()) return std::nullopt;
  return *std::min_element(at_.begin(), at_.end());
}

std::optional<Chaos::Strike> Chaos::due(Clock::time_point now) {
  const auto first = std::min_element(at_.begin(), at_.end());
  if (first == at_.end() || *first > now) return std::nullopt;
  const ChaosPlan::Fault& fault = plan_.faults[static_cast<std::size_t>(first - at_.begin())];
  // From now on, not from when it was due: a supervisor that was late does not strike twice at once.
  *first = now + pause(fault.per_second);
  return Strike{.what = fault.what, .stage = &fault.stage, .dice = roll()};
}

void Chaos::count(ChaosPlan::What what) noexcept {
  (what == ChaosPlan::What::kill ? counts_.kills : counts_.stops)
      .fetch_add(1, std::memory_order_relaxed);
}

}  // namespace sluice::detail
