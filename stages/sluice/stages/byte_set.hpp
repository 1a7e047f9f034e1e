// sluice/stages/byte_set.hpp: a set of byte values, such as those after which text may be cut.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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
    for (const char byte : bytes) add(byte);
  }
  /// From `first` to `last`, both included.
  [[nodiscard]] static constexpr ByteSet range(char first, char last) noexcept {
    ByteSet set;
    for (int byte = as_number(first); byte <= as_number(last); ++byte) {
      set.add(static_cast<char>(byte));
    }
    return set;
  }

  [[nodiscard]] constexpr bool contains(char byte) const noexcept {
    return (words_[word_of(byte)] & bit_of(byte)) != 0;
  }

  friend constexpr ByteSet operator|(ByteSet a, const ByteSet& b) noexcept {
    for (std::size_t i = 0; i < a.words_.size(); ++i) a.words_[i] |= b.words_[i];
    return a;
  }
  friend constexpr ByteSet operator~(ByteSet a) noexcept {
    for (std::uint64_t& word : a.words_) word = ~word;
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
  static constexpr int as_number(char byte) noexcept { return static_cast<unsigned char>(byte); }
  static constexpr std::size_t word_of(char byte) noexcept {
    return static_cast<unsigned char>(byte) / 64U;
  }
  static constexpr std::uint64_t bit_of(char byte) noexcept {
    return std::uint64_t{1} << (static_cast<unsigned char>(byte) % 64U);
  }
  constexpr void add(char byte) noexcept { words_[word_of(byte)] |= bit_of(byte); }

  std::array<std::uint64_t, 4> words_{};
};

}  // namespace sluice::stages
