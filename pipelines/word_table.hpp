// pipelines/word_table.hpp: counts the words of text, one block at a time.
//
// A word is a maximal run of ASCII letters, folded to lower case. The ends of a block separate
// words too, so a reader cuts its blocks with last_cut() of letters.hpp. (1) A word of at most 16
// letters is its own key: sixteen bytes in the slot, padded with zeros. A
//     longer word lies in `letters_`. Memory grows with the number of distinct words only.
// (2) The scan turns 64 bytes into a bit mask and visits the edges of its runs, so that it costs
// per
//     word, not per byte. (Walking the set bits of a mask of byte classes: Langdale and Lemire,
//     "Parsing Gigabytes of JSON per Second", 2019.)
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <letters.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::samples {

/// A distinct word and how often it was seen.
struct WordCount {
  std::string word;
  std::uint64_t count = 0;

  friend bool operator==(const WordCount&, const WordCount&) = default;
};

/// Number of occurrences of every distinct word of the text it was given.
///
/// Threads  one at a time.
class WordTable {
 public:
  WordTable() : short_slots_(kFirstSlots), long_slots_(kFirstLongSlots) {}

  /// Counts every word of `text`. Its two ends count as separators.
  ///
  /// Throws   std::bad_alloc; the table then holds a part of the words of `text`.
  void add_text(std::string_view text);

  /// Adds the counts of `other`, which is left empty and usable. (A table that was moved from by
  /// construction or assignment may only be assigned to or destroyed.)
  void merge(WordTable&& other);

  /// Returns  the `n` most frequent words, the most frequent first, ties in byte order; all of them
  /// when `n` is 0.
  [[nodiscard]] std::vector<WordCount> top(std::size_t n) const;

  /// Number of distinct words.
  [[nodiscard]] std::size_t size() const noexcept { return short_count_ + long_count_; }

  /// Number of words in all.
  [[nodiscard]] std::uint64_t total() const noexcept;

 private:
  static constexpr std::size_t kInline = 16;  // letters that fit into a slot
  static constexpr std::size_t kFirstSlots = 8192;
  static constexpr std::size_t kFirstLongSlots = 256;

  // The letters of a short word as two machine words; both zero: a free slot.
  struct Key {
    std::array<std::uint64_t, 2> part{};
    // Two instructions and one branch; comparing the arrays is a call of memcmp per word.
    friend bool operator==(const Key& a, const Key& b) noexcept {
      return ((a.part[0] ^ b.part[0]) | (a.part[1] ^ b.part[1])) == 0;
    }
  };
  struct ShortSlot {
    Key key;
    std::uint64_t count = 0;
  };
  struct LongSlot {
    std::uint64_t hash = 0;
    std::size_t first = 0;  // position in letters_
    std::size_t length = 0;
    std::uint64_t count = 0;  // 0: a free slot
  };

  static Key key_of(const char* word, std::size_t length) noexcept;
  static std::uint64_t hash_of(const Key& key) noexcept;
  static std::size_t length_of(const Key& key) noexcept;
  static std::string_view view_of(const ShortSlot& slot) noexcept {
    return {reinterpret_cast<const char*>(slot.key.part.data()), length_of(slot.key)};
  }
  std::string_view view_of(const LongSlot& slot) const noexcept {
    return std::string_view(letters_).substr(slot.first, slot.length);
  }

  const char* scan_stride(const char* stride, const char* pending, const char* readable_end);
  void add_word(const char* word, std::size_t length, const char* readable_end);
  void add_short(const Key& key, std::uint64_t count);
  void add_long(std::string_view word, std::uint64_t count);
  void add_lowered(std::string_view word, std::uint64_t hash, std::uint64_t count);
  void grow_short();
  void grow_long();

  // A power of two of them, at most half in use; linear probing from hash >> shift_.
  std::vector<ShortSlot> short_slots_;
  unsigned shift_ = 64 - static_cast<unsigned>(std::bit_width(kFirstSlots - 1));
  std::size_t short_count_ = 0;
  std::vector<LongSlot> long_slots_;  // the same for words that do not fit
  std::size_t long_count_ = 0;
  std::string letters_;
  std::string lowered_;  // scratch of add_long
};

// --- the scan

inline void WordTable::add_text(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* stride = text.data();
  const char* pending = nullptr;  // where a word began that had not ended by the last stride
  for (; static_cast<std::size_t>(end - stride) >= kMaskBytes; stride += kMaskBytes) {
    pending = scan_stride(stride, pending, end);
  }
  for (; stride != end; ++stride) {  // fewer than kMaskBytes bytes are left
    if (is_letter(*stride)) {
      if (pending == nullptr) pending = stride;
    } else if (pending != nullptr) {
      add_word(pending, static_cast<std::size_t>(stride - pending), end);
      pending = nullptr;
    }
  }
  if (pending != nullptr) add_word(pending, static_cast<std::size_t>(end - pending), end);
}

// Adds the words that end inside the stride; returns the begin of the one that reaches its end, or
// nullptr.
inline const char* WordTable::scan_stride(const char* stride, const char* pending,
                                          const char* readable_end) {
  const std::uint64_t mask = letter_mask(stride);
  // A set bit for each change between letter and other, the state before the stride included.
  std::uint64_t edges = mask ^ ((mask << 1) | (pending != nullptr ? 1U : 0U));
  if (pending != nullptr) {
    if (edges == 0) return pending;
    const char* const word_end = stride + std::countr_zero(edges);
    edges &= edges - 1;
    add_word(pending, static_cast<std::size_t>(word_end - pending), readable_end);
  }
  while (edges != 0) {
    const char* const word = stride + std::countr_zero(edges);
    edges &= edges - 1;
    if (edges == 0) return word;
    const char* const word_end = stride + std::countr_zero(edges);
    edges &= edges - 1;
    add_word(word, static_cast<std::size_t>(word_end - word), readable_end);
  }
  return nullptr;
}

// --- keys

// Reads kInline bytes whatever the length, and keeps `length` of them: no branch on the length,
// which is unpredictable.
inline WordTable::Key WordTable::key_of(const char* word, std::size_t length) noexcept {
  static constexpr auto kMasks = [] {
    std::array<std::array<char, kInline>, kInline + 1> masks{};
    for (std::size_t letters = 0; letters <= kInline; ++letters) {
      for (std::size_t i = 0; i < letters; ++i) masks[letters][i] = static_cast<char>(0xFF);
    }
    return masks;
  }();
  constexpr std::uint64_t kFold = 0x2020202020202020U;
  Key key;
  std::array<std::uint64_t, 2> keep;
  std::memcpy(key.part.data(), word, kInline);
  std::memcpy(keep.data(), kMasks[length].data(), kInline);
  key.part[0] = (key.part[0] | kFold) & keep[0];
  key.part[1] = (key.part[1] | kFold) & keep[1];
  return key;
}

// Multiplicative hashing; the upper bits are the good ones (Knuth, volume 3, section 6.4).
inline std::uint64_t WordTable::hash_of(const Key& key) noexcept {
  return (key.part[0] + key.part[1] * 0xC2B2AE3D27D4EB4FU) * 0x9E3779B97F4A7C15U;
}

inline std::size_t WordTable::length_of(const Key& key) noexcept {
  const char* const letters = reinterpret_cast<const char*>(key.part.data());
  return static_cast<std::size_t>(std::find(letters, letters + kInline, '\0') - letters);
}

// --- the tables

inline void WordTable::add_word(const char* word, std::size_t length, const char* readable_end) {
  if (length > kInline) {
    add_long({word, length}, 1);
  } else if (static_cast<std::size_t>(readable_end - word) >= kInline) {
    add_short(key_of(word, length), 1);
  } else {
    std::array<char, kInline> copy{};
    std::memcpy(copy.data(), word, length);
    add_short(key_of(copy.data(), length), 1);
  }
}

inline void WordTable::add_short(const Key& key, std::uint64_t count) {
  const std::size_t wrap = short_slots_.size() - 1;
  const std::size_t home = hash_of(key) >> shift_;
  std::size_t at = home;
  while (true) {
    ShortSlot& slot = short_slots_[at];
    if (slot.key == key) {
      slot.count += count;
      // A frequent word moves towards its home, where the branch above foresees it. Nothing is
      // ever removed, so all slots from either word's home to either place stay in use.
      ShortSlot& previous = short_slots_[(at - 1) & wrap];
      if (at != home && slot.count > previous.count) std::swap(slot, previous);
      return;
    }
    if (slot.count == 0) break;
    at = (at + 1) & wrap;
  }
  if (2 * (short_count_ + 1) > short_slots_.size()) {
    grow_short();
    return add_short(key, count);
  }
  short_slots_[at] = {key, count};
  ++short_count_;
}

// `word` may still have upper-case letters; it is compared and stored in lower case.
inline void WordTable::add_long(std::string_view word, std::uint64_t count) {
  lowered_.assign(word);
  for (char& letter : lowered_) letter = static_cast<char>(letter | 0x20);
  std::uint64_t hash = 0;
  for (std::size_t at = 0; at < lowered_.size(); at += kInline) {
    const std::size_t length = std::min(kInline, lowered_.size() - at);
    Key piece;
    std::memcpy(piece.part.data(), lowered_.data() + at, length);
    hash = std::rotl(hash, 23) * 0x9E3779B97F4A7C15U + hash_of(piece);
  }
  add_lowered(lowered_, hash, count);
}

inline void WordTable::add_lowered(std::string_view word, std::uint64_t hash, std::uint64_t count) {
  const std::size_t wrap = long_slots_.size() - 1;
  std::size_t at = (hash >> 32) & wrap;
  while (long_slots_[at].count != 0) {
    LongSlot& slot = long_slots_[at];
    if (slot.hash == hash && view_of(slot) == word) {
      slot.count += count;
      return;
    }
    at = (at + 1) & wrap;
  }
  if (2 * (long_count_ + 1) > long_slots_.size()) {
    grow_long();
    return add_lowered(word, hash, count);
  }
  const std::size_t first = letters_.size();
  letters_.append(word);
  long_slots_[at] = {hash, first, word.size(), count};
  ++long_count_;
}

inline void WordTable::grow_short() {
  std::vector<ShortSlot> old(2 * short_slots_.size());
  old.swap(short_slots_);
  --shift_;
  short_count_ = 0;
  for (const ShortSlot& slot : old) {
    if (slot.count != 0) add_short(slot.key, slot.count);
  }
}

inline void WordTable::grow_long() {
  std::vector<LongSlot> old(2 * long_slots_.size());
  old.swap(long_slots_);
  const std::size_t wrap = long_slots_.size() - 1;
  for (const LongSlot& slot : old) {
    if (slot.count == 0) continue;
    std::size_t at = (slot.hash >> 32) & wrap;
    while (long_slots_[at].count != 0) at = (at + 1) & wrap;
    long_slots_[at] = slot;
  }
}

inline void WordTable::merge(WordTable&& other) {
  if (other.size() > size()) std::swap(*this, other);
  for (const ShortSlot& slot : other.short_slots_) {
    if (slot.count != 0) add_short(slot.key, slot.count);
  }
  for (const LongSlot& slot : other.long_slots_) {
    if (slot.count != 0) add_lowered(other.view_of(slot), slot.hash, slot.count);
  }
  other = WordTable();
}

// --- reading it out

inline std::vector<WordCount> WordTable::top(std::size_t n) const {
  struct Entry {
    std::uint64_t count;
    std::string_view word;
  };
  std::vector<Entry> entries;
  entries.reserve(size());
  for (const ShortSlot& slot : short_slots_) {
    if (slot.count != 0) entries.push_back({slot.count, view_of(slot)});
  }
  for (const LongSlot& slot : long_slots_) {
    if (slot.count != 0) entries.push_back({slot.count, view_of(slot)});
  }
  const auto before = [](const Entry& a, const Entry& b) {
    return a.count != b.count ? a.count > b.count : a.word < b.word;
  };
  const std::size_t wanted = n == 0 ? entries.size() : std::min(n, entries.size());
  std::partial_sort(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(wanted),
                    entries.end(), before);
  std::vector<WordCount> words;
  words.reserve(wanted);
  for (std::size_t i = 0; i < wanted; ++i)
    words.push_back({std::string(entries[i].word), entries[i].count});
  return words;
}

inline std::uint64_t WordTable::total() const noexcept {
  std::uint64_t words = 0;
  for (const ShortSlot& slot : short_slots_) words += slot.count;
  for (const LongSlot& slot : long_slots_) words += slot.count;
  return words;
}

}  // namespace sluice::samples
