// pipelines/chunk_index.cpp
// SPDX-License-Identifier: MIT
#include <chunk_index.hpp>

#include <limits>
#include <stdexcept>

namespace sluice::samples {
namespace {

constexpr std::size_t kFirstSlots = 1024;  // a power of two, always

}  // namespace

ChunkIndex::ChunkIndex() : slots_(kFirstSlots) {}

// The slot that holds the digest, or the free one where it belongs.
std::size_t ChunkIndex::slot_of(const Digest& digest) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = DigestHash()(digest) & mask;
  while (slots_[slot] != 0 && digests_[slots_[slot] - 1] != digest) slot = (slot + 1) & mask;
  return slot;
}

ChunkIndex::Place ChunkIndex::find_or_add(const Digest& digest) {
  std::size_t slot = slot_of(digest);
  if (slots_[slot] != 0) return {.number = slots_[slot] - 1, .is_new = false};
  if (digests_.size() >= std::numeric_limits<std::uint32_t>::max() - 1) {
    throw std::length_error("more than 4294967294 distinct chunks; pack fewer files at a time");
  }
  if (4 * (digests_.size() + 1) > 3 * slots_.size()) {
    grow();
    slot = slot_of(digest);
  }
  digests_.push_back(digest);
  slots_[slot] = static_cast<std::uint32_t>(digests_.size());
  return {.number = slots_[slot] - 1, .is_new = true};
}

void ChunkIndex::grow() {
  slots_ = std::vector<std::uint32_t>(2 * slots_.size());
  for (std::size_t number = 0; number < digests_.size(); ++number) {
    slots_[slot_of(digests_[number])] = static_cast<std::uint32_t>(number + 1);
  }
}

}  // namespace sluice::samples
