// sluice/stages/content_chunker.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/content_chunker.hpp>

#include <algorithm>
#include <array>

namespace sluice::stages {
namespace {

// A byte's number: that of the byte in a sequence of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
// What the sequence starts from is arbitrary, and fixed for ever: other numbers would cut
// elsewhere, and no longer find what was stored before.
constexpr std::array<std::uint64_t, 256> gear_table() {
  std::array<std::uint64_t, 256> table{};
  std::uint64_t state = 0x736c'7569'6365'2121;
  for (std::uint64_t& number : table) {
    state += 0x9e37'79b9'7f4a'7c15;
    std::uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58'476d'1ce4'e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d0'49bb'1331'11eb;
    number = mixed ^ (mixed >> 31);
  }
  return table;
}
constexpr std::array<std::uint64_t, 256> kGear = gear_table();

// A cut where the highest bits of the hash are zero, because all of the last 64 bytes take part in
// those: one place in 32768 before kNormal, one in 8192 behind. With d = kNormal - kLeast and q =
// exp(-d/32768) the mean length is about kLeast + 32768 (1 - q) + 8192 q, which is 16490 here.
constexpr std::size_t kNormal = 10240;
constexpr std::uint64_t kStrict = ~std::uint64_t{0} >> 15;
constexpr std::uint64_t kLoose = ~std::uint64_t{0} >> 13;

// Rolls the hash over the bytes. Returns  the place behind the first one with a hash within the
// limit; 0: there is none.
std::size_t find_cut(const char* bytes, std::size_t from, std::size_t to, std::uint64_t limit,
                     std::uint64_t& hash) noexcept {
  const auto* const at = reinterpret_cast<const unsigned char*>(bytes);
  std::uint64_t rolled = hash;
  for (; to - from >= 4; from += 4) {  // written out, which saves tests of the loop
    rolled = (rolled << 1) + kGear[at[from]];
    if (rolled <= limit) return from + 1;
    rolled = (rolled << 1) + kGear[at[from + 1]];
    if (rolled <= limit) return from + 2;
    rolled = (rolled << 1) + kGear[at[from + 2]];
    if (rolled <= limit) return from + 3;
    rolled = (rolled << 1) + kGear[at[from + 3]];
    if (rolled <= limit) return from + 4;
  }
  for (; from < to; ++from) {
    rolled = (rolled << 1) + kGear[at[from]];
    if (rolled <= limit) return from + 1;
  }
  hash = rolled;
  return 0;
}

}  // namespace

ContentChunker::Step ContentChunker::feed(std::string_view bytes) noexcept {
  const std::size_t before = length_bytes_;
  // Of these bytes: all that may belong to the chunk, where the hash begins, where the limit
  // changes.
  const std::size_t end = std::min(bytes.size(), kMost - before);
  const std::size_t start = std::min(end, kLeast - std::min(before, kLeast));
  const std::size_t turn = std::clamp(kNormal - std::min(before, kNormal), start, end);
  std::size_t cut = find_cut(bytes.data(), start, turn, kStrict, hash_);
  if (cut == 0) cut = find_cut(bytes.data(), turn, end, kLoose, hash_);
  if (cut == 0 && before + end == kMost) cut = end;
  if (cut == 0) {
    length_bytes_ = before + end;
    return {.taken_bytes = end, .cut = false};
  }
  restart();
  return {.taken_bytes = cut, .cut = true};
}

}  // namespace sluice::stages
