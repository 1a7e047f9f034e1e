// sluice/codec/fault.cpp: what is said about a part that is not portable.
// SPDX-License-Identifier: MIT
#include <sluice/codec/fault.hpp>

#include <sluice/base/display_name.hpp>

#include <fmt/format.h>

#include <iterator>

namespace sluice::detail {

std::string fault_text(const FaultStep* way, std::size_t steps, std::string_view offender,
                       std::string_view reason) {
  std::string refused = display_name(std::string(offender));
  if (!reason.empty()) fmt::format_to(std::back_inserter(refused), ", {}", reason);
  if (steps == 0) return refused;
  std::string text;
  for (std::size_t i = 0; i < steps; ++i) {
    const FaultStep& step = way[i];
    auto out = std::back_inserter(text);
    if (i > 0) text += ", ";
    text += step.part;
    if (step.number > 0) fmt::format_to(out, " #{}", step.number);
    fmt::format_to(out, " of {}{}", i > 0 ? "its " : "", display_name(std::string(step.owner)));
  }
  return fmt::format("{} ({})", text, refused);
}

}  // namespace sluice::detail
