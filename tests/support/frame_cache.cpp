// support/frame_cache.cpp
// SPDX-License-Identifier: MIT
#include <support/frame_cache.hpp>

#include <limits>
#include <string>

namespace sluice::testing_support {

using namespace sluice::samples;

void load_frame(const ArchiveReader& archive, std::size_t frame, FrameLoader& with,
                ByteBuffer& raw) {
  const FetchedFrame fetched = archive.fetch(frame);
  const std::string wrong = with.load(fetched, raw);
  if (!wrong.empty()) throw ArchiveError(archive.path() + ": " + fetched.fault(wrong));
}

// Chunks with consecutive numbers lie one behind the other as long as the frame is the same.
FrameCache::Piece FrameCache::chunks_from(std::uint32_t chunk, std::uint32_t most) {
  const ArchiveContents& contents = archive_.contents();
  const ChunkRecord& first = contents.chunks()[chunk];
  const FrameRecord& in = contents.frames()[first.frame];
  const std::uint32_t count = std::min(most, in.first_chunk + in.chunk_count - chunk);
  const ChunkRecord& last = contents.chunks()[chunk + count - 1];
  const std::size_t size = last.offset + last.size_bytes - first.offset;
  return {.bytes = frame(first.frame).substr(first.offset, size), .chunk_count = count};
}

std::string_view FrameCache::frame(std::size_t number) {
  const auto found = std::find_if(held_.begin(), held_.end(),
                                  [&](const Held& held) { return held.frame == number; });
  if (found != held_.end()) {
    found->used = ++uses_;
    return found->raw.view();
  }
  if (held_.size() < most_) held_.emplace_back();
  Held& oldest = *std::min_element(held_.begin(), held_.end(),
                                   [](const Held& a, const Held& b) { return a.used < b.used; });
  oldest.frame = std::numeric_limits<std::size_t>::max();  // until it is loaded
  load_frame(archive_, number, loader_, oldest.raw);
  oldest.frame = number;
  oldest.used = ++uses_;
  return oldest.raw.view();
}

}  // namespace sluice::testing_support
