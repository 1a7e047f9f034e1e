// tests/unit/word_table_test.cpp: WordTable against a count that is too simple to be wrong.
// SPDX-License-Identifier: MIT
#include <word_table.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using sluice::samples::last_cut;
using sluice::samples::WordCount;
using sluice::samples::WordTable;

using Counts = std::map<std::string, std::uint64_t>;

// One byte after the other, a map, the C locale written out: shares no idea with the code under
// test.
Counts naive_counts(std::string_view text) {
  Counts counts;
  std::string word;
  for (const char c : text) {
    if (c >= 'a' && c <= 'z') {
      word += c;
    } else if (c >= 'A' && c <= 'Z') {
      word += static_cast<char>(c - 'A' + 'a');
    } else if (!word.empty()) {
      ++counts[word];
      word.clear();
    }
  }
  if (!word.empty()) ++counts[word];
  return counts;
}

std::vector<WordCount> sorted(const Counts& counts) {
  std::vector<WordCount> words;
  for (const auto& [word, count] : counts) words.push_back({word, count});
  std::stable_sort(words.begin(), words.end(),
                   [](const WordCount& a, const WordCount& b) { return a.count > b.count; });
  return words;
}

std::uint64_t fresh_seed() { return std::random_device{}(); }

// Text in which letters come with the given odds (out of 256), other bytes at random.
std::string random_bytes(std::mt19937_64& random, std::size_t size, unsigned letter_odds) {
  static constexpr std::string_view kLetters = "aAbByYzZ@[`{";  // the neighbours of the ranges too
  std::string text(size, '\0');
  for (char& c : text) {
    c = random() % 256 < letter_odds ? kLetters[random() % kLetters.size()]
                                     : static_cast<char>(random() % 256);
  }
  return text;
}

WordTable table_of(std::string_view text) {
  WordTable table;
  table.add_text(text);
  return table;
}

}  // namespace

TEST_CASE("WordTable: an empty table has no words", "[pipelines]") {
  WordTable table;
  CHECK(table.size() == 0);
  CHECK(table.total() == 0);
  CHECK(table.top(0).empty());
  table.add_text("");
  table.add_text(std::string_view("\0 \n\t0123456789@[`{\x80\xC1\xE1\xFF", 20));
  CHECK(table.size() == 0);
  CHECK(table.top(3).empty());
}

TEST_CASE(
    "WordTable: words are runs of ASCII letters in lower case, most frequent first, ties in byte "
    "order",
    "[pipelines]") {
  const WordTable table = table_of("The cat, the CAT; the-dog's \xC3\xA9t\xC3\xA9 the\0cat");
  const std::vector<WordCount> expected = {{"the", 4}, {"cat", 2}, {"dog", 1}, {"s", 1}, {"t", 1}};
  CHECK(table.top(0) == expected);
  CHECK(table.top(2) == std::vector<WordCount>(expected.begin(), expected.begin() + 2));
  CHECK(table.top(100) == expected);
  CHECK(table.size() == 5);
  CHECK(table.total() == 9);
}

TEST_CASE("WordTable: every byte that is no ASCII letter separates words", "[pipelines]") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const std::string text = std::string("left") + c + "right";
    INFO("byte " << byte);
    CHECK(table_of(text).top(0) == sorted(naive_counts(text)));
  }
}

TEST_CASE("WordTable: any bytes, at any length, count as the naive map counts them",
          "[pipelines]") {
  const std::uint64_t seed = fresh_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (const unsigned odds : {0U, 32U, 128U, 200U, 240U, 254U, 256U}) {
    for (std::size_t size = 0; size < 300; ++size) {
      const std::string text = random_bytes(random, size, odds);
      // A block of exactly this size on the heap, so that reading past its end is seen by the
      // address sanitizer.
      const std::vector<char> block(text.begin(), text.end());
      WordTable table;
      table.add_text({block.data(), block.size()});
      REQUIRE(table.top(0) == sorted(naive_counts(text)));
    }
    const std::string large = random_bytes(random, 200'000, odds);
    REQUIRE(table_of(large).top(0) == sorted(naive_counts(large)));
  }
}

TEST_CASE("WordTable: words of every length from 1 to 200 are kept apart", "[pipelines]") {
  std::string text;
  for (std::size_t length = 1; length <= 200; ++length) {
    for (const char last : {'a', 'b', 'Z'}) text += std::string(length - 1, 'x') + last + ' ';
  }
  const WordTable table = table_of(text);
  CHECK(table.size() == 600);
  CHECK(table.top(0) == sorted(naive_counts(text)));
}

TEST_CASE("WordTable: a word of megabytes is one word", "[pipelines]") {
  const std::string huge(3'000'001, 'Q');
  WordTable table;
  table.add_text(huge + " a " + huge);
  table.add_text(huge.substr(1));
  const std::vector<WordCount> words = table.top(0);
  REQUIRE(words.size() == 3);
  CHECK((words[0] == WordCount{std::string(3'000'001, 'q'), 2}));
  CHECK((words[1] == WordCount{"a", 1}));
  CHECK((words[2] == WordCount{std::string(3'000'000, 'q'), 1}));
}

TEST_CASE("WordTable: many distinct words, short and long, survive growth", "[pipelines]") {
  const std::uint64_t seed = fresh_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::string text;
  for (int i = 0; i < 100'000; ++i) {
    const std::size_t length = 1 + random() % 24;
    for (std::size_t letter = 0; letter < length; ++letter) {
      text += static_cast<char>('a' + random() % 26);
    }
    text += i % 7 == 0 ? '\n' : ' ';
  }
  const Counts counts = naive_counts(text);
  const WordTable table = table_of(text);
  CHECK(table.size() == counts.size());
  CHECK(table.total() == 100'000);
  CHECK(table.top(0) == sorted(counts));
}

TEST_CASE("WordTable: blocks cut at last_cut and merged tables give the counts of the whole",
          "[pipelines]") {
  const std::uint64_t seed = fresh_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const std::string text = random_bytes(random, 100'000, 230);
  std::vector<WordTable> tables(4);
  std::string_view rest = text;
  while (!rest.empty()) {
    std::size_t size = std::min<std::size_t>(rest.size(), 1 + random() % 1500);
    const std::size_t cut = last_cut(rest.substr(0, size));
    if (size != rest.size() && cut != 0) size = cut;
    while (cut == 0 && size < rest.size() && sluice::samples::is_letter(rest[size])) ++size;
    tables[random() % tables.size()].add_text(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  for (std::size_t i = 1; i < tables.size(); ++i) {
    tables[0].merge(std::move(tables[i]));
    CHECK(tables[i].size() == 0);  // NOLINT(bugprone-use-after-move): merge promises an empty table
  }
  CHECK(tables[0].top(0) == sorted(naive_counts(text)));
}

TEST_CASE("WordTable: merging is the same in both directions, with empty tables too",
          "[pipelines]") {
  const std::string few = "one two two incomprehensibilities incomprehensibilities";
  const std::string many =
      "Two three three four four five six seven eight INCOMPREHENSIBILITIES counterrevolutionaries";
  const auto expected = sorted(naive_counts(few + ' ' + many));
  WordTable left = table_of(few);
  left.merge(table_of(many));
  CHECK(left.top(0) == expected);
  WordTable right = table_of(many);
  right.merge(table_of(few));
  CHECK(right.top(0) == expected);
  right.merge(WordTable());
  CHECK(right.top(0) == expected);
  WordTable empty;
  empty.merge(std::move(right));
  CHECK(empty.top(0) == expected);
}

TEST_CASE("last_cut: ends a block after its last separator", "[pipelines]") {
  CHECK(last_cut("") == 0);
  CHECK(last_cut("word") == 0);
  CHECK(last_cut("a word") == 2);
  CHECK(last_cut("a word.") == 7);
  CHECK(last_cut("\xE9x") == 1);
}
