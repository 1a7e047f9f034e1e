// pipelines/fetched_frame.hpp: a frame on its way from the archive to whoever needs its bytes.
//
// It brings along all that it takes to check it, so checking and decompressing need no archive and can be done in
// another process: what a hostile archive does to the decompressor, it does there.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_contents.hpp>
#include <archive_frame.hpp>
#include <byte_buffer.hpp>
#include <digest.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::samples {

/// A frame as it is stored, not checked yet. Portable.
struct FetchedFrame {
  std::uint32_t number = 0;
  FrameRecord record{};
  ByteBuffer bytes{};

  /// "at byte 1234: frame 3: <what>; the archive is damaged, get another copy"
  [[nodiscard]] std::string fault(std::string_view what) const;
};

/// What the chunks of a frame must be. Portable.
struct FrameDigests {
  std::uint32_t first = 0;  ///< number of the first chunk
  std::vector<ChunkRecord> chunks{};
  std::string digests{};  ///< kStoredDigestBytes for each
};

[[nodiscard]] FrameDigests digests_of(const ArchiveContents& contents, const FrameRecord& frame);

/// Checks and decompresses frames, with memory that is used again.
///
/// Returns  what is wrong, in a few words for FetchedFrame::fault(); nothing when the frame is fine.
/// Threads  one at a time; each worker has its own.
class FrameLoader {
 public:
  /// What was in `raw` is gone.
  [[nodiscard]] std::string load(const FetchedFrame& frame, ByteBuffer& raw);

  /// Loads a frame and compares its chunks with their digests.
  [[nodiscard]] std::string verify(const FetchedFrame& frame, const FrameDigests& expected);

 private:
  ByteBuffer raw_{};
  FrameDecompressor decompressor_{};
  DigestMaker digest_{};
};

}  // namespace sluice::samples
