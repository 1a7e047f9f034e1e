// sluice/stages/block.hpp: a piece of an input, in memory that is used again.
//
// (1) The bytes never change once a block is handed out, so copies share them and fan-out is cheap.
// (2) The last copy gives the memory back to the pool of the source, from any thread.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::stages {

struct BlockBuffer;
class BlockReader;

/// Bytes of one input that belong together: whole records, or the rest of the input.
class Block {
 public:
  Block() noexcept = default;

  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// Of the input; "-" is standard input. Not of a default-made block.
  [[nodiscard]] const std::string& path() const noexcept { return *path_; }
  /// Position of the first byte in the input.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

 private:
  friend class BlockReader;

  std::shared_ptr<const BlockBuffer> buffer_;
  std::shared_ptr<const std::string> path_;
  std::string_view text_;
  std::uint64_t offset_ = 0;
};

}  // namespace sluice::stages
