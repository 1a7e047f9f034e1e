// sluice/stages/blocks.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/blocks.hpp>

#include <sluice/stages/inputs.hpp>

#include <utility>

namespace sluice::stages {

BlockSource::BlockSource(std::vector<std::string> paths, const BlockOptions& options)
    : paths_(std::move(paths)), options_(options) {}
BlockSource::BlockSource(BlockSource&&) noexcept = default;
BlockSource::~BlockSource() = default;

void BlockSource::start(Context& context) {
  inputs_ = std::make_unique<Inputs>(paths_, options_.block_bytes, options_.cut_after, context);
}

bool BlockSource::next(Emitter<Block>& out) {
  Block block;
  if (!inputs_->next(block)) return false;
  out.emit(std::move(block));
  return true;
}

}  // namespace sluice::stages
