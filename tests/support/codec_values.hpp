// support/codec_values.hpp: types of every kind that the codec knows, nested, and random values of
// them.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::testing_support {

enum class Colour : std::uint8_t { red, green, blue };

struct Point {
  std::int32_t x = 0;
  std::int32_t y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

struct Padded {
  bool known = false;
  double value = 0;
  char letter = 'a';
  friend bool operator==(const Padded&, const Padded&) = default;
};

struct Named {
  char label[8] = {};
  std::uint16_t numbers[3] = {};
  std::string text{};
  friend bool operator==(const Named&, const Named&) = default;
};

struct Tree {
  std::int32_t value = 0;
  std::vector<Tree> branches{};
  friend bool operator==(const Tree&, const Tree&) = default;
};

/// Private state: the codec of its own is below.
class Sealed {
 public:
  explicit Sealed(std::uint64_t value) : value_(value) {}
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }
  friend bool operator==(const Sealed&, const Sealed&) = default;

 private:
  std::uint64_t value_;
};

/// A bit of everything.
struct Mixed {
  std::string text{};
  std::vector<Point> points{};
  std::optional<Padded> padded{};
  std::variant<std::monostate, std::string, std::vector<std::uint8_t>> choice{};
  std::map<std::string, std::vector<std::int16_t>> table{};
  std::unordered_map<std::uint32_t, std::string> hashed{};
  std::multiset<Colour> colours{};
  std::tuple<bool, float, std::string> row{};
  std::pair<std::list<Named>, std::deque<bool>> both{};
  std::array<std::string, 2> two{};
  std::vector<bool> flags{};
  std::chrono::nanoseconds span{};
  std::chrono::system_clock::time_point when{};
  std::filesystem::path path{};
  std::vector<Sealed> sealed{};
  Tree tree{};
  friend bool operator==(const Mixed&, const Mixed&) = default;
};

using Random = std::mt19937_64;

inline std::size_t up_to(Random& random, std::size_t most) { return random() % (most + 1); }

inline std::string random_text(Random& random, std::size_t most) {
  std::string text(up_to(random, most), ' ');
  for (char& letter : text) letter = static_cast<char>(random());
  return text;
}

inline Tree random_tree(Random& random, unsigned levels) {
  Tree tree{.value = static_cast<std::int32_t>(random())};
  for (std::size_t n = levels == 0 ? 0 : up_to(random, 3); n > 0; --n) {
    tree.branches.push_back(random_tree(random, levels - 1));
  }
  return tree;
}

inline Named random_named(Random& random) {
  Named named;
  for (char& letter : named.label) letter = static_cast<char>(random());
  for (std::uint16_t& number : named.numbers) number = static_cast<std::uint16_t>(random());
  named.text = random_text(random, 20);
  return named;
}

inline Mixed random_mixed(Random& random) {
  Mixed mixed;
  mixed.text = random_text(random, 40);
  for (std::size_t n = up_to(random, 5); n > 0; --n) {
    const auto x = static_cast<std::int32_t>(random());
    mixed.points.push_back({x, -(x / 2)});
    mixed.table[random_text(random, 6)] = {1, 2, static_cast<std::int16_t>(n)};
    mixed.hashed[static_cast<std::uint32_t>(random())] = random_text(random, 30);
    mixed.colours.insert(static_cast<Colour>(random() % 3));
    mixed.both.first.push_back(random_named(random));
    mixed.both.second.push_back(random() % 2 == 0);
    mixed.flags.push_back(random() % 2 == 0);
    mixed.sealed.emplace_back(random());
  }
  if (random() % 2 == 0) mixed.padded = Padded{true, static_cast<double>(random()), 'z'};
  switch (random() % 3) {
    case 0:
      mixed.choice = random_text(random, 9);
      break;
    case 1:
      mixed.choice = std::vector<std::uint8_t>(up_to(random, 9), 7);
      break;
    default:
      break;
  }
  mixed.row = {true, 1.5F, random_text(random, 5)};
  mixed.two = {random_text(random, 5), random_text(random, 50)};
  mixed.span = std::chrono::nanoseconds(random() % 1000000);
  mixed.when = std::chrono::system_clock::time_point(std::chrono::microseconds(random() % 99999));
  mixed.path = "some/" + std::to_string(random());
  mixed.tree = random_tree(random, 3);
  return mixed;
}

}  // namespace sluice::testing_support

template <>
struct sluice::codec<sluice::testing_support::Sealed> {
  static void write(const sluice::testing_support::Sealed& sealed, sluice::Writer& to) {
    to.put(sealed.value());
  }
  static sluice::testing_support::Sealed read(sluice::Reader& from) {
    return sluice::testing_support::Sealed(from.get<std::uint64_t>());
  }
};
