// sluice/flow/timed_item.hpp: the item in a worker's callback, watched for taking too long.
//
// Only for stages with a soft timeout. The worker begins and ends items, one watcher looks at them; the
// mutex guards what both use. An item that is late gets its stop requested; the next one gets a stop source
// of its own, so a late look at one item never stops another.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>

namespace sluice::detail {

class TimedItem {
 public:
  using Clock = std::chrono::steady_clock;

  /// `outer` is the stage's token: when the stage is to stop, so is the item.
  TimedItem(std::chrono::nanoseconds limit, std::stop_token outer);

  // ---- of the worker -------------------------------------------------------------------------------

  void begin(std::uint64_t item, unsigned attempt);
  void end() noexcept;
  /// Of the item in progress.
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

  // ---- of the watcher ------------------------------------------------------------------------------

  struct Late {
    std::uint64_t item = 0;
    unsigned attempt = 1;
    std::chrono::nanoseconds spent{};
  };
  /// The item in progress, if it is late and nobody has been told; its stop is requested then.
  [[nodiscard]] std::optional<Late> look(Clock::time_point now);

 private:
  struct RequestStop {
    std::stop_source source;
    void operator()() noexcept { source.request_stop(); }
  };
  void renew();

  const std::chrono::nanoseconds limit_;
  const std::stop_token outer_;
  std::stop_source source_;  // replaced by the worker only, under the mutex
  std::optional<std::stop_callback<RequestStop>> from_outer_;
  std::mutex mutex_;
  bool in_progress_ = false;
  bool late_ = false;
  std::uint64_t item_ = 0;
  unsigned attempt_ = 1;
  Clock::time_point begun_;
};

}  // namespace sluice::detail
