// pipelines/restore_plan.cpp
// SPDX-License-Identifier: MIT
#include <restore_plan.hpp>

#include <algorithm>

namespace sluice::samples {

RestorePlan::RestorePlan(const ArchiveContents& contents, std::size_t slots)
    : contents_(contents), slots_(std::max<std::size_t>(slots, 1)) {}

RestorePlan::Step RestorePlan::next() {
  if (in_file_) {
    const auto runs = contents_.runs(contents_.entries()[next_entry_ - 1]);
    if (run_ < runs.size()) return contents_of(runs[run_]);
    in_file_ = false;
    return {.kind = Kind::end_file};
  }
  if (next_entry_ == contents_.entries().size()) return {};
  const std::size_t entry = next_entry_++;
  in_file_ = contents_.entries()[entry].kind == EntryKind::file;
  run_ = 0;
  chunk_in_run_ = 0;
  return {.kind = Kind::make, .entry = entry};
}

// Chunks with consecutive numbers lie one behind the other as long as the frame is the same.
RestorePlan::Step RestorePlan::contents_of(const ChunkRun& run) {
  const std::uint32_t chunk = run.repeats ? run.first : run.first + chunk_in_run_;
  const ChunkRecord& first = contents_.chunks()[chunk];
  const FrameRecord& frame = contents_.frames()[first.frame];
  const std::uint32_t most = run.repeats ? 1 : run.count - chunk_in_run_;
  const std::uint32_t count = std::min(most, frame.first_chunk + frame.chunk_count - chunk);
  const ChunkRecord& last = contents_.chunks()[chunk + count - 1];
  chunk_in_run_ += count;
  if (chunk_in_run_ == run.count) {
    ++run_;
    chunk_in_run_ = 0;
  }
  Step step{.kind = Kind::contents,
            .frame = first.frame,
            .offset = first.offset,
            .size_bytes = last.offset + last.size_bytes - first.offset};
  choose_slot(step);
  return step;
}

void RestorePlan::choose_slot(Step& step) {
  const auto holds = [&](const Slot& slot) { return slot.used > 0 && slot.frame == step.frame; };
  auto slot = std::find_if(slots_.begin(), slots_.end(), holds);
  step.loads = slot == slots_.end();
  if (step.loads) {
    slot = std::min_element(slots_.begin(), slots_.end(),
                            [](const Slot& a, const Slot& b) { return a.used < b.used; });
  }
  *slot = {.frame = step.frame, .used = ++uses_};
  step.slot = static_cast<std::size_t>(slot - slots_.begin());
}

}  // namespace sluice::samples
