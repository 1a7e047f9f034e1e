// sluice/runtime/restart_pause.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/restart_pause.hpp>

#include <algorithm>

namespace sluice::detail {
namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::milliseconds kFirst{10};
constexpr std::chrono::seconds kLongest{5};
constexpr unsigned kMostDoublings = 10;

}  // namespace

nanoseconds restart_pause(unsigned deaths, std::uint64_t dice) noexcept {
  const nanoseconds doubled = nanoseconds(kFirst) * (1U << std::min(deaths - 1, kMostDoublings));
  const nanoseconds pause = std::min<nanoseconds>(doubled, kLongest);
  const auto thousandths = static_cast<std::int64_t>(dice % 1000) - 500;  // of a half
  return pause + pause / 2000 * thousandths;
}

}  // namespace sluice::detail
