// pipelines/frame_grouper.cpp
// SPDX-License-Identifier: MIT
#include <frame_grouper.hpp>

#include <utility>

namespace sluice::samples {

void RunList::add(std::uint32_t chunk) {
  if (!runs_.empty() && runs_.back().count < kMostNumber) {
    ChunkRun& last = runs_.back();
    if (chunk == last.first && (last.repeats || last.count == 1)) {
      last.repeats = true;
      ++last.count;
      return;
    }
    if (!last.repeats && chunk - last.first == last.count) {
      ++last.count;
      return;
    }
  }
  runs_.push_back({.first = chunk, .count = 1, .repeats = false});
}

std::optional<RawFrame> FrameGrouper::add(const ChunkMark& chunk, std::string_view bytes,
                                          RunList& file) {
  const ChunkIndex::Place place = index_.find_or_add(chunk.digest);
  file.add(place.number);
  seen_bytes_ += bytes.size();
  if (!place.is_new) return std::nullopt;
  kept_bytes_ += bytes.size();
  if (frame_.chunks.empty() && buffers_) frame_.bytes = buffers_->take(kMostFrameBytes);
  frame_.bytes.reserve(kMostFrameBytes);
  frame_.bytes.append(bytes);
  frame_.chunks.push_back(chunk);
  if (frame_.bytes.size() < kFrameBytes) return std::nullopt;
  return take();
}

std::optional<RawFrame> FrameGrouper::finish() {
  if (frame_.chunks.empty()) return std::nullopt;
  return take();
}

std::optional<RawFrame> FrameGrouper::take() {
  return std::optional<RawFrame>(std::exchange(frame_, RawFrame{}));
}

}  // namespace sluice::samples
