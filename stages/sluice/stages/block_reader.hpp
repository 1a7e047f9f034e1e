// sluice/stages/block_reader.hpp: reads one input from front to back, in blocks cut at a boundary.
//
// (1) Blocks are consecutive and lose nothing: together they are the input.
// (2) Every block but the last of an input ends in a byte of `cut_after`. A record that is longer
//     than a block makes its block grow.
// (3) A file fills its blocks. From a pipe or terminal a block holds what is there once there is a
//     cut in it: nothing that could be handed on waits for more.
// Layer: stages. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/file.hpp>
#include <sluice/os/readable_wait.hpp>
#include <sluice/stages/block.hpp>
#include <sluice/stages/block_pool.hpp>
#include <sluice/stages/byte_set.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

namespace sluice::stages {

class BlockReader {
 public:
  enum class Status : unsigned char { block, end, stopped };

  BlockReader(std::size_t block_bytes, const ByteSet& cut_after, std::stop_token token);

  /// Throws  std::system_error; a directory is refused.
  void open(const std::string& path, sluice::detail::Links links = sluice::detail::Links::follow);
  [[nodiscard]] bool is_open() const noexcept { return input_.valid(); }
  [[nodiscard]] const std::string& path() const noexcept { return *path_; }
  void close() noexcept;

  /// Blocks   until there is a block, the input has ended (it is then closed), or a stop is
  ///          requested; then the begin of an unfinished record is dropped.
  /// Throws   std::system_error.
  [[nodiscard]] Status next(Block& block);

 private:
  [[nodiscard]] Status fill();
  void make_room();
  [[nodiscard]] std::size_t find_cut() noexcept;
  void hand_out(std::size_t bytes, Block& block);

  const std::size_t block_bytes_;
  const ByteSet cut_after_;
  sluice::detail::ReadableWait wait_;
  std::shared_ptr<BlockPool> pool_;

  sluice::detail::Descriptor input_;
  std::shared_ptr<const std::string> path_;
  bool waits_ = false;  // reads may have to wait: not a regular file
  bool ended_ = false;
  std::uint64_t offset_ = 0;  // of buffer_ in the input

  std::shared_ptr<BlockBuffer> buffer_;
  std::size_t size_ = 0;      // bytes in buffer_
  std::size_t searched_ = 0;  // of these, known to hold no cut
};

}  // namespace sluice::stages
