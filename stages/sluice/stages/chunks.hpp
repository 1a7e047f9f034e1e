// sluice/stages/chunks.hpp: files in pieces that the consumers read themselves, in parallel.
//
// The source only finds files and hands out places in them; each worker downstream reads its places
// into a buffer of its own (ChunkReader), so reading is shared by all cores and no bytes pass
// through a queue. What can't be read at a place (standard input, FIFOs) is read by the source and
// travels as a block.
// (1) Records are never cut: a record belongs to the chunk in which it begins. A chunk that begins
//     inside one skips its rest, and reads on past its own end until its last record is over.
// (2) A file is opened when its first chunk is read and stays open until its last one was, once for
//     all workers.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/flow/callable.hpp>
#include <sluice/stages/block.hpp>
#include <sluice/stages/byte_set.hpp>
#include <sluice/stages/paths.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::stages {

class ChunkFile;

/// A place in a file, or a block that was read already. Copies are cheap.
class Chunk {
 public:
  [[nodiscard]] const std::string& path() const noexcept;
  /// Of the chunk in its input; its first record may begin later.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  /// All chunks of an input together have the size of the input.
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }

 private:
  friend class ChunkSource;
  friend class ChunkReader;

  std::shared_ptr<ChunkFile> file_;  // null: block_ holds the text
  Block block_;
  std::uint64_t offset_ = 0;
  std::uint64_t size_bytes_ = 0;
};

/// Reads the chunks that reach one worker.
class ChunkReader {
 public:
  ChunkReader() noexcept = default;

  /// Blocks   while the file system reads.
  /// Returns  the whole records that begin in the chunk, valid until the next call; empty when none
  ///          does, and when the file can't be opened or read: that is a dead letter, one a file.
  /// Throws   std::bad_alloc for a record that does not fit into memory.
  [[nodiscard]] std::string_view read(const Chunk& chunk, Context& context);

 private:
  [[nodiscard]] std::string_view read_place(const Chunk& chunk);
  [[nodiscard]] std::size_t end_of_last_record(const Chunk& chunk, std::size_t end);
  void reserve(std::size_t bytes, std::size_t keep);

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_bytes_ = 0;
};

struct ChunkOptions {
  std::size_t chunk_bytes = std::size_t{256} * 1024;
  ByteSet cut_after{"\n"};  ///< a record ends in one of these bytes, or with its input
};

/// What chunks() makes for a worker.
class ChunkSource {
 public:
  using Out = Chunk;

  ChunkSource(std::vector<std::string> paths, const ChunkOptions& options);
  ChunkSource(ChunkSource&&) noexcept;
  ChunkSource& operator=(ChunkSource&&) = delete;
  ~ChunkSource();

  void start(Context& context);
  bool next(Emitter<Chunk>& out);

 private:
  class State;

  std::vector<std::string> paths_;
  ChunkOptions options_;
  std::unique_ptr<State> state_;
};

/// The text of files and of all regular files below directories, in chunks for ChunkReader.
///
/// Directories are walked as walk() does. A file is read up to the size it had when it was found,
/// and to the end of its last record. Give the edge behind it a small capacity when standard input
/// is possible: each queued block holds `chunk_bytes` of memory.
/// Blocks   while a pipe or terminal has nothing to read; a stop ends that wait. Say `.blocking`.
/// Failure  what can't be opened, listed or read: dead letter, the rest goes on.
[[nodiscard]] inline auto chunks(Paths paths, const ChunkOptions& options = {}) {
  return factory([paths = std::move(paths.list), options] { return ChunkSource(paths, options); });
}

}  // namespace sluice::stages
