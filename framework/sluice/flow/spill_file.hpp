// sluice/flow/spill_file.hpp: blocks of bytes in a temporary file, first in, first out.
//
// (1) Space of blocks that were read is used again, and the file is empty when all were read.
// (2) Blocks are packed where that makes them smaller, never larger. So a file with a cap keeps it as long as
//     its owner asks fits() with the unpacked size before it writes.
// (3) What throws has changed nothing.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec/bytes.hpp>
#include <sluice/flow/item_fifo.hpp>
#include <sluice/flow/spill_packer.hpp>
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
    std::size_t stored;  // bytes in the file; `bytes` where they are not packed
    std::size_t bytes;
    std::size_t records;
  };

  /// Whether `bytes` more fit into a file that may be `max_bytes` long and has nothing in it yet.
  [[nodiscard]] static bool fits_empty(std::size_t bytes, std::uint64_t max_bytes) noexcept;

  /// An empty `directory` stands for temporary_directory(). Throws  std::system_error.
  SpillFile(const std::string& directory, bool packs);

  [[nodiscard]] bool empty() const noexcept { return blocks_.empty(); }
  /// Bytes of the file that blocks take up.
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  /// Whether a block of that many bytes can be written without making the file longer than `max_bytes`.
  [[nodiscard]] bool fits(std::size_t bytes, std::uint64_t max_bytes) const noexcept;

  /// Throws  std::system_error, std::bad_alloc.
  void write(std::span<const std::byte> bytes, std::size_t records);
  /// Requires  not empty(). Moves the oldest block into `to`.
  /// Throws  std::system_error, std::bad_alloc, std::runtime_error: the block is still the oldest; `to` has no
  /// particular value.
  Block read(Bytes& to);

 private:
  void shorten() noexcept;

  TemporaryFile file_;
  bool packs_;
  SpillPacker packer_{};
  Bytes packed_{};  // as read from the file
  SpillSpace space_{};
  ItemFifo<Block> blocks_{};
  std::uint64_t slots_ = 0;  // that the file may reach to
  std::uint64_t taken_ = 0;  // of them: taken by blocks
};

}  // namespace sluice::detail
