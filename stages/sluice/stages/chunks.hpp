// sluice/stages/chunks.hpp: a source of files in chunks that the consumers read themselves.
//
// The source only finds files and hands out places in them; each worker downstream reads its places
// into a buffer of its own (ChunkReader), so reading is shared by all cores and no text passes
// through a queue. What has no places (standard input, FIFOs) is read by the source and travels as
// blocks.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/flow/callable.hpp>
#include <sluice/stages/byte_set.hpp>
#include <sluice/stages/chunk.hpp>
#include <sluice/stages/paths.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::stages {

struct ChunkOptions {
  std::size_t chunk_bytes = std::size_t{256} * 1024;  ///< about so much text per chunk
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

/// The text of files, and of all regular files below directories, in chunks for ChunkReader.
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
