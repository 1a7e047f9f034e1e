// support/frame_cache.hpp: the contents of files out of an archive, by one thread.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_reader.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::testing_support {

/// What was in `raw` is gone. Throws  ArchiveError, std::system_error.
void load_frame(const samples::ArchiveReader& archive, std::size_t frame,
                samples::FrameLoader& with, samples::ByteBuffer& raw);

/// Keeps the frames used last, because chunks that files share lie in earlier frames.
///
/// Threads  one at a time.
class FrameCache {
 public:
  static constexpr std::size_t kFrames = 32;

  /// The archive must outlive the cache. Memory: `frames` frames, of about 1 MiB each.
  explicit FrameCache(const samples::ArchiveReader& archive, std::size_t frames = kFrames)
      : archive_(archive), most_(std::max<std::size_t>(frames, 1)) {}

  /// Calls use(std::string_view) for the contents of a file, piece by piece. A piece is valid
  /// during the call only.
  ///
  /// Blocks   while the file system reads.
  /// Throws   ArchiveError, std::system_error, and what `use` throws.
  template <class Use>
  void read(const samples::ArchiveEntry& file, Use&& use) {
    for (const samples::ChunkRun& run : archive_.contents().runs(file)) {
      for (std::uint32_t done = 0; done < run.count;) {
        const std::uint32_t chunk = run.repeats ? run.first : run.first + done;
        const std::uint32_t most = run.repeats ? 1 : run.count - done;
        const Piece piece = chunks_from(chunk, most);
        use(piece.bytes);
        done += piece.chunk_count;
      }
    }
  }

 private:
  struct Piece {
    std::string_view bytes;
    std::uint32_t chunk_count;
  };
  struct Held {
    std::size_t frame = 0;
    std::uint64_t used = 0;
    samples::ByteBuffer raw{};
  };

  [[nodiscard]] Piece chunks_from(std::uint32_t chunk, std::uint32_t most);
  [[nodiscard]] std::string_view frame(std::size_t number);

  const samples::ArchiveReader& archive_;
  std::size_t most_;
  std::uint64_t uses_ = 0;
  std::vector<Held> held_{};
  samples::FrameLoader loader_{};
};

}  // namespace sluice::testing_support
