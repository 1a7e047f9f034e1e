// sluice/chaos.cpp
// SPDX-License-Identifier: MIT
#include <sluice/chaos.hpp>

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace sluice {
namespace {

[[noreturn]] void refuse(std::string_view part, const char* why) {
  throw UsageError(
      fmt::format("chaos: \"{}\": {}; write kill=STAGE:RATE,stop=STAGE:RATE,seed=N with RATE a "
                  "number per second",
                  part, why));
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

ChaosPlan::Fault read_fault(std::string_view part, std::string_view value, ChaosPlan::What what) {
  const std::size_t colon = value.rfind(':');
  if (colon == std::string_view::npos || colon == 0) refuse(part, "it has no STAGE:RATE");
  ChaosPlan::Fault fault{.what = what, .stage = std::string(value.substr(0, colon))};
  if (!read_number(value.substr(colon + 1), fault.per_second) || !(fault.per_second > 0) ||
      fault.per_second > 1e6) {
    refuse(part, "the rate is no number between 0 and a million");
  }
  return fault;
}

}  // namespace

ChaosPlan parse_chaos(std::string_view text) {
  ChaosPlan plan;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const std::size_t equals = part.find('=');
    const std::string_view key = part.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    if (key == "kill") {
      plan.faults.push_back(read_fault(part, value, ChaosPlan::What::kill));
    } else if (key == "stop") {
      plan.faults.push_back(read_fault(part, value, ChaosPlan::What::stop));
    } else if (key == "seed") {
      if (!read_number(value, plan.seed)) refuse(part, "the seed is no number");
    } else {
      refuse(part, "it is neither kill, stop nor seed");
    }
  }
  if (plan.faults.empty()) refuse(text, "it names no fault");
  return plan;
}

}  // namespace sluice
