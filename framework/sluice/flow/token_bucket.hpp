// sluice/flow/token_bucket.hpp: how many items may pass by now, and when the next one.
//
// The generic cell rate algorithm (ITU-T I.371): no counter that is filled up now and then, but the time at
// which the bucket is full again. That time is a multiple of the interval after `base_`, computed anew each
// time, so errors of rounding don't add up.
// (1) An item passes at `t` only if at least one token is there; at `base_` the bucket was full.
// (2) In any span s at most burst + rate * s items pass.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/deadline.hpp>

#include <cstddef>
#include <cstdint>

namespace sluice::detail {

class TokenBucket {
 public:
  /// Full at first.
  TokenBucket(double rate_per_second, std::size_t burst) noexcept;

  /// Items that may pass at `now`; at most the burst.
  [[nodiscard]] std::size_t available(Clock::time_point now) const noexcept;
  /// When the next item may pass, as of what was taken.
  [[nodiscard]] Clock::time_point next() const noexcept;
  /// An item passes at `now`, whether it may or not.
  void take(Clock::time_point now) noexcept;

 private:
  /// `n` intervals after base_.
  [[nodiscard]] Clock::time_point after(std::uint64_t n) const noexcept;

  long double interval_ns_;
  std::uint64_t burst_;
  Clock::time_point base_{};
  std::uint64_t used_ = 0;  // tokens taken since base_
};

}  // namespace sluice::detail
