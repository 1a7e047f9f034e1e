// sluice/runtime/chaos.hpp: when which fault of a ChaosPlan is due.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/chaos.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::detail {

struct ChaosCounts {
  std::atomic<std::uint64_t> kills{0};
  std::atomic<std::uint64_t> stops{0};
};

/// Whose turn it is, and when. Threads  the supervisor's; counts any.
class Chaos {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Chaos(ChaosPlan plan);

  struct Strike {
    ChaosPlan::What what;
    const std::string* stage;
    std::uint64_t dice;  ///< chooses among the stage's processes, and for how long one is stopped
  };
  void begin(Clock::time_point now);
  [[nodiscard]] std::optional<Clock::time_point> next_at() const noexcept;
  /// What is due; nothing when nothing is.
  [[nodiscard]] std::optional<Strike> due(Clock::time_point now);
  void count(ChaosPlan::What what) noexcept;
  [[nodiscard]] const ChaosCounts& counts() const noexcept { return counts_; }
  [[nodiscard]] const ChaosPlan& plan() const noexcept { return plan_; }

 private:
  [[nodiscard]] std::uint64_t roll() noexcept;
  [[nodiscard]] Clock::duration pause(double per_second) noexcept;

  ChaosPlan plan_;
  std::vector<Clock::time_point> at_;
  std::uint64_t rolls_ = 0;
  ChaosCounts counts_;
};

}  // namespace sluice::detail
