// sluice/flow/token_bucket.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/token_bucket.hpp>

#include <algorithm>
#include <cmath>

namespace sluice::detail {

TokenBucket::TokenBucket(double rate_per_second, std::size_t burst) noexcept
    : interval_ns_(1e9L / static_cast<long double>(rate_per_second)), burst_(burst) {}

Clock::time_point TokenBucket::after(std::uint64_t n) const noexcept {
  const long double offset = std::ceil(static_cast<long double>(n) * interval_ns_);
  const Clock::duration left = Clock::time_point::max() - std::max(base_, Clock::time_point{});
  if (offset >= static_cast<long double>(left.count())) return Clock::time_point::max();
  return base_ + Clock::duration(static_cast<Clock::rep>(offset));
}

std::size_t TokenBucket::available(Clock::time_point now) const noexcept {
  if (now >= after(used_)) return burst_;
  const auto elapsed = static_cast<long double>((now - base_).count());
  auto filled = static_cast<std::uint64_t>(std::max(0.0L, std::floor(elapsed / interval_ns_)));
  while (filled > 0 && after(filled) > now) --filled;  // the division was rounded
  while (after(filled + 1) <= now) ++filled;
  const std::uint64_t tokens = burst_ + filled;
  return tokens > used_ ? std::min(burst_, tokens - used_) : 0;
}

Clock::time_point TokenBucket::next() const noexcept {
  return used_ < burst_ ? base_ : after(used_ + 1 - burst_);
}

void TokenBucket::take(Clock::time_point now) noexcept {
  // Full for a while: what would have overflowed is lost. At the very moment base_ stays, because
  // after() was rounded.
  if (now > after(used_)) {
    base_ = now;
    used_ = 0;
  }
  ++used_;
}

}  // namespace sluice::detail
