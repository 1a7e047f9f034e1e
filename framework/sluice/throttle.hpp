// sluice/throttle.hpp: passes items on at a bounded rate.
// Layer: stage. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/error.hpp>
#include <sluice/flow/bodies.hpp>
#include <sluice/flow/maker.hpp>
#include <sluice/flow/token_bucket.hpp>
#include <sluice/stage.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace sluice {
namespace detail {

template <class T>
class ThrottleBody {
 public:
  // As in a filter: an item that is passed on comes back when what decides where it goes throws.
  static constexpr bool kReadsOnly = std::is_nothrow_move_constructible_v<T>;
  static constexpr bool kPassesOn = kReadsOnly;
  explicit ThrottleBody(TokenBucket bucket) : bucket_(bucket) {}

  void process(T&& item, Emitter<T>& out, Context& context) {
    bucket_.take(context.now());
    EmitterAccess::emit_final<T>(out, std::move(item));
  }
  [[nodiscard]] std::size_t allowance(Clock::time_point now) const noexcept {
    return bucket_.available(now);
  }
  [[nodiscard]] Deadline ready_at() const noexcept { return Deadline::at(bucket_.next()); }

 private:
  TokenBucket bucket_;
};

struct ThrottleDecl {
  using Wanted = SomethingElse;
  template <class In>
  static constexpr bool kAccepts = std::move_constructible<In>;
  template <class In>
  static constexpr bool kReadsOnly = ThrottleBody<In>::kReadsOnly;
  template <class In>
  using Out = In;
  template <class In>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    return make_maker<In, In>(
        [bucket = bucket](std::size_t) { return [bucket] { return ThrottleBody<In>(bucket); }; });
  }
  Declared base;
  TokenBucket bucket;
};

}  // namespace detail

/// Passes on at most `rate_per_second` items a second, in order, and up to `burst` at once after a pause
/// in which they were saved up: in any span of s seconds at most burst + rate * s items.
///
/// What has to wait stays in the stage's input queue, so backpressure holds back whoever fills it. It goes
/// by the run's clock (Context::now()), and waiting takes no thread of the pool. Has one worker. Once the
/// run is stopped, what is inside drains at once: there is nothing left to hold back.
/// Units   items per second; need not be whole: 0.1 is one in ten seconds.
/// Throws  UsageError for a rate that is not above 0 (or not a finite number), and for a burst of 0.
[[nodiscard]] inline detail::ThrottleDecl throttle(std::string name, double rate_per_second,
                                                   std::size_t burst = 1,
                                                   StageOptions options = {}) {
  constexpr double kMost = 1e18;
  if (!(rate_per_second > 0 && rate_per_second <= kMost)) {
    throw UsageError("throttle " + name + ": the rate is " + std::to_string(rate_per_second) +
                     "; give items per second, more than 0");
  }
  if (burst == 0) throw UsageError("throttle " + name + ": the burst is 0; give at least 1");
  return {{.name = std::move(name),
           .kind = "throttle",
           .options = std::move(options),
           .many = false,
           .many_reason = "a throttle's rate is that of one worker"},
          detail::TokenBucket(rate_per_second, burst)};
}

}  // namespace sluice
