// pipelines/pack_stages.cpp
// SPDX-License-Identifier: MIT
#include <pack_stages.hpp>

#include <sluice/os/file.hpp>
#include <sluice/stages/content_chunker.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <system_error>
#include <utility>

namespace sluice::samples {

// Who is late sees that somebody else did it.
void give_up(Context& context) {
  if (context.cancelled()) return;
  context.cancel();
  context.log("stopped before everything was packed: no archive is written");
}

void expect_number(std::uint64_t number, std::uint64_t& next, const char* what) {
  if (number != next) {
    throw std::runtime_error(fmt::format("{} are missing: no archive is written", what));
  }
  ++next;
}

// ---- CutFiles -----------------------------------------------------------------------------------

PackJob CutFiles::operator()(PackJob job) {
  std::uint64_t bytes = 0;
  for (const EntryPart& part : job.parts) bytes += part.range.size_bytes;
  if (bytes > 0) {
    constexpr std::size_t kBehindRange = stages::ContentChunker::kMost;
    job.content.bytes = buffers_->take(static_cast<std::size_t>(bytes) + kBehindRange);
  }
  for (EntryPart& part : job.parts) {
    if (part.entry.kind == EntryKind::file) cut(part, job.content);
  }
  return job;
}

void CutFiles::cut(EntryPart& part, ChunkGroup& content) {
  const std::size_t before = content.chunks.size();
  try {
    cutter_.append(part.entry.path, part.entry.inode, part.range, content);
    part.chunk_count = content.chunks.size() - before;
  } catch (const ChangedFile& changed) {
    part.failure = changed.what();
  } catch (const std::system_error& error) {
    part.failure = sluice::detail::reason("read", error.code());
  }
}

// ---- GroupChunks --------------------------------------------------------------------------------

namespace {

[[noreturn]] void fail_content() {
  throw std::runtime_error("contents and chunks don't fit together: no archive is written");
}

// What a process has damaged must not be read beyond its end.
void check_content(const PackJob& job) {
  std::size_t chunks = 0;
  for (const EntryPart& part : job.parts) {
    if (part.chunk_count > job.content.chunks.size() - chunks) fail_content();
    chunks += part.chunk_count;
  }
  std::size_t bytes = 0;
  for (const ChunkMark& chunk : job.content.chunks) bytes += chunk.size_bytes;
  if (chunks != job.content.chunks.size() || bytes != job.content.bytes.size()) fail_content();
}

}  // namespace

// Frames leave as soon as they are full. Entries follow the frames before them, which hold their
// contents but for what is still being grouped; the index is written when all of it is there.
void GroupChunks::process(PackJob job, Emitter<RawPart>& out) {
  expect_number(job.number, next_job_, "files");
  check_content(job);
  const std::string_view bytes = job.content.bytes.view();
  const ChunkMark* chunks = job.content.chunks.data();
  std::size_t at = 0;
  for (EntryPart& part : job.parts) {
    at += add_content(job, part, bytes.substr(at), chunks, out);
    chunks += part.chunk_count;
    if (part.is_last()) add_entry(std::move(part));
  }
  buffers_->give(std::move(job.content.bytes));
  RawPart rest{.entries = std::exchange(entries_, {}), .complete = job.complete};
  if (job.complete) rest.frame = grouper_.finish();
  if (job.complete || !rest.entries.empty()) send(job, std::move(rest), out);
}

void GroupChunks::send(const PackJob& job, RawPart part, Emitter<RawPart>& out) {
  part.archive = job.archive;
  part.number = parts_++;
  out.emit(std::move(part));
}

// Returns  how many of the bytes belong to the part.
std::size_t GroupChunks::add_content(const PackJob& job, const EntryPart& part,
                                     std::string_view bytes, const ChunkMark* chunks,
                                     Emitter<RawPart>& out) {
  if (part.is_first()) {
    runs_ = {};
    failure_.clear();
  }
  if (failure_.empty()) failure_ = part.failure;
  std::size_t at = 0;
  for (std::size_t i = 0; i < part.chunk_count; ++i) {
    std::optional<RawFrame> frame =
        grouper_.add(chunks[i], bytes.substr(at, chunks[i].size_bytes), runs_);
    if (frame) send(job, {.frame = std::move(frame)}, out);
    at += chunks[i].size_bytes;
  }
  return at;
}

void GroupChunks::add_entry(EntryPart part) {
  TreeEntry& found = part.entry;
  if (!failure_.empty()) {
    context_->dead(std::move(found.path), std::exchange(failure_, {}));
    return;
  }
  entries_.push_back({.entry = {.kind = found.kind,
                                .path = std::move(found.stored),
                                .attributes = found.attributes(),
                                .runs = runs_.runs(),
                                .target = std::move(found.target)},
                      .path = std::move(found.path),
                      .number = found.number,
                      .link_to = found.link_to,
                      .has_other_names = found.inode.links > 1});
}

// ---- CompressFrames -----------------------------------------------------------------------------

StoredPart CompressFrames::operator()(RawPart part) {
  StoredPart stored{.archive = part.archive,
                    .number = part.number,
                    .entries = std::move(part.entries),
                    .complete = part.complete};
  if (part.frame) {
    stored.frame = compressor_.compress(*part.frame, buffers_->take(kMostStoredFrameBytes));
    buffers_->give(std::move(part.frame->bytes));
  }
  return stored;
}

// ---- WriteArchive -------------------------------------------------------------------------------

bool WriteArchive::stopped() const { return context_->stop_token().stop_requested(); }

void WriteArchive::process(StoredPart part) {
  if (stopped()) {  // after the walk has ended nobody else would notice
    give_up(*context_);
    return;
  }
  expect_number(part.number, next_part_, "frames");
  if (archive_ == nullptr) archive_ = taker_.take(part.archive);
  if (part.frame) {
    archive_->append(*part.frame);
    context_->add_bytes(part.frame->bytes.size());
    buffers_->give(std::move(part.frame->bytes));
  }
  for (const EntryToStore& entry : part.entries) add(entry);
  complete_ = part.complete;
}

void WriteArchive::add(const EntryToStore& found) {
  NewEntry entry = found.entry;
  if (entry.kind == EntryKind::hard_link) {
    const auto first = numbers_.find(found.link_to);
    if (first == numbers_.end()) {
      context_->dead(found.path, "what it names was skipped");
      return;
    }
    entry.link_to = first->second;
  }
  const ArchiveIndex::Added added = archive_->add(entry);
  if (!added.refusal.empty()) {
    context_->dead(found.path, added.refusal);
    return;
  }
  if (found.has_other_names) numbers_.emplace(found.number, added.number);
}

void WriteArchive::finish() {
  if (stopped()) give_up(*context_);
  if (!stopped()) {
    if (!complete_) throw std::runtime_error("the last frames are missing: no archive is written");
    static_cast<void>(archive_->commit());
  }
  archive_.reset();
}

}  // namespace sluice::samples
