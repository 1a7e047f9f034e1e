// sluice/sync/ring_storage.cpp
// SPDX-License-Identifier: MIT
#include <sluice/sync/ring_storage.hpp>

namespace sluice::detail {

void throw_bytes_without_weigher() {
  throw UsageError(
      "queue: capacity_bytes is given without a weigher; say by QueueOptions::weigher how many bytes "
      "an item has");
}

}  // namespace sluice::detail
