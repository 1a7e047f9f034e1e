// sluice/cli/suggest.hpp: what somebody who typed a wrong name may have meant.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::detail {

/// Fewest insertions, removals, replacements and swaps of neighbours that turn one word into the
/// other (optimal string alignment: no part is edited twice).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, if it is near: at most a third of its length away, or begun by
/// it. The first of equals.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 const std::vector<std::string>& candidates);

/// "; did you mean X?", else "; there are A, B, C", else (no candidates) nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string>& candidates);

}  // namespace sluice::detail
