// sluice/stages/discard.hpp: a sink that drops every item.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice::stages {

/// What discard() makes; takes any item.
struct Discard {
  template <class T>
  void operator()(const T&) const noexcept {}
};

/// Drops every item; the report still counts them.
[[nodiscard]] inline Discard discard() noexcept { return {}; }

}  // namespace sluice::stages
