// tests/fuzz/codec_fuzz_test.cpp: for a type of each kind: every cut, every flipped bit and seeded
// damage of a corpus is refused or some value; memory is bounded, and nothing leaks whichever
// allocation fails.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <fuzz/target.hpp>
#include <support/allocations.hpp>
#include <support/block_shelf.hpp>
#include <support/random_values.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <cstring>
#include <new>
#include <random>
#include <vector>

namespace {

using namespace sluice::fuzz;
using namespace sluice::testing_support;
using sluice::Bytes;

using Random = std::mt19937_64;
using Row = std::vector<std::byte>;

/// Encoded values of T, the first of them empty; long shared bytes are references to the shelf.
template <class T>
struct Corpus {
  explicit Corpus(std::uint64_t stream, std::size_t count = 8) : random(random_engine(stream)) {
    for (std::size_t i = 0; i < count; ++i) add(i == 0 ? T() : next());
  }

  T next() { return RandomValues(random, 4).value<T>(); }
  void add(const T& value) {
    Bytes bytes;
    sluice::encode(value, bytes, &shelf);
    rows.emplace_back(bytes.data(), bytes.data() + bytes.size());
  }

  Random random;
  BlockShelf shelf{6};
  std::vector<Row> rows{};
};

std::size_t up_to(Random& random, std::size_t most) { return random() % (most + 1); }

/// Damage as it is found to be effective: bytes, lengths that are too large, cuts, and parts of others.
Row damaged(Random& random, const std::vector<Row>& rows) {
  Row row = rows[random() % rows.size()];
  for (std::size_t n = 1 + up_to(random, 4); n > 0; --n) {
    const std::size_t at = up_to(random, row.size());
    switch (random() % 6) {
      case 0:
        if (at < row.size()) row[at] = static_cast<std::byte>(random());
        break;
      case 1:
        if (at < row.size()) row[at] = random() % 2 == 0 ? std::byte{0xff} : std::byte{0};
        break;
      case 2: {
        const std::uint32_t length = random() % 2 == 0 ? ~0U : 1U << random() % 32;
        if (at + sizeof length <= row.size()) std::memcpy(&row[at], &length, sizeof length);
        break;
      }
      case 3:
        row.resize(at);
        break;
      case 4:
        row.insert(row.begin() + static_cast<std::ptrdiff_t>(at), 1 + up_to(random, 7),
                   static_cast<std::byte>(random() % 3));
        break;
      default: {
        const Row& other = rows[random() % rows.size()];
        const std::size_t from = up_to(random, other.size());
        row.resize(at);
        row.insert(row.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
      }
    }
  }
  return row;
}

/// What decoding takes at most: what the bytes may become in memory (an element of few bytes in a node
/// or in a row that has just been doubled), and what a claimed length may reserve on each level.
template <class T>
std::int64_t memory_bound(std::size_t bytes) {
  // An optional of 513 bytes is encoded in one, and a row of them has been doubled.
  constexpr std::size_t kFactor = std::is_same_v<T, Optionals> ? 4 * 513 : 80;
  return static_cast<std::int64_t>(kFactor * bytes + 16384);
}

template <class T>
std::int64_t decoding_peak(const Row& row, BlockShelf& shelf) {
  const Allocations allocations;
  try {
    static_cast<void>(sluice::decode<T>(row, &shelf));
  } catch (const sluice::DecodeError&) {
  }
  return Allocations::peak();
}

enum class Ended { with_value, refused, without_memory };

template <class T>
Ended decode_with(const Row& row, BlockShelf& shelf) {
  try {
    static_cast<void>(sluice::decode<T>(row, &shelf));
    return Ended::with_value;
  } catch (const sluice::DecodeError&) {
    return Ended::refused;
  } catch (const std::bad_alloc&) {
    return Ended::without_memory;
  }
}

}  // namespace

#define SLUICE_KINDS                                                                             \
  Numbers, Enums, Strings, Vectors, Lists, Ordered, Hashed, Optionals, Variants, Tuples, Arrays, \
      Aggregates, Times, Paths, Customs, Shared

TEMPLATE_TEST_CASE("codec fuzz: values come back and have their least size", "[codec][fuzz]",
                   SLUICE_KINDS) {
  Corpus<TestType> corpus(20, 0);
  for (int round = scaled(500); round > 0; --round) {
    Bytes bytes;
    sluice::encode(corpus.next(), bytes);
    if (try_decode<TestType>(bytes) != Outcome::accepted) FAIL(TestType::kName << " is refused");
  }
  SUCCEED("try_decode compares what comes back");
}

TEMPLATE_TEST_CASE("codec fuzz: a corpus cut off at every length is refused", "[codec][fuzz]",
                   SLUICE_KINDS) {
  Corpus<TestType> corpus(21);
  std::size_t cuts = 0;
  for (const Row& row : corpus.rows) {
    REQUIRE(try_decode<TestType>(row, &corpus.shelf) == Outcome::accepted);
    for (std::size_t length = 0; length < row.size(); ++length, ++cuts) {
      const auto cut = std::span(row).first(length);
      if (try_decode<TestType>(cut, &corpus.shelf) != Outcome::refused) {
        FAIL(TestType::kName << ": " << length << " of " << row.size() << " bytes are accepted");
      }
    }
  }
  CHECK(cuts > 0);
}

TEMPLATE_TEST_CASE("codec fuzz: every bit of a corpus is flipped", "[codec][fuzz]", SLUICE_KINDS) {
  Corpus<TestType> corpus(22);
  std::size_t flips = 0;
  for (Row& row : corpus.rows) {
    for (std::size_t bit = 0; bit < 8 * row.size(); ++bit, ++flips) {
      const auto mask = static_cast<std::byte>(1U << bit % 8);
      row[bit / 8] ^= mask;
      static_cast<void>(try_decode<TestType>(row, &corpus.shelf));
      row[bit / 8] ^= mask;
    }
  }
  CHECK(flips > 0);
}

TEMPLATE_TEST_CASE("codec fuzz: damaged bytes are refused or some value", "[codec][fuzz]",
                   SLUICE_KINDS) {
  Corpus<TestType> corpus(23, 32);
  std::size_t refused = 0;
  std::size_t accepted = 0;
  for (int round = scaled(20000); round > 0; --round) {
    const Row row = damaged(corpus.random, corpus.rows);
    ++(try_decode<TestType>(row, &corpus.shelf) == Outcome::refused ? refused : accepted);
  }
  CHECK(refused > 0);
  CHECK(accepted > 0);
}

TEMPLATE_TEST_CASE("codec fuzz: memory is bounded by what was given, not by what it claims",
                   "[codec][fuzz]", SLUICE_KINDS) {
  Corpus<TestType> corpus(24, 32);
  for (const Row& row : corpus.rows) {
    REQUIRE(decoding_peak<TestType>(row, corpus.shelf) <= memory_bound<TestType>(row.size()));
  }
  for (int round = scaled(5000); round > 0; --round) {
    Row row = damaged(corpus.random, corpus.rows);
    if (round % 4 == 0) row.resize(row.size() + 4000, static_cast<std::byte>(round % 3));
    const std::int64_t peak = decoding_peak<TestType>(row, corpus.shelf);
    if (peak > memory_bound<TestType>(row.size())) {
      FAIL(TestType::kName << ": " << row.size() << " bytes take " << peak);
    }
  }
  SUCCEED("no row took more");
}

TEMPLATE_TEST_CASE("codec fuzz: whichever allocation of a decode fails, nothing leaks",
                   "[codec][fuzz]", SLUICE_KINDS) {
  Corpus<TestType> corpus(25);
  std::vector<Row> rows = corpus.rows;
  for (int n = scaled(40); n > 0; --n) rows.push_back(damaged(corpus.random, corpus.rows));
  for (const Row& row : rows) {
    for (std::uint64_t failing = 0;; ++failing) {
      const Allocations allocations(failing);
      const Ended ended = decode_with<TestType>(row, corpus.shelf);
      const std::int64_t live = Allocations::live();
      if (live != 0) FAIL(TestType::kName << ": " << live << " bytes leak, failing " << failing);
      if (!Allocations::has_failed()) break;
      if (ended == Ended::with_value)
        FAIL(TestType::kName << ": failing " << failing << " ignored");
    }
  }
  SUCCEED("as many bytes were given back as were taken");
}

TEMPLATE_TEST_CASE("codec fuzz: whichever allocation of an encode fails, the bytes are as before",
                   "[codec][fuzz]", SLUICE_KINDS) {
  Corpus<TestType> corpus(26, 0);
  std::uint64_t failures = 0;
  for (int round = scaled(20); round > 0; --round) {
    const TestType value = corpus.next();
    for (std::uint64_t failing = 0;; ++failing) {
      Bytes bytes;
      bytes.append("ab", 2);
      bytes.resize(bytes.capacity());  // full: whatever is appended needs memory
      const std::size_t before = bytes.size();
      bool has_failed = false;
      bool has_thrown = false;
      {
        const Allocations allocations(failing);
        try {
          sluice::encode(value, bytes);
        } catch (const std::bad_alloc&) {
          has_thrown = true;
        }
        has_failed = Allocations::has_failed();
      }
      if (has_failed != has_thrown) FAIL(TestType::kName << ": a failure without an exception");
      if (!has_failed) break;
      ++failures;
      if (bytes.size() != before || std::memcmp(bytes.data(), "ab", 2) != 0) {
        FAIL(TestType::kName << ": the bytes were touched");
      }
    }
  }
  CHECK(failures > 0);
}

TEST_CASE("codec fuzz: the counting of allocations notices both peaks and leaks", "[codec][fuzz]") {
  std::vector<char>* leaked = nullptr;
  std::int64_t live = 0;
  std::int64_t peak = 0;
  {
    const Allocations allocations;
    leaked = new std::vector<char>(1000);
    live = Allocations::live();
    delete leaked;
    peak = Allocations::peak();
    CHECK(Allocations::live() <= 0);
  }
  CHECK(live == static_cast<std::int64_t>(1000 + sizeof(std::vector<char>)));
  CHECK(peak == live);
  bool has_thrown = false;
  {
    const Allocations allocations(0);
    try {
      static_cast<void>(std::vector<char>(10));
    } catch (const std::bad_alloc&) {
      has_thrown = true;
    }
  }
  CHECK(has_thrown);
}
