// sluice/flow/spill_space.hpp: which parts of a spill file are free.
//
// The file is an array of slots of equal size. A request is given the first gap that is wide
// enough; neighbouring gaps are one gap; a gap at the end is no gap, the file is shorter.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::detail {

class SpillSpace {
 public:
  /// Whether take() would stay below `limit` slots.
  [[nodiscard]] bool fits(std::uint64_t count, std::uint64_t limit) const noexcept;
  /// Returns  the first of `count` neighbouring slots, now taken.
  [[nodiscard]] std::uint64_t take(std::uint64_t count);
  /// Frees what take() gave. Does not throw if reserve() made room for it.
  void give(std::uint64_t first, std::uint64_t count);
  /// Makes room so that `gives` calls of give() can't throw.
  void reserve(std::size_t gives) {
    const std::size_t wanted = gaps_.size() + gives;
    if (wanted > gaps_.capacity()) gaps_.reserve(2 * wanted);
  }

  /// Slots before the end of the last one that is taken.
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }

 private:
  struct Gap {
    std::uint64_t first;
    std::uint64_t count;
  };

  std::vector<Gap> gaps_{};  // ascending, with taken slots between them
  std::uint64_t end_ = 0;
};

}  // namespace sluice::detail
