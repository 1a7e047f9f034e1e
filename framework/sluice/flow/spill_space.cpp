// sluice/flow/spill_space.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/spill_space.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace sluice::detail {

bool SpillSpace::fits(std::uint64_t count, std::uint64_t limit) const noexcept {
  if (count <= limit && end_ <= limit - count) return true;
  return std::any_of(gaps_.begin(), gaps_.end(),
                     [count](const Gap& gap) { return gap.count >= count; });
}

std::uint64_t SpillSpace::take(std::uint64_t count) {
  const auto wide = std::find_if(gaps_.begin(), gaps_.end(),
                                 [count](const Gap& gap) { return gap.count >= count; });
  if (wide == gaps_.end()) return std::exchange(end_, end_ + count);
  const std::uint64_t first = wide->first;
  wide->first += count;
  wide->count -= count;
  if (wide->count == 0) gaps_.erase(wide);
  return first;
}

void SpillSpace::give(std::uint64_t first, std::uint64_t count) {
  auto after = std::find_if(gaps_.begin(), gaps_.end(),
                            [first](const Gap& gap) { return gap.first > first; });
  if (after != gaps_.begin() && (after - 1)->first + (after - 1)->count == first) {
    --after;
    after->count += count;
  } else {
    after = gaps_.insert(after, {.first = first, .count = count});
  }
  const auto next = after + 1;
  if (next != gaps_.end() && after->first + after->count == next->first) {
    after->count += next->count;
    gaps_.erase(next);
  }
  if (gaps_.back().first + gaps_.back().count == end_) {
    end_ = gaps_.back().first;
    gaps_.pop_back();
  }
}

}  // namespace sluice::detail
