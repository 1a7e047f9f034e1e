// sluice/runtime/death_reasons.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/death_reasons.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sluice::detail {

void DeathReasons::add(const std::string& how) {
  const auto again = std::find_if(told_.begin(), told_.end(),
                                  [&](const Reason& reason) { return reason.how == how; });
  if (again != told_.end()) {
    ++again->times;
  } else if (told_.size() < kTold) {
    told_.push_back({how, 1});
  } else {
    ++others_;
  }
}

std::string DeathReasons::text() const {
  std::string all;
  for (const Reason& reason : told_) {
    all += all.empty() ? "" : "; ";
    all += reason.times == 1 ? reason.how : fmt::format("{} ({} times)", reason.how, reason.times);
  }
  if (others_ > 0) all += fmt::format("; {} others", others_);
  return all;
}

}  // namespace sluice::detail
