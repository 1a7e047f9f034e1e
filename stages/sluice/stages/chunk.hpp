// sluice/stages/chunk.hpp: some text of files, described by where it is, and who reads it.
//
// (1) A record is never cut: it belongs to the piece in which it begins. A piece that begins inside
//     one skips its rest, and reads on past its own end until its last record is over.
// (2) A file in several pieces is opened by who reads it first and closed with the last piece, once
//     for all workers, so all pieces see one file even if its name is given to another meanwhile. A
//     file in one piece is open only while it is read.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/context.hpp>
#include <sluice/stages/block.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::stages {

class ChunkFile;

/// A place in a file, or a block that was read already.
class Piece {
 public:
  explicit Piece(Block block) : block_(std::move(block)), size_bytes_(block_.text().size()) {}
  Piece(std::shared_ptr<ChunkFile> file, std::uint64_t offset, std::uint64_t size_bytes)
      : file_(std::move(file)), offset_(offset), size_bytes_(size_bytes) {}

  [[nodiscard]] const std::string& path() const noexcept;
  /// Of the piece in its input; its first record may begin later.
  [[nodiscard]] std::uint64_t offset() const noexcept {
    return file_ == nullptr ? block_.offset() : offset_;
  }
  /// All pieces of an input together have the size of the input.
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }

 private:
  friend class ChunkReader;

  std::shared_ptr<ChunkFile> file_;  // null: block_ holds the text
  Block block_;
  std::uint64_t offset_ = 0;
  std::uint64_t size_bytes_ = 0;
};

/// About as much text as pays for its way through a queue: one piece of a large file, or several
/// small files. Copies share what the pieces refer to.
struct Chunk {
  std::vector<Piece> pieces;

  [[nodiscard]] std::uint64_t size_bytes() const noexcept;
};

/// Reads the chunks that reach one worker, into a buffer that is used again.
class ChunkReader {
 public:
  ChunkReader() noexcept = default;

  /// Calls use(const Piece&, std::string_view text) for each piece: the whole records that begin in
  /// it. The text is valid during the call only. A piece in which no record begins is left out.
  ///
  /// Blocks   while the file system reads.
  /// Failure  a file that can't be opened or read is a dead letter, one a file; the rest goes on.
  /// Throws   std::bad_alloc for a record that does not fit into memory.
  template <class Use>
  void read(const Chunk& chunk, Context& context, Use&& use) {
    for (const Piece& piece : chunk.pieces) {
      const std::string_view text = read(piece, context);
      if (!text.empty()) use(piece, text);
    }
  }

 private:
  class Place;

  [[nodiscard]] std::string_view read(const Piece& piece, Context& context);
  [[nodiscard]] std::string_view read_place(const Place& place);
  [[nodiscard]] std::size_t end_of_last_record(const Place& place, std::size_t end);
  void reserve(std::size_t bytes, std::size_t keep);

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_bytes_ = 0;
};

}  // namespace sluice::stages
