// tests/unit/codec_members_test.cpp: structs of many members: each is counted and comes back in its
// place.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

namespace {

using sluice::Bytes;
using sluice::detail::kMemberCount;

// Numbers in front, a text at the end: so values are taken apart, not copied as a whole.
#define SLUICE_ROW(a) int a##1, a##2, a##3, a##4, a##5, a##6, a##7, a##8
struct Eight {
  int a1, a2, a3, a4, a5, a6, a7;
  std::string last;
};
struct Nine {
  SLUICE_ROW(a);
  std::string last;
};
struct Seventeen {
  SLUICE_ROW(a);
  SLUICE_ROW(b);
  std::string last;
};
struct ThirtyThree {
  SLUICE_ROW(a);
  SLUICE_ROW(b);
  SLUICE_ROW(c);
  SLUICE_ROW(d);
  std::string last;
};
struct SixtyFour {
  SLUICE_ROW(a);
  SLUICE_ROW(b);
  SLUICE_ROW(c);
  SLUICE_ROW(d);
  SLUICE_ROW(e);
  SLUICE_ROW(f);
  SLUICE_ROW(g);
  int h1, h2, h3, h4, h5, h6, h7;
  std::string last;
};

/// Whether T has this many members, which are read in their order and written in the same.
template <class T, std::size_t Members>
bool comes_back() {
  if (kMemberCount<T> != Members) return false;
  std::vector<int> numbers(Members - 1);
  std::iota(numbers.begin(), numbers.end(), 1000);
  Bytes bytes;
  bytes.append(numbers.data(), numbers.size() * sizeof(int));
  const std::uint32_t length = 4;
  bytes.append(&length, sizeof length);
  bytes.append("last", length);
  const T value = sluice::decode<T>(bytes);
  if (value.a1 != 1000 || value.a7 != 1006 || value.last != "last") return false;
  Bytes again;
  sluice::encode(value, again);
  return again.size() == bytes.size() && std::memcmp(again.data(), bytes.data(), bytes.size()) == 0;
}

}  // namespace

TEST_CASE("codec: structs of up to 64 members come back, each in its place", "[codec]") {
  CHECK(comes_back<Eight, 8>());
  CHECK(comes_back<Nine, 9>());
  CHECK(comes_back<Seventeen, 17>());
  CHECK(comes_back<ThirtyThree, 33>());
  CHECK(comes_back<SixtyFour, 64>());
}
