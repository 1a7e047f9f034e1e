// sluice/stages/byte_set.hpp: a set of byte values, such as those after which text may be cut.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace sluice::stages {

/// A set of byte values.
///
///     ByteSet("\n")                                                   line feeds
///     ~(ByteSet::range('a', 'z') | ByteSet::range('A', 'Z'))          all but ASCII letters
class ByteSet {
 public:
  constexpr ByteSet() noexcept = default;
  explicit constexpr ByteSet(std::string_view bytes) noexcept {
    for (const char byte : bytes) has_[index(byte)] = true;
  }
  /// From `first` to `last`, both included.
  [[nodiscard]] static constexpr ByteSet range(char first, char last) noexcept {
    ByteSet set;
    for (std::size_t i = index(first); i <= index(last); ++i) set.has_[i] = true;
    return set;
  }

  [[nodiscard]] constexpr bool contains(char byte) const noexcept { return has_[index(byte)]; }

  friend constexpr ByteSet operator|(ByteSet a, const ByteSet& b) noexcept {
    for (std::size_t i = 0; i < a.has_.size(); ++i) a.has_[i] = a.has_[i] || b.has_[i];
    return a;
  }
  friend constexpr ByteSet operator~(ByteSet a) noexcept {
    for (bool& has : a.has_) has = !has;
    return a;
  }
  friend constexpr bool operator==(const ByteSet&, const ByteSet&) noexcept = default;

  /// Returns  the length of the shortest prefix that ends in a member; 0 when there is none.
  [[nodiscard]] constexpr std::size_t first_cut(std::string_view text) const noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (contains(text[i])) return i + 1;
    }
    return 0;
  }
  /// Returns  the length of the longest prefix that ends in a member; 0 when there is none.
  [[nodiscard]] constexpr std::size_t last_cut(std::string_view text) const noexcept {
    std::size_t cut = text.size();
    while (cut > 0 && !contains(text[cut - 1])) --cut;
    return cut;
  }

 private:
  static constexpr std::size_t index(char byte) noexcept {
    return static_cast<unsigned char>(byte);
  }

  std::array<bool, 256> has_{};
};

}  // namespace sluice::stages
