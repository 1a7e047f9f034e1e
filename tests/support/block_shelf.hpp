// support/block_shelf.hpp: a sink and source of shared bytes that stands for a transport: it keeps the
// blocks, and trusts no reference.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/shared_bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::testing_support {

class BlockShelf final : public sluice::BlockSink, public sluice::BlockSource {
 public:
  /// Blocks below `least` bytes are refused, so that they are written where they are.
  explicit BlockShelf(std::size_t least = 1) : least_(least) {}

  bool take(const SharedBytes& block, BlockReference& to) override {
    ++asked_;
    if (block.size() < least_) return false;
    blocks_.push_back(block);
    to = {{blocks_.size() - 1, kMark ^ block.size(), block.size()}};
    return true;
  }

  SharedBytes give(const BlockReference& reference, const Reader& from) override {
    const auto [place, mark, size] = reference.words;
    if (place >= blocks_.size()) from.fail("no block of that number");
    if (size != blocks_[place].size()) from.fail("the block has another size");
    if (mark != (kMark ^ size)) from.fail("the mark is wrong");
    return blocks_[place];
  }

  [[nodiscard]] const std::vector<SharedBytes>& blocks() const noexcept { return blocks_; }
  [[nodiscard]] std::size_t asked() const noexcept { return asked_; }

 private:
  static constexpr std::uint64_t kMark = 0x9e3779b97f4a7c15;

  std::size_t least_;
  std::vector<SharedBytes> blocks_{};
  std::size_t asked_ = 0;
};

}  // namespace sluice::testing_support
