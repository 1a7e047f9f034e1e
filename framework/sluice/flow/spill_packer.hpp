// sluice/flow/spill_packer.hpp: makes blocks of bytes smaller before they go to a file.
//
// Keeps its working memory (zstd's, about a megabyte) from one block to the next. One owner.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec/bytes.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace sluice::detail {

class SpillPacker {
 public:
  SpillPacker() noexcept;
  SpillPacker(const SpillPacker&) = delete;
  SpillPacker& operator=(const SpillPacker&) = delete;
  ~SpillPacker();

  /// Returns  the packed bytes, valid until the next call; or `bytes` themselves, where packing would not
  ///          save an eighth of them. Throws  std::bad_alloc.
  [[nodiscard]] std::span<const std::byte> pack(std::span<const std::byte> bytes);
  /// Fills `to` with what was packed: just as many bytes.
  /// Throws  std::bad_alloc; std::runtime_error: these are not bytes that pack() has made.
  void unpack(std::span<const std::byte> packed, std::span<std::byte> to);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;  // null until they are needed
  Bytes packed_{};
};

}  // namespace sluice::detail
