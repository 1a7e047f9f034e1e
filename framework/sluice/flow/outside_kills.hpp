// sluice/flow/outside_kills.hpp: whether an item whose processes were killed is to blame, or somebody outside.
//
// A SIGKILL that this program has not sent comes from whoever has the right to send it, from the system when
// memory is short, or from the item itself; the kernel does not say. What can be known is who was innocent: an item
// that completes after its processes were killed, and a process that was killed between two items. So kills that are
// proved to come from outside, among the items completed meanwhile, say how likely one attempt is to be hit; and an
// item that was hit k times in a row is at fault once k hits by chance are hardly possible: p^k < 1e-6.
//
// Without such proofs p is 0: an item that kills its processes has as many attempts as its stage allows, however
// many others do the same. In a storm of kills from outside an innocent one has as many more as the storm asks for.
// Threads  one, the worker's.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sluice::detail {

class OutsideKills {
 public:
  /// So many kills were proved to come from outside, when the worker had completed so many items in all.
  void prove(unsigned kills, std::uint64_t completed) noexcept;
  /// Whether an attempt may well be hit so often in a row by chance.
  [[nodiscard]] bool explain(unsigned hits, std::uint64_t completed) const noexcept;

 private:
  // Lately: what is older weighs less with every proof.
  double kills_ = 0;
  double completed_ = 0;
  std::uint64_t counted_to_ = 0;
};

}  // namespace sluice::detail
