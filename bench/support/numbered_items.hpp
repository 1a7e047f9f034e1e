// bench/support/numbered_items.hpp: bytes of any size that carry their number, for what moves bytes.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace sluice::bench {

/// Reads every word of a small item and a word of every line of a large one.
///
/// Returns  the item's number, which is its first word.
inline std::uint64_t read_item(std::span<const std::byte> item) {
  const std::size_t step = item.size() <= 512 ? 8 : 64;
  std::uint64_t number = 0;
  std::memcpy(&number, item.data(), sizeof number);
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at + 8 <= item.size(); at += step) {
    std::uint64_t word = 0;
    std::memcpy(&word, item.data() + at, sizeof word);
    sum += word;
  }
  asm volatile("" : : "r"(sum));
  return number;
}

/// Items whose first word is their number.
class NumberedItems {
 public:
  explicit NumberedItems(std::size_t size) : bytes_(size, std::byte{1}) {}
  /// Valid until the next call.
  std::span<const std::byte> item(std::uint64_t number) {
    std::memcpy(bytes_.data(), &number, sizeof number);
    return bytes_;
  }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace sluice::bench
