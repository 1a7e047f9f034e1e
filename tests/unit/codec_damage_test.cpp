// tests/unit/codec_damage_test.cpp: bytes that nobody encoded are refused or are some value, never
// more. The address and undefined behaviour sanitizers watch the same tests.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/codec_values.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <sluice/codec.hpp>

#include <cstring>
#include <vector>

namespace {

using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using sluice::Bytes;
using sluice::decode;
using sluice::DecodeError;
using sluice::encode;

// What is decoded has room of its own, so that the sanitizer sees a read past its end.
template <class T>
bool is_refused(std::span<const std::byte> bytes) {
  const std::vector<std::byte> copy(bytes.begin(), bytes.end());
  try {
    static_cast<void>(decode<T>(copy));
    return false;
  } catch (const DecodeError& error) {
    if (error.offset() > bytes.size()) throw std::logic_error("an offset past the end");
    return true;
  }
}

template <class T>
std::string refusal_of(std::span<const std::byte> bytes) {
  try {
    static_cast<void>(decode<T>(bytes));
  } catch (const DecodeError& error) {
    return error.what();
  }
  return "";
}

Bytes raw(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) {
    const auto byte = static_cast<std::byte>(value);
    bytes.append(&byte, 1);
  }
  return bytes;
}

enum class Level : std::uint8_t { low = 3, middle = 4, high = 6 };
enum Plain { plain_least = -1, plain_most = 2 };
enum class Odd : std::int16_t {};
enum class Flag : bool { off, on };
struct Graded {
  Level level{Level::low};
  std::vector<Plain> marks{};
};

struct Empty {};
struct Wide {
  std::optional<std::array<char, 4096>> content{};
};

}  // namespace

template <>
struct sluice::enum_range<Level> {
  static constexpr Level least = Level::low;
  static constexpr Level most = Level::high;
  static constexpr bool is_valid(Level level) { return static_cast<int>(level) != 5; }
};
template <>
struct sluice::enum_range<Plain> {
  static constexpr Plain least = plain_least;
  static constexpr Plain most = plain_most;
};
template <>
struct sluice::enum_range<Odd> {
  static constexpr bool is_valid(Odd odd) { return static_cast<int>(odd) % 2 != 0; }
};

TEST_CASE("codec: a value cut off at any length is refused", "[codec]") {
  Random random = random_engine(2);
  for (int round = scaled(40); round > 0; --round) {
    Bytes bytes;
    encode(random_mixed(random), bytes);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      if (!is_refused<Mixed>(bytes.view().first(length))) FAIL("accepted " << length << " bytes");
    }
    CHECK_FALSE(is_refused<Mixed>(bytes));
    bytes.append("x", 1);
    CHECK(is_refused<Mixed>(bytes));
  }
}

TEST_CASE("codec: every flip of one bit is refused or makes some value", "[codec]") {
  Random random = random_engine(3);
  std::size_t refused = 0;
  std::size_t accepted = 0;
  for (int round = scaled(20); round > 0; --round) {
    Bytes bytes;
    encode(random_mixed(random), bytes);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      bytes.data()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
      ++(is_refused<Mixed>(bytes) ? refused : accepted);
      bytes.data()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    }
  }
  CHECK(refused > 0);
  CHECK(accepted > 0);
}

TEST_CASE("codec: random damage is refused or makes some value", "[codec]") {
  Random random = random_engine(4);
  std::size_t refused = 0;
  for (int round = scaled(20000); round > 0; --round) {
    Bytes bytes;
    encode(random_mixed(random), bytes);
    for (std::size_t n = 1 + up_to(random, 8); n > 0; --n) {
      const std::size_t at = up_to(random, bytes.size() - 1);
      const bool is_large = random() % 2 == 0;
      bytes.data()[at] = is_large ? std::byte{0xff} : static_cast<std::byte>(random());
    }
    if (random() % 4 == 0) bytes.resize(up_to(random, bytes.size()));
    refused += is_refused<Mixed>(bytes) ? 1 : 0;
  }
  CHECK(refused > 0);
}

TEST_CASE("codec: bytes at random are refused or make some value", "[codec]") {
  Random random = random_engine(5);
  for (int round = scaled(50000); round > 0; --round) {
    std::vector<std::byte> bytes(up_to(random, 64));
    const bool is_small = random() % 2 == 0;  // small numbers make lengths that are believed
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(is_small ? random() % 3 : random());
    static_cast<void>(is_refused<Tree>(bytes));
    static_cast<void>(is_refused<std::vector<std::vector<std::string>>>(bytes));
    static_cast<void>(is_refused<std::variant<std::string, std::vector<Named>>>(bytes));
    static_cast<void>(is_refused<std::map<std::string, std::optional<Padded>>>(bytes));
    static_cast<void>(is_refused<std::unordered_map<std::uint16_t, std::vector<bool>>>(bytes));
  }
  SUCCEED("no decode did anything but return or throw DecodeError");
}

TEST_CASE("codec: a length is compared with what is left before anything is allocated", "[codec]") {
  const Bytes huge = raw({0xfe, 0xff, 0xff, 0xff, 1, 2, 3});
  const Bytes wide = raw({0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 1});
  CHECK(is_refused<std::string>(huge));
  CHECK(is_refused<std::vector<std::uint64_t>>(huge));
  CHECK(is_refused<std::vector<Empty>>(huge));
  CHECK(is_refused<std::vector<std::vector<Empty>>>(huge));
  CHECK(is_refused<std::map<int, int>>(huge));
  CHECK(is_refused<std::unordered_map<int, int>>(huge));
  CHECK(is_refused<std::string>(wide));
  CHECK(is_refused<std::list<Empty>>(wide));
  CHECK_THAT(refusal_of<std::string>(huge), Contains("a length of 4294967294 is more than"));

  // A megabyte that claims a million elements of 4 KiB each, and breaks off at the second.
  Bytes claims;
  const std::uint32_t count = 1000000;
  claims.append(&count, sizeof count);
  claims.resize(sizeof count + count);
  std::memset(claims.data() + sizeof count, 0, count);
  claims.data()[5] = std::byte{9};
  CHECK(is_refused<std::vector<Wide>>(claims));
}

TEST_CASE("codec: nesting is bounded", "[codec]") {
  Bytes bytes;
  for (int level = 0; level < 100000; ++level) {
    const std::int32_t value = level;
    const std::uint32_t one = 1;
    bytes.append(&value, sizeof value);
    bytes.append(&one, sizeof one);
  }
  CHECK_THAT(refusal_of<Tree>(bytes), Contains("nested too deep"));
}

TEST_CASE("codec: bools, optionals and variants have only the values they have", "[codec]") {
  CHECK(decode<bool>(raw({1})));
  CHECK(is_refused<bool>(raw({2})));
  CHECK(is_refused<std::vector<bool>>(raw({1, 0, 0, 0, 255})));
  CHECK(is_refused<std::optional<char>>(raw({2, 0})));
  CHECK_FALSE(is_refused<std::variant<char, short>>(raw({1, 0, 0, 0})));
  CHECK(is_refused<std::variant<char, short>>(raw({2, 0, 0, 0})));
}

TEST_CASE("codec: an enum with a range has only the values in it", "[codec]") {
  std::size_t levels = 0;
  for (int number = 0; number < 256; ++number) levels += is_refused<Level>(raw({number})) ? 0 : 1;
  CHECK(levels == 3);
  CHECK(decode<Level>(raw({6})) == Level::high);
  CHECK(is_refused<Level>(raw({5})));
  CHECK(decode<Plain>(raw({255, 255, 255, 255})) == plain_least);
  CHECK(is_refused<Plain>(raw({254, 255, 255, 255})));
  CHECK(is_refused<Plain>(raw({3, 0, 0, 0})));
  CHECK(is_refused<std::vector<Plain>>(raw({2, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0})));
  CHECK_FALSE(is_refused<Graded>(raw({4, 1, 0, 0, 0, 2, 0, 0, 0})));
  CHECK(is_refused<Graded>(raw({2, 1, 0, 0, 0, 2, 0, 0, 0})));
  CHECK(is_refused<std::set<Odd>>(raw({1, 0, 0, 0, 2, 0})));
  CHECK_FALSE(is_refused<std::set<Odd>>(raw({1, 0, 0, 0, 3, 0})));
  CHECK_FALSE(is_refused<Colour>(raw({200})));
  CHECK(decode<Flag>(raw({1})) == Flag::on);
  CHECK(is_refused<Flag>(raw({2})));
  CHECK(is_refused<std::vector<Flag>>(raw({1, 0, 0, 0, 255})));
  CHECK_THAT(refusal_of<Level>(raw({9})), Contains("an enum has no such value"));
  Bytes bytes;
  CHECK_THROWS_AS(encode(static_cast<Level>(5), bytes), sluice::EncodeError);
  CHECK(bytes.empty());
}

TEST_CASE("codec: a refusal says what, where and why", "[codec]") {
  const std::string text = refusal_of<std::vector<std::string>>(raw({1, 0, 0, 0, 9, 0, 0, 0, 65}));
  CHECK_THAT(text, Contains("cannot decode std::vector<std::string"));
  CHECK_THAT(text, Contains("at byte 8: a length of 9 is more than the 1 bytes left can hold"));
}
