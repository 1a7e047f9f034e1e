// tests/unit/codec_round_trip_test.cpp: what is decoded equals what was encoded, for every kind of
// type.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/codec_values.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <sluice/codec.hpp>

#include <cfloat>
#include <complex>
#include <cstring>
#include <limits>
#include <set>
#include <unordered_set>

namespace {

using namespace sluice::testing_support;
using sluice::Bytes;
using sluice::decode;
using sluice::encode;

template <class T>
T round_trip(const T& value) {
  Bytes bytes;
  encode(value, bytes);
  return decode<T>(bytes);
}

template <class T>
bool survives(const T& value) {
  return round_trip(value) == value;
}

template <class T>
std::size_t encoded_size(const T& value) {
  Bytes bytes;
  encode(value, bytes);
  return bytes.size();
}

struct Empty {
  friend bool operator==(const Empty&, const Empty&) = default;
};

struct Sixteen {
  int a, b, c, d, e, f, g, h;
  std::string i, j, k, l, m, n, o, p;
  friend bool operator==(const Sixteen&, const Sixteen&) = default;
};
struct TwentyFour {
  std::string a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x;
  friend bool operator==(const TwentyFour&, const TwentyFour&) = default;
};

struct Bits {
  unsigned three : 3;
  int five : 5;
  bool one : 1;
};

// No default value, and parts that can't be assigned.
struct Constant {
  const int number;
  Sealed sealed;
  friend bool operator==(const Constant&, const Constant&) = default;
};

struct Opaque {
  Opaque(int a, short b) : a_(a), b_(b) {}
  friend bool operator==(const Opaque& x, const Opaque& y) { return x.a_ == y.a_ && x.b_ == y.b_; }

 private:
  int a_;
  short b_;
};

}  // namespace

template <>
inline constexpr bool sluice::treat_as_raw<Opaque> = true;

TEST_CASE("codec: numbers and enums come back with all their bits", "[codec]") {
  CHECK(survives(std::numeric_limits<std::int64_t>::min()));
  CHECK(survives(std::numeric_limits<std::uint64_t>::max()));
  CHECK(survives(-0.25F));
  CHECK(survives(std::numeric_limits<double>::denorm_min()));
  CHECK(survives(std::numeric_limits<double>::infinity()));
  CHECK(survives(1.0L / 3));
  CHECK(survives(true));
  CHECK(survives(false));
  CHECK(survives('\xff'));
  CHECK(survives(U'\U0001F600'));
  CHECK(survives(std::byte{200}));
  CHECK(survives(Colour::blue));
  CHECK(survives(std::complex<double>(1.5, -2)));
  CHECK(survives(std::complex<long double>(1.0L / 3, -2)));
  CHECK(encoded_size(Colour::red) == 1);
  CHECK(encoded_size(std::int64_t{1}) == 8);
}

TEST_CASE("codec: containers come back with their elements in order", "[codec]") {
  CHECK(survives(std::string()));
  CHECK(survives(std::string("with a \0 inside", 15)));
  CHECK(survives(std::u16string(u"wide")));
  CHECK(survives(std::vector<std::uint32_t>{1, 2, 3}));
  CHECK(survives(std::vector<std::string>{"", "one", std::string(100, 'x')}));
  CHECK(survives(std::vector<bool>{true, false, true, true}));
  CHECK(survives(std::vector<std::vector<std::vector<short>>>{{{1}, {}}, {}}));
  CHECK(survives(std::deque<Padded>{{true, 1, 'b'}, {false, -1, 'c'}}));
  CHECK(survives(std::list<std::string>{"a", "b"}));
  CHECK(survives(std::array<int, 3>{1, 2, 3}));
  CHECK(survives(std::array<std::string, 2>{"a", "b"}));
  CHECK(survives(std::array<int, 0>{}));
  CHECK(survives(std::vector<Sealed>{Sealed(1), Sealed(2)}));
  CHECK(survives(std::map<std::string, Sealed>{{"a", Sealed(1)}}));
  CHECK(survives(std::array<Constant, 2>{{{1, Sealed(2)}, {3, Sealed(4)}}}));
  CHECK(encoded_size(std::vector<Point>(10)) == 4 + 10 * sizeof(Point));
}

TEST_CASE("codec: maps and sets come back, ordered, hashed and of several equal keys", "[codec]") {
  CHECK(survives(std::map<std::string, int>{{"a", 1}, {"b", 2}}));
  CHECK(survives(std::multimap<int, std::string>{{1, "x"}, {1, "y"}, {0, "z"}}));
  CHECK(survives(std::set<std::string>{"b", "a"}));
  CHECK(survives(std::set<int, std::greater<int>>{1, 2, 3}));
  CHECK(survives(std::unordered_map<std::string, std::vector<int>>{{"a", {1}}, {"", {}}}));
  CHECK(survives(std::unordered_multiset<int>{4, 4, 5}));
  CHECK(survives(std::map<Colour, bool>{{Colour::red, true}}));
}

TEST_CASE("codec: pairs, tuples, optionals, variants and times come back", "[codec]") {
  CHECK(survives(std::pair<std::string, int>("a", 1)));
  CHECK(survives(std::tuple<>()));
  CHECK(survives(std::tuple<int, std::string, Point>(1, "b", {2, 3})));
  CHECK(survives(std::optional<std::string>()));
  CHECK(survives(std::optional<std::string>("text")));
  CHECK(survives(std::optional<std::optional<int>>(std::in_place)));
  CHECK(survives(std::variant<int, std::string>("text")));
  CHECK(survives(std::variant<int, int>(std::in_place_index<1>, 7)));
  CHECK(survives(std::variant<std::monostate, Sealed>()));
  CHECK(survives(std::chrono::milliseconds(5)));
  CHECK(survives(std::chrono::duration<double>(0.5)));
  CHECK(survives(std::chrono::steady_clock::now()));
  CHECK(survives(std::filesystem::path("/a/b c")));
}

TEST_CASE("codec: structs are taken apart, whatever their members are", "[codec]") {
  CHECK(survives(Empty()));
  CHECK(survives(Point{1, -2}));
  CHECK(survives(Padded{true, 0.5, 'q'}));
  CHECK(survives(Named{"label", {1, 2, 3}, "text"}));
  CHECK(survives(Tree{1, {{2, {}}, {3, {{4, {}}}}}}));
  CHECK(survives(Constant{5, Sealed(6)}));
  CHECK(survives(Sixteen{1, 2, 3, 4, 5, 6, 7, 8, "i", "j", "k", "l", "m", "n", "o", "p"}));
  TwentyFour many;
  many.a = "first";
  many.x = "last";
  CHECK(survives(many));
  CHECK(survives(Opaque(1, 2)));
  const Bits bits = round_trip(Bits{.three = 5, .five = -3, .one = true});
  CHECK((bits.three == 5 && bits.five == -3 && bits.one));
}

TEST_CASE("codec: padding is not written, so equal values have equal bytes", "[codec]") {
  CHECK(encoded_size(Padded()) == 1 + 8 + 1);
  alignas(Padded) unsigned char dirty[sizeof(Padded)];
  std::memset(dirty, 0xa5, sizeof dirty);
  const Padded* const value = ::new (dirty) Padded;
  Bytes one;
  Bytes other;
  encode(*value, one);
  encode(Padded(), other);
  CHECK(one.size() == other.size());
  CHECK(std::memcmp(one.data(), other.data(), one.size()) == 0);
  const long double third = 1.0L / 3;
  Bytes number;
  encode(third, number);
  if constexpr (LDBL_MANT_DIG == 64) CHECK(number.data()[12] == std::byte{0});
  Bytes plane;
  encode(std::complex<long double>(third, third), plane);
  if constexpr (LDBL_MANT_DIG == 64) CHECK(plane.data()[28] == std::byte{0});
}

TEST_CASE("codec: elements without bytes of their own are counted all the same", "[codec]") {
  CHECK(survives(std::vector<Empty>(5)));
  CHECK(survives(std::list<std::array<int, 0>>(3)));
  CHECK(survives(std::vector<std::monostate>(7)));
  CHECK(survives(std::map<Empty, int, decltype([](Empty, Empty) { return false; })>{{Empty(), 1}}));
}

TEST_CASE("codec: random values of every kind at once come back", "[codec]") {
  Random random = random_engine(1);
  Bytes bytes;
  for (int round = scaled(3000); round > 0; --round) {
    const Mixed value = random_mixed(random);
    bytes.clear();
    encode(value, bytes);
    REQUIRE(decode<Mixed>(bytes) == value);
  }
}

TEST_CASE("codec: encode appends, and leaves the bytes alone when it throws", "[codec]") {
  Bytes bytes;
  encode(std::string("one"), bytes);
  const std::size_t one = bytes.size();
  encode(std::string("two"), bytes);
  CHECK(decode<std::string>(bytes.view().first(one)) == "one");
  CHECK(decode<std::string>(bytes.view().subspan(one)) == "two");

  Tree deep;
  for (unsigned level = 0; level <= sluice::kMaxNesting; ++level) {
    Tree above;
    above.branches.push_back(std::move(deep));
    deep = std::move(above);
  }
  const std::size_t two = bytes.size();
  CHECK_THROWS_AS(encode(deep, bytes), sluice::EncodeError);
  CHECK(bytes.size() == two);
  CHECK(survives(deep.branches[0].branches[0]));
}
