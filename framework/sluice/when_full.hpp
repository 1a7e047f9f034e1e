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
#include <sluice/stream.hpp>

#include <memory>
#include <utility>

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

template <class Policy>
struct WhenFull {
  Policy policy;
};

template <class T, class Policy>
[[nodiscard]] Stream<T> with_policy_of(const Stream<T>& stream, const WhenFull<Policy>& full) {
  return Stream<T>(
      with_policy(StreamAccess::ends(stream),
                  std::make_shared<const FullPolicy>(full.policy.template for_items<T>())));
}

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

/// What this branch does with an output that finds its edge full: block(), drop_newest(), drop_oldest(), or
/// spill() (spill.hpp). Of this branch only: the same stream used again blocks, or has a policy of its own.
/// Before route, every arm has it; key_by may stand before or behind it. A branch has one at most.
template <class Policy>
  requires(Policy::kWhenFull)
[[nodiscard]] detail::WhenFull<Policy> when_full(Policy policy) { return {std::move(policy)}; }

template <class T, class Policy>
[[nodiscard]] Stream<T> operator|(const Stream<T>& stream, const detail::WhenFull<Policy>& full) {
  static_assert(detail::may_fan_out<T>,
                "sluice: this stream's items can only be moved, so it has one consumer: write "
                "std::move(stream) | when_full(...)");
  return detail::with_policy_of(stream, full);
}
template <class T, class Policy>
[[nodiscard]] Stream<T> operator|(Stream<T>&& stream, const detail::WhenFull<Policy>& full) {
  const Stream<T> taken = std::move(stream);
  return detail::with_policy_of(taken, full);
}
template <class T, class KeyOf, class Policy>
[[nodiscard]] KeyedStream<T, KeyOf> operator|(KeyedStream<T, KeyOf> keyed,
                                              const detail::WhenFull<Policy>& full) {
  return {detail::with_policy_of(keyed.stream, full), std::move(keyed.key_of)};
}

}  // namespace sluice
