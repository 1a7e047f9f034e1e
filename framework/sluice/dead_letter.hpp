// sluice/dead_letter.hpp: an item that was given up, with its history.
// Layer: error. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice {

/// An item given up, or a subject that a source could not turn into items, with its history.
struct DeadLetter {
  std::string stage{};
  std::size_t worker = 0;
  std::uint64_t item = StageError::kNoItem;  ///< ordinal on the input edge, kNoItem for sources
  unsigned attempt = 1;                      ///< attempts made in all
  std::string error{};                       ///< what the last attempt threw, or the reason given
  std::string label{};                       ///< of the policy
  std::string subject{};                     ///< what it was about, e.g. a path; may be empty
  std::string payload{};                     ///< bytes of the item where they are known
  bool has_payload = false;
};

}  // namespace sluice
