// pipelines/chunk_index.hpp: which chunks are stored already, by digest.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <digest.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::samples {

/// Numbers distinct digests in the order in which they come: 0, 1, 2 and so on.
///
/// Memory   about 48 bytes a digest: it is kept once, beside a table of numbers that is at most
///          three quarters full and searched slot by slot.
/// Threads  one at a time.
class ChunkIndex {
 public:
  struct Place {
    std::uint32_t number = 0;
    bool is_new = false;
  };

  ChunkIndex();

  /// Returns  the number of the digest, which it gets now when it is new.
  /// Throws   std::bad_alloc; std::length_error for more than 2^32 - 2 digests.
  Place find_or_add(const Digest& digest);

  [[nodiscard]] std::size_t size() const noexcept { return digests_.size(); }
  /// In the order of numbers.
  [[nodiscard]] const std::vector<Digest>& digests() const noexcept { return digests_; }

 private:
  [[nodiscard]] std::size_t slot_of(const Digest& digest) const noexcept;
  void grow();

  std::vector<Digest> digests_;
  std::vector<std::uint32_t> slots_;  // number + 1; 0: free
};

}  // namespace sluice::samples
