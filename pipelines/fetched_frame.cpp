// pipelines/fetched_frame.cpp
// SPDX-License-Identifier: MIT
#include <fetched_frame.hpp>

#include <archive_format.hpp>

#include <fmt/format.h>

namespace sluice::samples {

std::string FetchedFrame::fault(std::string_view what) const {
  return fmt::format("at byte {}: frame {}: {}; the archive is damaged, get another copy",
                     record.offset, number, what);
}

FrameDigests digests_of(const ArchiveContents& contents, const FrameRecord& frame) {
  FrameDigests expected{.first = frame.first_chunk};
  expected.chunks.reserve(frame.chunk_count);
  expected.digests.reserve(frame.chunk_count * kStoredDigestBytes);
  for (std::size_t i = 0; i < frame.chunk_count; ++i) {
    expected.chunks.push_back(contents.chunks()[frame.first_chunk + i]);
    expected.digests += contents.digest(frame.first_chunk + i);
  }
  return expected;
}

std::string FrameLoader::load(const FetchedFrame& frame, ByteBuffer& raw) {
  if (checksum_of(frame.bytes.view()) != frame.record.checksum) return "its checksum is wrong";
  return decompressor_.decompress(frame.bytes.view(), frame.record.raw_bytes, raw);
}

std::string FrameLoader::verify(const FetchedFrame& frame, const FrameDigests& expected) {
  std::string wrong = load(frame, raw_);
  for (std::size_t i = 0; i < expected.chunks.size() && wrong.empty(); ++i) {
    const ChunkRecord& chunk = expected.chunks[i];
    const Digest digest = digest_(raw_.view().substr(chunk.offset, chunk.size_bytes));
    const std::string_view found(reinterpret_cast<const char*>(digest.bytes.data()),
                                 kStoredDigestBytes);
    if (found !=
        std::string_view(expected.digests).substr(i * kStoredDigestBytes, kStoredDigestBytes)) {
      wrong = fmt::format("the digest of chunk {} is wrong", expected.first + i);
    }
  }
  return wrong;
}

}  // namespace sluice::samples
