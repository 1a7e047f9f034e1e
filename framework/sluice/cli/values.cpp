// sluice/cli/values.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/values.hpp>

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace sluice::detail {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

[[noreturn]] void refuse(const std::string& what, std::string_view word, std::string_view why) {
  throw UsageError(fmt::format("{}: \"{}\" {}", what, word, why));
}

struct Digits {
  std::uint64_t value = 0;
  std::string_view rest;  // what follows them
};

// from_chars of an unsigned type takes no sign and no spaces, so neither do we.
Digits parse_digits(const std::string& what, std::string_view word, std::string_view expected) {
  Digits digits;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, digits.value);
  if (error == std::errc::result_out_of_range) {
    refuse(what, word, fmt::format("is too large; give at most {}", kMost));
  }
  if (error != std::errc{}) refuse(what, word, expected);
  digits.rest = word.substr(static_cast<std::size_t>(stop - word.data()));
  return digits;
}

constexpr std::string_view kNoNumber = "is not a number; give 0, 1, 2, ...";
constexpr std::string_view kNoSize = "is not a size; give bytes, or K, M, G, T such as 64K";
constexpr std::string_view kNoSeconds = "is not a number of seconds; give 0 or more, such as 2.5";

// Powers of two that a suffix stands for; -1 for none that we know.
int shift_of(std::string_view suffix) {
  if (suffix.empty() || suffix == "B") return 0;
  constexpr std::string_view kLetters = "KMGT";
  const char upper = static_cast<char>(static_cast<unsigned char>(suffix.front()) & 0xDFU);
  const std::size_t at = kLetters.find(upper);
  const std::string_view rest = suffix.substr(1);
  if (at == kLetters.npos || !(rest.empty() || rest == "B" || rest == "iB")) return -1;
  return 10 * (static_cast<int>(at) + 1);
}

}  // namespace

std::uint64_t parse_number(const std::string& what, std::string_view word) {
  const Digits digits = parse_digits(what, word, kNoNumber);
  if (!digits.rest.empty()) refuse(what, word, kNoNumber);
  return digits.value;
}

std::uint64_t parse_size(const std::string& what, std::string_view word) {
  const Digits digits = parse_digits(what, word, kNoSize);
  const int shift = shift_of(digits.rest);
  if (shift < 0) refuse(what, word, kNoSize);
  if (digits.value > (kMost >> shift)) {
    refuse(what, word, fmt::format("is too large; give at most {} bytes", kMost));
  }
  return digits.value << shift;
}

double parse_seconds(const std::string& what, std::string_view word) {
  double seconds = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, seconds, std::chars_format::fixed);
  const bool valid = error == std::errc{} && stop == end && std::isfinite(seconds);
  if (!valid || std::signbit(seconds)) refuse(what, word, kNoSeconds);
  return seconds;
}

std::pair<std::string, std::string> parse_assignment(const std::string& what,
                                                     std::string_view word) {
  const std::size_t equals = word.rfind('=');
  if (equals == word.npos || equals == 0 || equals + 1 == word.size()) {
    refuse(what, word, "is not of the form STAGE=VALUE");
  }
  return {std::string(word.substr(0, equals)), std::string(word.substr(equals + 1))};
}

}  // namespace sluice::detail
