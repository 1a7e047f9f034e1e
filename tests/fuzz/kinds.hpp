// tests/fuzz/kinds.hpp: a type for each kind that the codec tells apart, for the fuzz targets.
//
// Each is made so that damaged bytes can reach every branch of its kind: rows that are copied as one
// beside rows of elements, nested ones, and elements of few bytes that claim much memory.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/codec_values.hpp>

#include <sluice/codec.hpp>
#include <sluice/shared_bytes.hpp>

#include <array>
#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <list>
#include <map>
#include <optional>
#include <ratio>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::fuzz {

enum class Grade : std::uint8_t { low = 2, middle = 3, high = 5 };
enum Plain { plain_least = -2, plain_most = 4 };
enum class Flag : bool { off, on };

}  // namespace sluice::fuzz

template <>
struct sluice::enum_range<sluice::fuzz::Grade> {
  static constexpr auto least = sluice::fuzz::Grade::low;
  static constexpr auto most = sluice::fuzz::Grade::high;
};
template <>
struct sluice::enum_range<sluice::fuzz::Plain> {
  static constexpr auto least = sluice::fuzz::plain_least;
  static constexpr auto most = sluice::fuzz::plain_most;
};

namespace sluice::fuzz {

using testing_support::Colour;
using testing_support::Named;
using testing_support::Padded;
using testing_support::Point;
using testing_support::Sealed;
using testing_support::Tree;

struct Nothing {
  friend auto operator<=>(const Nothing&, const Nothing&) = default;
};

struct Numbers {
  static constexpr const char* kName = "numbers";
  char letter{};
  std::int64_t large{};
  float real{};
  long double wide{};
  char16_t unit{};
  std::complex<double> plane{};
  std::complex<long double> wide_plane{};
};
struct Enums {
  static constexpr const char* kName = "enums";
  bool yes{};
  Grade grade{Grade::low};
  Plain plain{};
  std::byte byte{};
  Flag flag{};
  std::vector<Flag> flags{};
  std::vector<Grade> grades{};
  std::array<bool, 3> three{};
};
struct Strings {
  static constexpr const char* kName = "string";
  std::string narrow{};
  std::u16string two{};
  std::wstring wide{};
};
struct Vectors {
  static constexpr const char* kName = "vector";
  std::vector<std::uint32_t> raw{};
  std::vector<Point> points{};
  std::vector<bool> bits{};
  std::vector<Nothing> nothing{};
  std::vector<std::vector<std::string>> nested{};
};
struct Lists {
  static constexpr const char* kName = "list";
  std::list<std::string> texts{};
  std::deque<Padded> padded{};
  std::deque<bool> bits{};
  std::list<std::list<std::uint8_t>> nested{};
};
struct Ordered {
  static constexpr const char* kName = "ordered";
  std::map<std::string, std::int32_t> map{};
  std::multimap<std::int8_t, std::string> multimap{};
  std::set<std::uint8_t> set{};
  std::multiset<std::pair<bool, std::string>> multiset{};
  std::map<Colour, std::map<bool, Point>> nested{};
};
struct Hashed {
  static constexpr const char* kName = "hashed";
  std::unordered_map<std::string, std::int32_t> map{};
  std::unordered_multimap<std::int8_t, std::string> multimap{};
  std::unordered_set<std::uint8_t> set{};
  std::unordered_multiset<std::string> multiset{};
};
struct Optionals {
  static constexpr const char* kName = "optional";
  std::optional<std::string> text{};
  std::optional<std::optional<bool>> twice{};
  std::vector<std::optional<std::array<char, 512>>> claims{};
};
struct Variants {
  static constexpr const char* kName = "variant";
  std::variant<std::monostate, std::string, std::vector<std::uint8_t>, Grade> choice{};
  std::variant<int, int> twins{};
  std::vector<std::variant<bool, std::variant<Point, std::string>>> nested{};
};
struct Tuples {
  static constexpr const char* kName = "tuple";
  std::pair<std::string, bool> pair{};
  std::tuple<> none{};
  std::tuple<std::int16_t, std::string, Padded> row{};
  std::vector<std::tuple<bool, std::pair<char, std::string>>> rows{};
};
struct Arrays {
  static constexpr const char* kName = "array";
  std::array<std::string, 2> texts{};
  std::array<std::uint16_t, 5> raw{};
  std::array<std::array<bool, 2>, 2> nested{};
  std::array<int, 0> none{};
  char letters[6]{};
  bool table[2][2]{};
  std::string rows[2]{};
};
struct Aggregates {
  static constexpr const char* kName = "aggregate";
  Padded padded{};
  std::vector<Named> named{};
  Tree tree{};
  Nothing nothing{};
  struct {
    Point inner{};
    bool flag{};
  } unnamed{};
};
struct Times {
  static constexpr const char* kName = "chrono";
  std::chrono::nanoseconds exact{};
  std::chrono::duration<float, std::milli> real{};
  std::chrono::duration<std::int8_t, std::ratio<1, 3>> thirds{};
  std::chrono::system_clock::time_point when{};
  std::vector<std::chrono::steady_clock::time_point> marks{};
};
struct Paths {
  static constexpr const char* kName = "path";
  std::filesystem::path one{};
  std::vector<std::filesystem::path> more{};
};
struct Customs {
  static constexpr const char* kName = "custom";
  Sealed sealed{0};
  std::vector<Sealed> more{};
  std::map<std::string, std::optional<Sealed>> table{};
};
struct Shared {
  static constexpr const char* kName = "shared_bytes";
  SharedBytes one{};
  std::vector<SharedBytes> more{};
  std::optional<SharedBytes> perhaps{};
};

}  // namespace sluice::fuzz
