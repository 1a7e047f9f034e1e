// tests/unit/byte_set_test.cpp: ByteSet on all bytes.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/stages/byte_set.hpp>

#include <string_view>

using sluice::stages::ByteSet;

TEST_CASE("ByteSet: holds what it was made of, for all 256 bytes", "[stages]") {
  constexpr ByteSet letters = ByteSet::range('a', 'z') | ByteSet::range('A', 'Z');
  constexpr ByteSet others = ~letters;
  for (int i = 0; i < 256; ++i) {
    const char byte = static_cast<char>(i);
    const bool letter = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z');
    INFO("byte " << i);
    CHECK(letters.contains(byte) == letter);
    CHECK(others.contains(byte) == !letter);
    CHECK(ByteSet(std::string_view("\0\x7f\x80\xff\n", 5)).contains(byte) ==
          (i == 0 || i == 0x7f || i == 0x80 || i == 0xff || i == '\n'));
    CHECK(ByteSet::range('\0', '\xff').contains(byte));
    CHECK_FALSE(ByteSet().contains(byte));
  }
  STATIC_REQUIRE(letters == ~others);
}

TEST_CASE("ByteSet: finds the first and the last place to cut", "[stages]") {
  constexpr ByteSet lines("\n");
  STATIC_REQUIRE(lines.first_cut("ab\ncd\nef") == 3);
  STATIC_REQUIRE(lines.last_cut("ab\ncd\nef") == 6);
  STATIC_REQUIRE(lines.first_cut("\n") == 1);
  STATIC_REQUIRE(lines.last_cut("\n") == 1);
  STATIC_REQUIRE(lines.first_cut("abc") == 0);
  STATIC_REQUIRE(lines.last_cut("abc") == 0);
  STATIC_REQUIRE(lines.first_cut("") == 0);
  STATIC_REQUIRE(lines.last_cut("") == 0);
  CHECK(lines.first_cut("x\n") == 2);
}
