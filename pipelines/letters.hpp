// pipelines/letters.hpp: which bytes of text are letters, one at a time and 64 at once.
//
// A letter is one of A-Z and a-z whatever the locale; zero bytes and bytes above 127 are none.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sluice::samples {

/// Whether `c` belongs to a word.
[[nodiscard]] constexpr bool is_letter(char c) noexcept {
  return static_cast<unsigned char>((static_cast<unsigned char>(c) | 0x20U) - 'a') < 26;
}

/// Where a block of `text` may end without cutting a word.
///
/// Returns  the length of the longest prefix whose last byte is no letter; 0 when `text` is one
///          piece of a word.
[[nodiscard]] constexpr std::size_t last_cut(std::string_view text) noexcept {
  std::size_t cut = text.size();
  while (cut > 0 && is_letter(text[cut - 1])) {
    --cut;
  }
  return cut;
}

/// Bytes that letter_mask() looks at.
inline constexpr std::size_t kMaskBytes = 64;

/// Returns  a mask whose bit i says whether text[i] is a letter. Reads kMaskBytes bytes.
[[nodiscard]] inline std::uint64_t letter_mask(const char* text) noexcept {
  std::uint64_t mask = 0;
#if defined(__SSE2__)
  const __m128i fold = _mm_set1_epi8(0x20);
  const __m128i first = _mm_set1_epi8('a');
  const __m128i last_rank = _mm_set1_epi8(25);
  for (std::size_t at = 0; at < kMaskBytes; at += sizeof(__m128i)) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at));
    const __m128i rank = _mm_sub_epi8(_mm_or_si128(bytes, fold), first);
    const __m128i letters = _mm_cmpeq_epi8(_mm_min_epu8(rank, last_rank), rank);
    mask |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(letters))) << at;
  }
#else
  for (std::size_t i = 0; i < kMaskBytes; ++i) {
    mask |= static_cast<std::uint64_t>(is_letter(text[i])) << i;
  }
#endif
  return mask;
}

}  // namespace sluice::samples
