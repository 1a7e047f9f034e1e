// sluice/cli/values.hpp: words of the command line turned into values, or into one clear line.
//
// `what` names the place in messages, e.g. "--top". All throw UsageError.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::detail {

/// Digits only.
[[nodiscard]] std::uint64_t parse_number(const std::string& what, std::string_view word);

/// Digits, optionally followed by K, M, G or T (powers of 1024), each optionally by "B" or "iB".
/// Returns  bytes.
[[nodiscard]] std::uint64_t parse_size(const std::string& what, std::string_view word);

/// A decimal number of at least 0. Returns  seconds.
[[nodiscard]] double parse_seconds(const std::string& what, std::string_view word);

/// NAME=VALUE, cut at the last equals sign; both parts have text.
[[nodiscard]] std::pair<std::string, std::string> parse_assignment(const std::string& what,
                                                                   std::string_view word);

}  // namespace sluice::detail
