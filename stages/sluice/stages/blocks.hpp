// sluice/stages/blocks.hpp: a source of blocks of text, cut where the caller says.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/flow/callable.hpp>
#include <sluice/stages/block.hpp>
#include <sluice/stages/byte_set.hpp>
#include <sluice/stages/paths.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace sluice::stages {

class Inputs;

struct BlockOptions {
  std::size_t block_bytes = std::size_t{256} * 1024;  ///< a longer record makes its block grow
  ByteSet cut_after{"\n"};                            ///< a block ends in one of these bytes
};

/// What blocks() makes for a worker.
class BlockSource {
 public:
  using Out = Block;

  BlockSource(std::vector<std::string> paths, const BlockOptions& options);
  BlockSource(BlockSource&&) noexcept;
  BlockSource& operator=(BlockSource&&) = delete;
  ~BlockSource();

  void start(Context& context);
  bool next(Emitter<Block>& out);

 private:
  std::vector<std::string> paths_;
  BlockOptions options_;
  std::unique_ptr<Inputs> inputs_;
};

/// The text of the inputs in order, in blocks that end where a record ends.
///
/// Every block ends in a byte of `cut_after`; the last one of an input also where the input ends.
/// Give the edge behind it a small capacity: each queued block holds `block_bytes` of memory.
/// Blocks   while a pipe or terminal has nothing to read; a stop ends that wait. Say `.blocking`.
/// Failure  an input that can't be opened or read, a directory too: dead letter, the rest goes on.
[[nodiscard]] inline auto blocks(Paths paths, const BlockOptions& options = {}) {
  return factory([paths = std::move(paths.list), options] { return BlockSource(paths, options); });
}

}  // namespace sluice::stages
