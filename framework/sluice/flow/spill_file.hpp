// sluice/flow/spill_file.hpp: blocks of bytes in a temporary file, first in, first out.
//
// Space of blocks that were read is used again, and the file is empty when all were read. What
// throws has changed nothing. Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec/bytes.hpp>
#include <sluice/flow/item_fifo.hpp>
#include <sluice/flow/spill_space.hpp>
#include <sluice/os/temporary_file.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sluice::detail {

class SpillFile {
 public:
  struct Block {
    std::uint64_t first_slot;
    std::size_t bytes;
    std::size_t records;
  };

  /// An empty `directory` stands for temporary_directory(). Throws  std::system_error.
  explicit SpillFile(const std::string& directory);

  [[nodiscard]] bool empty() const noexcept { return blocks_.empty(); }

  /// Throws  std::system_error, std::bad_alloc.
  void write(std::span<const std::byte> bytes, std::size_t records);
  /// Requires  not empty(). Moves the oldest block into `to`.
  /// Throws  std::system_error, std::bad_alloc: the block is still the oldest; `to` has no
  /// particular value.
  Block read(Bytes& to);

 private:
  void shorten() noexcept;

  TemporaryFile file_;
  SpillSpace space_{};
  ItemFifo<Block> blocks_{};
  std::uint64_t slots_ = 0;  // that the file may reach to
};

}  // namespace sluice::detail
