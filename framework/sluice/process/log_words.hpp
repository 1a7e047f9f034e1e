// sluice/process/log_words.hpp: the words that a parent and a worker tell each other by.
//
//   parent's page:  commit (down)   freed (up)     sleeping, enough   stop
//   worker's page:  commit (up)     freed (down)   sleeping   started   started_ns   ready
//
// Owners: each word is written by the side whose page it is in and by nobody else; the other side can
// only read that page. What a side remembers besides is private memory of its own. So a death at any
// point leaves no word half changed and none that is waited for.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/cache_line.hpp>
#include <sluice/process/log.hpp>

#include <cstdint>

namespace sluice::detail {

/// Each word on lines of its own: what one side writes often the other reads seldom.
template <class Sync>
struct ParentWords {
  using Word = LogWord<Sync>;
  alignas(kCacheLine) Word commit{0};
  alignas(kCacheLine) Word freed{0};
  alignas(kCacheLine) Word sleeping{0};
  Word enough{0};  // for whoever looks at `sleeping`, and only then
  alignas(kCacheLine) Word stop{0};
};

template <class Sync>
struct WorkerWords {
  using Word = LogWord<Sync>;
  alignas(kCacheLine) Word commit{0};
  alignas(kCacheLine) Word freed{0};
  alignas(kCacheLine) Word sleeping{0};
  alignas(kCacheLine) Word started{0};
  Word started_ns{0};
  Word ready{0};
};

/// Spins for a budget of time; the clock is read every few pauses only.
template <class Sync>
class SpinBudget {
 public:
  explicit SpinBudget(std::int64_t budget_ns) noexcept : budget_ns_(budget_ns) {}
  /// Pauses. Returns  false when the budget is used up.
  [[nodiscard]] bool spin() noexcept {
    if (budget_ns_ <= 0) return false;
    if (turns_++ % kTurnsPerLook == 0) {
      const std::int64_t now = Sync::now_ns();
      if (until_ns_ == 0) until_ns_ = now + budget_ns_;
      if (now >= until_ns_) return false;
    }
    Sync::pause();
    return true;
  }

 private:
  static constexpr unsigned kTurnsPerLook = 16;

  std::int64_t budget_ns_;
  std::int64_t until_ns_ = 0;
  unsigned turns_ = 0;
};

}  // namespace sluice::detail
