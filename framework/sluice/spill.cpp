// sluice/spill.cpp
// SPDX-License-Identifier: MIT
#include <sluice/spill.hpp>

#include <sluice/base/display_name.hpp>

#include <fmt/format.h>

namespace sluice::detail {

std::string spill_refusal(std::string_view type, std::string_view part) {
  const std::string item = display_name(std::string(type));
  const std::string wrong = display_name(std::string(part));
  const std::string of = item == wrong ? "it" : fmt::format("its part {}", wrong);
  return fmt::format(
      "{} can't be written to a file, because {} is a pointer, view, handle or opaque class; hold "
      "the value itself, or give it a sluice::codec",
      item, of);
}

}  // namespace sluice::detail
