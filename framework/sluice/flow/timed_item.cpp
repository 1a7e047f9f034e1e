// sluice/flow/timed_item.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/timed_item.hpp>

#include <utility>

namespace sluice::detail {

TimedItem::TimedItem(std::chrono::nanoseconds limit, std::stop_token outer)
    : limit_(limit), outer_(std::move(outer)) {
  from_outer_.emplace(outer_, RequestStop{source_});
}

void TimedItem::renew() {
  from_outer_.reset();
  source_ = std::stop_source();
  from_outer_.emplace(outer_, RequestStop{source_});
}

void TimedItem::begin(std::uint64_t item, unsigned attempt) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(late_, false)) renew();
  item_ = item;
  attempt_ = attempt;
  begun_ = Clock::now();
  in_progress_ = true;
}

void TimedItem::end() noexcept {
  const std::lock_guard lock(mutex_);
  in_progress_ = false;
}

std::optional<TimedItem::Late> TimedItem::look(Clock::time_point now) {
  std::stop_source its_own(std::nostopstate);
  Late late;
  {
    const std::lock_guard lock(mutex_);
    if (!in_progress_ || late_ || now - begun_ < limit_) return std::nullopt;
    late_ = true;
    its_own = source_;
    late = {.item = item_, .attempt = attempt_, .spent = now - begun_};
  }
  its_own.request_stop();  // runs callbacks of the user's, so without the mutex
  return late;
}

}  // namespace sluice::detail
