// sluice/when_full.hpp: what a branch may do with an output that finds its edge full, instead of waiting.
//
//     frames | when_full(drop_oldest()) | sink("screen", show);     // never holds `frames` back
//     frames | map("encode", encode) | sink("disk", write);         // every one of them
//
// What is dropped is counted per branch: in the ledger, in the report (EdgeReport::branches) and in explain(). A
// drop is no error and no dead letter, and changes no exit code.
// Layer: pipeline. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/overflow.hpp>

namespace sluice {

namespace detail {

/// A policy that needs nothing but the port.
struct PortPolicy {
  static constexpr bool kWhenFull = true;
  Overflow overflow;

  template <class T>
  [[nodiscard]] FullPolicy for_items() const {
    return {.name = to_string(overflow), .overflow = overflow};
  }
};

}  // namespace detail

/// The producer waits until there is room: what every branch does that is told nothing.
[[nodiscard]] constexpr detail::PortPolicy block() noexcept { return {detail::Overflow::block}; }

/// The output that does not fit is dropped. The producer never waits for this branch.
[[nodiscard]] constexpr detail::PortPolicy drop_newest() noexcept {
  return {detail::Overflow::drop_newest};
}

/// The oldest queued item is dropped to make room for the output; of a keyed edge, the oldest for the same
/// worker, whatever its key. The producer never waits for this branch. Items that the consumer has taken are
/// not touched; its items' numbers (Context::item()) have gaps where some were dropped.
/// Refused where the consumer keeps the order of all items with several workers, because it goes by those
/// numbers, and where another branch into the same edge has another policy, because its items would be dropped.
[[nodiscard]] constexpr detail::PortPolicy drop_oldest() noexcept {
  return {detail::Overflow::drop_oldest};
}

}  // namespace sluice
