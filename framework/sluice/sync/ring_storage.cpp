// sluice/sync/ring_storage.cpp
// SPDX-License-Identifier: MIT
#include <sluice/sync/ring_storage.hpp>

#include <sluice/error.hpp>

namespace sluice::detail {

void check_weigher(bool bounded_in_bytes, bool weighs) {
  if (!bounded_in_bytes || weighs) return;
  throw UsageError(
      "queue: capacity_bytes is given without a weigher; say by QueueOptions::weigher how many "
      "bytes "
      "an item has");
}

}  // namespace sluice::detail
